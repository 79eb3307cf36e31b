"""The organisation and environments of an estate in the shapes that Anypoint sends."""

from sandbox.estate_model import Environment, Estate, Json
from sandbox.estate_payloads import number


def environment(estate: Estate, item: Environment) -> Json:
    """Return an environment as listed."""
    return {
        "id": item.id,
        "name": item.name,
        "organizationId": estate.organization_id,
        "isProduction": item.type == "production",
        "type": item.type,
        "clientId": f"{number(item.id):032x}",
        "arcNamespace": None,
    }


def me(estate: Estate) -> Json:
    """Return who the Connected App is."""
    members = [
        {"id": key, "name": name, "isRoot": key == estate.organization_id}
        for key, name in estate.groups.items()
    ]
    return {
        "client": {"client_id": estate.client_id, "name": "Plumbline"},
        "user": {
            "id": "0b6c1f2e-0000-4000-8000-00000000a11e",
            "username": "who-created-the-app",
            "organizationId": estate.organization_id,
            "organization": organization(estate, estate.organization_id),
            "memberOfOrganizations": members,
            "contributorOfOrganizations": [],
        },
    }


def organization(estate: Estate, organization_id: str) -> Json:
    """Return an organisation or business group."""
    is_root = organization_id == estate.organization_id
    return {
        "id": organization_id,
        "name": estate.groups[organization_id],
        "isMaster": is_root,
        "isRoot": is_root,
        "subOrganizationIds": list(estate.groups)[1:] if is_root else [],
        "environments": [environment(estate, item) for item in estate.environments],
    }
