"""APIs, policies, tiers and contracts of an estate in the shapes that Anypoint sends."""

from collections.abc import Sequence
from random import Random
from zlib import crc32

from sandbox.estate_model import (
    MULESOFT,
    Api,
    Contract,
    Estate,
    Instance,
    Json,
    Policy,
    Tier,
)

CREATED = "2025-02-11T09:14:22.518Z"
UPDATED = "2025-06-30T15:02:41.007Z"
STATUSES = ("APPROVED", "PENDING", "REJECTED", "REVOKED")


def number(*parts: object) -> int:
    """Return an invented id that is the same for the same parts."""
    return 1_000_000 + crc32("/".join(map(str, parts)).encode()) % 8_000_000


def assets(estate: Estate, environment_id: str) -> list[Json]:
    """Return the assets that have an instance in an environment, each with these, by name."""
    found = []
    for api in sorted(estate.apis, key=lambda api: (api.name, api.key)):
        instances = [item for item in api.instances if item.environment_id == environment_id]
        if instances:
            found.append(_asset(estate, api, instances))
    return found


def _asset(estate: Estate, api: Api, instances: Sequence[Instance]) -> Json:
    name = f"groupId:{api.group_id}:assetId:{api.asset_id}" if api.asset_id else instances[0].name
    return {
        "audit": {"created": {"date": CREATED}, "updated": {}},
        "masterOrganizationId": estate.organization_id,
        "organizationId": estate.organization_id,
        "id": number("asset", api.key),
        "name": name or api.name,
        "exchangeAssetName": api.name if api.asset_id else None,
        "groupId": api.group_id,
        "assetId": api.asset_id,
        "apis": [_listed(estate, api, item) for item in instances],
        "totalApis": len(instances),
        "autodiscoveryApiName": name or api.name,
    }


def _listed(estate: Estate, api: Api, item: Instance) -> Json:
    rng = Random(item.instance_id)
    return {
        "audit": {"created": {"date": CREATED}, "updated": _sometimes(rng, {"date": UPDATED})},
        "masterOrganizationId": estate.organization_id,
        "organizationId": estate.organization_id,
        "id": item.instance_id,
        "instanceLabel": item.label,
        "groupId": api.group_id,
        "assetId": api.asset_id,
        "assetVersion": item.asset_version,
        "productVersion": item.product_version,
        "description": None,
        "tags": ["layer:" + api.name.split()[-2].lower()] if api.asset_id else [],
        "order": 1,
        "providerId": None,
        "deprecated": False,
        "lastActiveDate": "2026-11-20T08:28:35.544Z",
        "endpointUri": f"https://gateway.northwind.example/{item.instance_id}",
        "environmentId": item.environment_id,
        "isPublic": False,
        "stage": "release",
        "technology": item.technology,
        "status": item.status,
        "approvalMethod": None,
        "deployment": None,
        "lastActiveDelta": rng.randrange(1, 5000),
        "pinned": rng.random() < 0.1,
        "activeContractsCount": sum(x.status == "APPROVED" for x in item.contracts),
        "autodiscoveryInstanceName": f"{item.product_version}:{item.instance_id}",
    }


def _sometimes(rng: Random, value: Json) -> Json:
    return value if rng.random() < 0.5 else {}


def policies(estate: Estate, item: Instance) -> list[Json]:
    """Return an instance's policies with `fullInfo=false`."""
    return [_policy(estate, policy, item) for policy in item.policies]


def _policy(estate: Estate, policy: Policy, item: Instance) -> Json:
    sent = {
        "audit": {"created": {"date": CREATED}, "updated": {}},
        "masterOrganizationId": estate.organization_id,
        "organizationId": estate.organization_id,
        "id": number("policy", item.instance_id, policy.asset_id, policy.label),
        "policyTemplateId": _template_id(policy),
        "configurationData": policy.configuration,
        "order": policy.order,
        "disabled": policy.disabled,
        "pointcutData": policy.pointcut,
        "groupId": policy.group_id,
        "assetId": policy.asset_id if policy.group_id else None,
        "assetVersion": policy.version if policy.group_id else None,
        "type": "system" if policy.group_id in (MULESOFT, None) else "custom",
        "label": policy.label,
        "apiId": item.instance_id,
    }
    if policy.group_id:
        sent["implementationAsset"] = _implementation(policy, item.technology)
    return sent


def _template_id(policy: Policy) -> str:
    if policy.group_id is None:
        return policy.asset_id
    return str(number("template", policy.asset_id, policy.version) % 900_000)


def _implementation(policy: Policy, technology: str) -> Json:
    return {
        "assetId": f"{policy.asset_id}-{'flex' if technology == 'flexGateway' else 'mule'}",
        "groupId": policy.group_id,
        "version": policy.version,
        "technology": technology,
        "minRuntimeVersion": "4.1.0",
        "supportedJavaVersions": ["8", "17", "11"],
    }


def enabled_policies(item: Instance) -> Json:
    """Return what the default `fullInfo=true` sends: another shape, without switched-off ones."""
    sent = [
        {
            "policyTemplateId": _template_id(policy),
            "order": policy.order,
            "type": "system",
            "policyId": number("policy", item.instance_id, policy.asset_id, policy.label),
            "version": 1750000000000,
            "pointcutData": policy.pointcut,
            "configuration": policy.configuration,
            "template": {
                "groupId": policy.group_id,
                "assetId": policy.asset_id,
                "assetVersion": policy.version,
            },
        }
        for policy in item.policies
        if not policy.disabled
    ]
    return {"policies": sent, "tiers": {"values": [], "version": 1750000000000}}


def automated(estate: Estate, environment_id: str) -> Json:
    """Return the automated policies of an environment."""
    sent = [
        {
            "audit": {},
            "id": number("automated", environment_id, policy.asset_id),
            "ruleOfApplication": {
                "organizationId": estate.organization_id,
                "environmentId": environment_id,
                "range": {"from": "4.6.0"},
                "technologies": list(policy.technologies),
                "javaVersions": ["17"],
            },
            "groupId": policy.group_id,
            "assetId": policy.asset_id,
            "assetVersion": policy.version,
            "configurationData": policy.configuration,
            "pointcutData": policy.pointcut,
            "order": policy.order,
            "disabled": policy.disabled,
            "implementationAssets": [
                {**_implementation(policy, word), "name": policy.asset_id}
                for word in policy.technologies
            ],
        }
        for policy in estate.automated.get(environment_id, [])
    ]
    return {"automatedPolicies": sent, "total": len(sent)}


def tiers(estate: Estate, item: Instance) -> list[Json]:
    """Return an instance's SLA tiers."""
    return [
        {
            "audit": {"created": {"date": CREATED}, "updated": {}},
            "masterOrganizationId": estate.organization_id,
            "organizationId": estate.organization_id,
            **_tier(tier, item),
            "applicationCount": sum(x.tier == tier.name for x in item.contracts),
            "apiId": item.instance_id,
        }
        for tier in item.tiers
    ]


def _tier(tier: Tier, item: Instance) -> Json:
    return {
        "id": number("tier", item.instance_id, tier.name),
        "name": tier.name,
        "description": None,
        "limits": [
            {"maximumRequests": most, "timePeriodInMilliseconds": window, "visible": True}
            for most, window in tier.limits
        ],
        "status": tier.status,
        "autoApprove": tier.auto_approve,
    }


def contracts(estate: Estate, item: Instance) -> list[Json]:
    """Return an instance's contracts of every status."""
    named = {tier.name: tier for tier in item.tiers}
    return [_contract(estate, contract, item, named) for contract in item.contracts]


def _contract(estate: Estate, contract: Contract, item: Instance, named: dict[str, Tier]) -> Json:
    tier = _tier(named[contract.tier], item) if contract.tier in named else None
    return {
        "audit": {"created": {"date": CREATED}, "updated": {"date": UPDATED}},
        "masterOrganizationId": estate.organization_id,
        "organizationId": estate.organization_id,
        "id": number("contract", item.instance_id, contract.application),
        "status": contract.status,
        "approvedDate": UPDATED if contract.status == "APPROVED" else None,
        "rejectedDate": UPDATED if contract.status == "REJECTED" else None,
        "revokedDate": UPDATED if contract.status == "REVOKED" else None,
        "applicationId": contract.application_id,
        "application": {
            "audit": {},
            "id": contract.application_id,
            "name": contract.application,
            "description": None,
            "clientProvider": {},
            "coreServicesId": f"{number('client', contract.application_id):032x}",
            "url": None,
        },
        "tierId": tier["id"] if tier else None,
        "tier": tier,
        "requestedTierId": None,
        "requestedTier": None,
        "terms": None,
        "partyId": None,
        "partyName": None,
        "condition": "APPLIED",
        "apiId": item.instance_id,
        "api": {"id": item.instance_id, "organizationId": estate.organization_id},
    }
