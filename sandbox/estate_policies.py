"""The policies of an invented organisation, each set up as a careful team would."""

import copy
from random import Random

from sandbox.estate_model import Json, Policy

VERSIONS = {
    "client-id-enforcement": "1.3.3",
    "jwt-validation": "0.12.1",
    "external-oauth2-access-token-enforcement": "1.6.0",
    "openidconnect-access-token-enforcement": "1.6.0",
    "http-basic-authentication": "1.3.2",
    "rate-limiting": "1.4.1",
    "rate-limiting-sla-based": "1.3.1",
    "spike-control": "1.2.2",
    "ip-allowlist": "1.1.2",
    "cors": "1.3.2",
    "message-logging": "2.0.2",
    "header-injection": "1.3.2",
    "header-removal": "1.3.2",
    "json-threat-protection": "1.2.1",
    "xml-threat-protection": "1.2.1",
    "partner-signature-check": "2.1.0",
}

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

CLIENT = {
    "clientIdExpression": "#[attributes.headers['client_id']]",
    "clientSecretExpression": "#[attributes.headers['client_secret']]",
}

TOKEN_POLICY = {
    "tokenUrl": "https://login.northwind.example/oauth2/validate",
    "scopes": "read write",
    "scopeValidationCriteria": "AND",
    "exposeHeaders": False,
    "skipClientIdValidation": False,
    "authenticationTimeout": 10000,
    "maxCacheEntries": 1000,
}

CONFIGURATIONS: dict[str, dict[str, Json]] = {
    "client-id-enforcement": {"credentialsOrigin": "customExpression", **CLIENT},
    "jwt-validation": {
        "jwtOrigin": "httpBearerAuthenticationHeader",
        "signingMethod": "rsa",
        "signingKeyLength": 256,
        "jwtKeyOrigin": "jwks",
        "jwksUrl": "https://login.northwind.example/keys",
        "jwksServiceTimeToLive": 60,
        "jwksServiceConnectionTimeout": 10000,
        "skipClientIdValidation": False,
        "clientIdExpression": "#[vars.claimSet.client_id]",
        "validateAudClaim": True,
        "mandatoryAudClaim": True,
        "supportedAudiences": "api://internal,api://partners",
        "mandatoryExpClaim": True,
        "mandatoryNbfClaim": True,
        "validateCustomClaim": True,
        "mandatoryCustomClaims": [
            {"key": "iss", "value": "https://login.northwind.example"},
            {"key": "azp", "value": "northwind"},
        ],
        "nonMandatoryCustomClaims": [],
    },
    "external-oauth2-access-token-enforcement": TOKEN_POLICY,
    "openidconnect-access-token-enforcement": TOKEN_POLICY,
    "http-basic-authentication": {"username": "svc-gateway", "password": "{secret}"},
    "rate-limiting": {
        "rateLimits": [
            {"maximumRequests": 1000, "timePeriodInMilliseconds": 60000},
            {"maximumRequests": 20000, "timePeriodInMilliseconds": 3600000},
        ],
        "exposeHeaders": True,
        "clusterizable": True,
    },
    "rate-limiting-sla-based": {**CLIENT, "exposeHeaders": True, "clusterizable": True},
    "spike-control": {
        "maximumRequests": 50,
        "timePeriodInMilliseconds": 1000,
        "delayTimeInMillis": 1000,
        "delayAttempts": 1,
        "queuingLimit": 5,
        "exposeHeaders": False,
    },
    "ip-allowlist": {
        "ipExpression": "#[attributes.headers['x-real-ip']]",
        "ips": ["10.20.0.0/16", "192.168.2.0/24", "203.0.113.7"],
    },
    "cors": {
        "publicResource": False,
        "supportCredentials": True,
        "originGroups": [
            {
                "originGroupName": "Storefront",
                "origins": ["https://shop.northwind.example", "https://www.northwind.example"],
                "accessControlMaxAge": 60,
                "allowedMethods": [{"methodName": name, "allowed": True} for name in METHODS],
                "headers": ["x-correlation-id", "content-type"],
                "exposedHeaders": [],
            }
        ],
    },
    "message-logging": {
        "loggingConfiguration": [
            {
                "itemName": "Default configuration",
                "itemData": {
                    "message": "#[attributes.headers['x-correlation-id']]",
                    "category": "gateway",
                    "level": "INFO",
                    "firstSection": True,
                    "secondSection": False,
                },
            }
        ]
    },
    "header-injection": {
        "inboundHeaders": [
            {"key": "x-gateway", "value": "northwind"},
            {"key": "x-api-key", "value": "{secret}"},
        ],
        "outboundHeaders": [{"key": "cache-control", "value": "no-store"}],
    },
    "header-removal": {
        "inboundHeaders": ["x-debug", "x-internal-user"],
        "outboundHeaders": ["server", "x-powered-by"],
    },
    "json-threat-protection": {
        "maxContainerDepth": 20,
        "maxObjectEntryCount": 200,
        "maxObjectEntryNameLength": 100,
        "maxArrayElementCount": 1000,
        "maxStringValueLength": 4096,
    },
    "xml-threat-protection": {
        "maxNodeDepth": 20,
        "maxAttributeCountPerElement": 50,
        "maxChildCount": 500,
        "maxTextLength": 4096,
        "maxAttributeLength": 500,
        "maxCommentLength": 1000,
    },
    "partner-signature-check": {
        "partners": ["northwind-logistics", "contoso", "fabrikam"],
        "algorithm": "hmac-sha256",
        "clockSkewSeconds": 120,
        "header": {"name": "x-signature", "required": True},
    },
}

AUTHENTICATION = (
    "jwt-validation",
    "external-oauth2-access-token-enforcement",
    "http-basic-authentication",
    "client-id-enforcement",
    "rate-limiting-sla-based",
)

ARCHETYPES: tuple[tuple[str, ...], ...] = (
    ("cors", "jwt-validation", "rate-limiting", "message-logging"),
    ("client-id-enforcement", "rate-limiting-sla-based", "json-threat-protection"),
    ("client-id-enforcement", "rate-limiting", "ip-allowlist", "message-logging"),
    ("http-basic-authentication", "spike-control", "ip-allowlist"),
    ("jwt-validation", "spike-control", "header-injection", "partner-signature-check"),
    ("external-oauth2-access-token-enforcement", "rate-limiting", "header-removal"),
    ("cors", "jwt-validation", "rate-limiting-sla-based", "spike-control", "header-removal"),
)


def policy(asset_id: str, organization_id: str, rng: Random) -> Policy:
    """Return a policy with its careful configuration; invented secrets come from the seed."""
    is_custom = asset_id == "partner-signature-check"
    made = Policy(asset_id, _filled(CONFIGURATIONS[asset_id], rng), VERSIONS[asset_id])
    if is_custom:
        made.group_id = organization_id
    return made


def _filled(value: Json, rng: Random) -> Json:
    if value == "{secret}":
        return "".join(rng.choices("abcdefghjkmnpqrstuvwxyz23456789", k=24))
    if isinstance(value, dict):
        return {key: _filled(item, rng) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, rng) for item in value]
    return copy.copy(value)


def numbered(policies: list[Policy]) -> list[Policy]:
    """Give the policies their order as they stand."""
    for place, item in enumerate(policies, start=1):
        item.order = place
    return policies
