"""Forge's invocation tokens: RS256, one issuer, one of our apps; every claim that counts is checked.

A token proves app, installation, person and place. It never proves what the person may do.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.caller import AccountId, SpaceId
from app.errors import NotAuthenticated
from app.token_parts import ACCOUNT_ID, SPACE_ID, header_of, require_now, seconds

ISSUER = "forge/invocation-token"
API_ORIGIN = "https://api.atlassian.com"
LEEWAY_SECONDS = 5
MAX_TOKEN_LENGTH = 16 * 1024
MAX_PARAMETERS = 50
MAX_PARAMETER_LENGTH = 4000

KEY_ID = re.compile(r"[A-Za-z0-9_./:=+-]{1,200}", re.ASCII)
PLAIN_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,200}", re.ASCII)
CLOUD_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
SPACE_KEY = re.compile(r"[A-Za-z0-9_~.-]{1,255}", re.ASCII)
MODULE_KEY = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)

# Times, issuer and audience are checked here, against the caller's clock and with plain types.
SIGNATURE_ONLY: jwt.types.Options = {
    "require": ["exp", "iat", "nbf", "iss", "aud"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """A verified call: of which installation, and for calls of the shell by whom and from where."""

    app_id: str
    installation_id: str
    cloud_id: str
    api_base_url: str
    environment: str
    issued_at: int
    has_context: bool
    site_url: str = ""
    module_key: str = ""
    account_id: AccountId | None = None
    space_id: SpaceId | None = None
    space_key: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def key_id(token: str) -> str:
    """Return the key id of a token that says RS256; nothing is verified yet."""
    header = header_of(token, "RS256", MAX_TOKEN_LENGTH)
    return _text(header.get("kid"), KEY_ID, "no usable key id")


def verified(
    token: str,
    key: RSAPublicKey,
    app_ids: Collection[str],
    api_origins: Collection[str],
    now: datetime,
) -> Invocation:
    """Return what a token says, signed with this key for one of these apps and valid now."""
    try:
        claims = jwt.decode(token, key, algorithms=["RS256"], options=SIGNATURE_ONLY)
    except jwt.PyJWTError:
        raise NotAuthenticated("signature or required claims") from None
    issued_at = _times_hold(claims, now.timestamp())
    if claims["iss"] != ISSUER:
        raise NotAuthenticated("other issuer")
    if "icLabel" in claims:
        raise NotAuthenticated("isolated cloud")
    return _invocation(claims, app_ids, api_origins, issued_at)


def _invocation(
    claims: Mapping[str, object],
    app_ids: Collection[str],
    api_origins: Collection[str],
    issued_at: int,
) -> Invocation:
    app = _object(claims.get("app"), "no app")
    audience = claims["aud"]
    if not isinstance(audience, str) or audience not in app_ids or app.get("id") != audience:
        raise NotAuthenticated("audience is another app")
    api_base_url, cloud_id = _api_base(app.get("apiBaseUrl"), api_origins)
    has_context = claims.get("context") is not None
    context = _object(claims.get("context") or {}, "context")
    if has_context and context.get("cloudId") != cloud_id:
        raise NotAuthenticated("another site's context")
    extension = _object(context.get("extension") or {}, "extension")
    space = _object(extension.get("space") or {}, "space")
    return Invocation(
        app_id=audience,
        installation_id=_installation_id(app),
        cloud_id=cloud_id,
        api_base_url=api_base_url,
        environment=_environment(app),
        issued_at=issued_at,
        has_context=has_context,
        site_url=_maybe(context.get("siteUrl"), re.compile(r"https?://[\w.:/-]{1,200}")) or "",
        module_key=_maybe(context.get("moduleKey"), MODULE_KEY) or "",
        account_id=_account(claims.get("principal")),
        space_id=_space_id(space.get("id")),
        space_key=_maybe(space.get("key"), SPACE_KEY),
        parameters=_parameters(extension.get("config")),
    )


def _times_hold(claims: Mapping[str, object], now: float) -> int:
    issued_at = seconds(claims["iat"])
    begins_at = max(issued_at, seconds(claims["nbf"]))
    require_now(begins_at, seconds(claims["exp"]), now, LEEWAY_SECONDS)
    return int(issued_at)


def _installation_id(app: Mapping[str, object]) -> str:
    named = app.get("installationId")
    inner = _object(app.get("installation") or {}, "installation").get("id")
    if named is not None and inner is not None and named != inner:
        raise NotAuthenticated("two installations are named")
    return _text(named or inner, PLAIN_ID, "no installation")


def _api_base(value: object, api_origins: Collection[str]) -> tuple[str, str]:
    """Return the base URL of the site's REST API and its cloud id, if the place is one of ours."""
    found = re.fullmatch(r"(https?://[^/\s?#@]+)/ex/confluence/([^/\s?#]+)", str(value), re.ASCII)
    if found is None or not CLOUD_ID.fullmatch(found[2]):
        raise NotAuthenticated("no address of the site")
    if found[1] != API_ORIGIN and found[1] not in api_origins:
        raise NotAuthenticated("address of a foreign host")
    return found[0], found[2]


def _environment(app: Mapping[str, object]) -> str:
    said = app.get("environment")
    kind = said.get("type") if isinstance(said, dict) else said
    return kind if kind in {"DEVELOPMENT", "STAGING", "PRODUCTION"} else "UNKNOWN"


def _account(principal: object) -> AccountId | None:
    if principal is None or principal == "":
        return None
    return AccountId(_text(principal, ACCOUNT_ID, "principal of another form"))


def _space_id(value: object) -> SpaceId | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    found = _maybe(text, SPACE_ID)
    return SpaceId(found) if found else None


def _parameters(config: object) -> Mapping[str, str]:
    """Return a macro's parameters: texts that whoever edited the page has chosen."""
    given = config if isinstance(config, dict) else {}
    return {
        name: value
        for name, value in list(given.items())[:MAX_PARAMETERS]
        if isinstance(value, str) and MODULE_KEY.fullmatch(name.lower())
        if len(value) <= MAX_PARAMETER_LENGTH
    }


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise NotAuthenticated(f"{what}: not an object")
    return value


def _text(value: object, pattern: re.Pattern[str], reason: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NotAuthenticated(reason)
    return value


def _maybe(value: object, pattern: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
