"""What is weak in one policy by itself: one function and one row for each rule."""

from collections.abc import Callable
from typing import NamedTuple

from app.posture.applied import Applied
from app.posture.families import is_mulesofts
from app.posture.limits import limits_of
from app.posture.logged import writes_contents
from app.posture.networks import EVERYTHING, may_hold_everything
from app.posture.normalisation import Configuration
from app.posture.policies import BASIC_HEADER
from app.posture.weaker import has_plain_http, has_wildcard, reads_query

SAMPLE_HOST = "your-jwks-service.example"
KEY_URLS = ("jwksUrl", "tokenUrl", "introspectionURL")
CREDENTIAL_EXPRESSIONS = ("clientIdExpression", "clientSecretExpression", "jwtExpression")

Weak = Callable[[Configuration], bool]


def unsigned_tokens(jwt: Configuration) -> bool:
    """P03: tokens without a signature are let in."""
    return jwt.get("signingMethod") in (None, "none")


def sample_key(jwt: Configuration) -> bool:
    """P04: the sample key of the policy's form was never replaced."""
    return SAMPLE_HOST in str(jwt.get("jwksUrl")) or (
        jwt.get("jwtKeyOrigin") == "text" and "textKey" in jwt.normal.samples
    )


def id_without_secret(policy: Configuration) -> bool:
    """P06: a client id is enough. In a Basic header the secret comes along by itself."""
    takes_header = policy.get("credentialsOrigin") == BASIC_HEADER
    return not takes_header and policy.get("clientSecretExpression") is None


def tokens_never_expire(jwt: Configuration) -> bool:
    """P07: tokens without an expiry are taken."""
    return jwt.get("mandatoryExpClaim") is not True


def tokens_of_others(jwt: Configuration) -> bool:
    """P08: neither audience nor issuer is checked."""
    if jwt.get("validateAudClaim") is True:
        return False
    return not any(path.endswith("CustomClaims[iss]") for path in jwt.fields)


def keys_over_http(policy: Configuration) -> bool:
    """P09: keys or tokens are fetched over a connection without encryption."""
    return any(has_plain_http(policy.get(name)) for name in KEY_URLS)


def credentials_in_address(policy: Configuration) -> bool:
    """P10: credentials are read from query parameters."""
    return any(reads_query(policy.get(name)) for name in CREDENTIAL_EXPRESSIONS)


def skips_contracts(policy: Configuration) -> bool:
    """P11: the client id of a token is not looked up among the contracts."""
    return policy.get("skipClientIdValidation") is True


def unusable_limit(policy: Configuration) -> bool:
    """P15: a limit has no positive maximum or window."""
    pairs = limits_of(policy.fields).items()
    return any(isinstance(value, int) and value <= 0 for pair in pairs for value in pair)


def any_site_with_credentials(cors: Configuration) -> bool:
    """P16: every web site may call with the user's credentials."""
    return cors.get("publicResource") is True and cors.get("supportCredentials") is True


def any_site(cors: Configuration) -> bool:
    """P17: every web site may call."""
    if cors.get("publicResource") is True:
        return True
    return any(has_wildcard(cors.fields[path]) for path in cors.fields if _is_origins(path))


def _is_origins(path: str) -> bool:
    return path.endswith(".origins")


def allows_everybody(allowlist: Configuration) -> bool:
    """P18: an allowlist holds every address."""
    if not may_hold_everything(allowlist.raw("ips")):
        return False
    return not EVERYTHING.isdisjoint(map(str, allowlist.get("ips") or []))


def contents_logged(logging: Configuration) -> bool:
    """P19: whole payloads or credentials are written to the log."""
    items = logging.normal.bags.get("loggingConfiguration", ())
    return any(writes_contents(item.get("message")) for item in items)


class Row(NamedTuple):
    """A rule about one policy. Without the mark in its text, folded, it need not be asked."""

    rule: str
    is_weak: Weak
    mark: bytes = b""


_OF_JWT = (
    Row("P03", unsigned_tokens),
    Row("P04", sample_key, b"your-"),
    Row("P04", sample_key, b"sample"),
    Row("P07", tokens_never_expire),
    Row("P08", tokens_of_others),
)
_OF_TOKENS = (
    Row("P09", keys_over_http, b"http://"),
    Row("P10", credentials_in_address, b"queryparams"),
    Row("P11", skips_contracts, b"skipclientid"),
)
_OF_CLIENTS = (
    Row("P06", id_without_secret),
    Row("P10", credentials_in_address, b"queryparams"),
)
_OF_LIMITS = (Row("P15", unusable_limit),)
_OF_LOGS = (Row("P19", contents_logged),)
_OF_ALLOWLISTS = (Row("P18", allows_everybody),)
_OF_ASSETS: dict[str, tuple[Row, ...]] = {
    "jwt-validation": _OF_JWT + _OF_TOKENS,
    "external-oauth2-access-token-enforcement": _OF_TOKENS,
    "openidconnect-access-token-enforcement": _OF_TOKENS,
    "openam-access-token-enforcement": _OF_TOKENS,
    "pingfederate-access-token-enforcement": _OF_TOKENS,
    "oauth2-token-introspection": _OF_TOKENS,
    "client-id-enforcement": _OF_CLIENTS,
    "rate-limiting-sla-based": _OF_CLIENTS,
    "rate-limiting": _OF_LIMITS,
    "spike-control": _OF_LIMITS,
    "cors": (Row("P16", any_site_with_credentials), Row("P17", any_site)),
    "ip-allowlist": _OF_ALLOWLISTS,
    "ip-whitelist": _OF_ALLOWLISTS,
    "message-logging": _OF_LOGS,
    "message-logging-outbound": _OF_LOGS,
}


def weaknesses_of(policy: Applied) -> tuple[str, ...]:
    """Return the ids of the rules that a policy breaks by itself; found once a configuration."""
    configuration = policy.configuration
    if configuration.weaknesses is None:
        rows = _OF_ASSETS.get(policy.asset_id, ()) if is_mulesofts(policy.group_id) else ()
        text = configuration.folded_text
        configuration.weaknesses = tuple(
            [row.rule for row in rows if row.mark in text and row.is_weak(configuration)]
        )
    return configuration.weaknesses
