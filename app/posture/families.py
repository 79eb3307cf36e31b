"""Which family of protection a policy belongs to; custom policies belong to none."""

from enum import StrEnum
from functools import lru_cache

from app.posture.model import MULESOFT_GROUP


class Family(StrEnum):
    """What a policy is for, as the chips of the overview say it."""

    AUTH = "AUTH"
    IDENTIFY = "IDENTIFY"
    TRAFFIC = "TRAFFIC"
    NETWORK = "NETWORK"
    PAYLOAD = "PAYLOAD"
    CORS = "CORS"
    LOGGING = "LOGGING"
    TRANSFORM = "TRANSFORM"
    CACHE = "CACHE"
    AI = "AI"
    CUSTOM = "CUSTOM"


AUTHENTICATES = frozenset({Family.AUTH, Family.IDENTIFY})
"""Families of which one enabled policy is enough for a caller to be known."""

PROTECTIVE = AUTHENTICATES | {Family.TRAFFIC, Family.NETWORK, Family.PAYLOAD}
"""Families whose absence makes an API weaker."""

SLA_BASED = frozenset({"rate-limiting-sla-based", "throttling-sla-based"})
"""Policies through which SLA tiers have an effect."""

CORS_POLICY = "cors"

_MEMBERS: dict[tuple[Family, ...], str] = {
    (Family.AUTH,): """
        jwt-validation openidconnect-access-token-enforcement openam-access-token-enforcement
        pingfederate-access-token-enforcement external-oauth2-access-token-enforcement
        openid-connect-access-token-enforcement oauth2-access-token-enforcement
        oauth2-token-introspection http-basic-authentication simple-security-manager
        ldap-authentication ldap-security-manager native-ext-authz external-authorization
        ext-authz tls-inbound mtls-inbound inbound-mtls
    """,
    (Family.IDENTIFY,): "client-id-enforcement",
    (Family.IDENTIFY, Family.TRAFFIC): "rate-limiting-sla-based throttling-sla-based",
    (Family.TRAFFIC,): "rate-limiting spike-control throttling",
    (Family.NETWORK,): "ip-allowlist ip-whitelist ip-blocklist ip-blacklist access-block",
    (Family.PAYLOAD,): """
        json-threat-protection xml-threat-protection injection-protection schema-validation
        json-schema-validation xml-schema-validation spec-validation
    """,
    (Family.CORS,): CORS_POLICY,
    (Family.LOGGING,): "message-logging message-logging-outbound",
    (Family.TRANSFORM,): """
        header-injection header-removal credential-injection-basic-auth credential-injection-oauth2
    """,
    (Family.CACHE,): "http-caching",
}
_BY_ASSET = {asset: families for families, text in _MEMBERS.items() for asset in text.split()}
_AI_PREFIXES = ("mcp-", "a2a-", "a-two-a-", "llm-")
_OUTBOUND = frozenset(
    [
        "message-logging-outbound",
        "credential-injection-basic-auth",
        "credential-injection-oauth2",
        "credential-injection-oauth2-obo",
        "credential-injection-api-key",
        "intask-authentication-policy",
        "intask-authorization-code-policy",
        "circuit-breaker",
        "idle-timeout",
        "native-aws-lambda",
        "bedrock-llm-provider-policy",
        "gemini-llm-provider-policy",
        "openai-transcoding-policy",
        "gemini-transcoding-policy",
    ]
)


@lru_cache(maxsize=4096)
def families(group_id: str | None, asset_id: str) -> tuple[Family, ...]:
    """Return the families of a policy; one of a customer's group is CUSTOM whatever its name."""
    if not is_mulesofts(group_id):
        return (Family.CUSTOM,)
    if asset_id.startswith(_AI_PREFIXES):
        return (Family.AI,)
    return _BY_ASSET.get(asset_id, (Family.CUSTOM,))


def is_outbound(group_id: str | None, asset_id: str) -> bool:
    """Whether a policy acts on the way to the upstream: after all others, whatever its number."""
    return asset_id in _OUTBOUND and is_mulesofts(group_id)


def is_mulesofts(group_id: str | None) -> bool:
    """Whether the policy is MuleSoft's own; Mule 3 policies have no group and are."""
    return group_id is None or group_id == MULESOFT_GROUP
