"""Addresses of Anypoint's own pages, for people to follow."""

from urllib.parse import quote


def instance_url(base_url: str, organization_id: str, environment_id: str, instance_id: int) -> str:
    """Return where API Manager shows an instance; the one place that knows this address."""
    organization = quote(organization_id, safe="", errors="replace")
    environment = quote(environment_id, safe="", errors="replace")
    return (
        f"{base_url}/apimanager/#/organizations/{organization}"
        f"/environments/{environment}/apis/{instance_id}"
    )
