"""Forge's invocation tokens: RS256, one issuer, one of our apps; every claim that counts is checked.

A token proves app, installation, person and place. It never proves what the person may do.
"""

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.caller import AccountId, SpaceId
from app.errors import NotAuthenticated

ISSUER = "forge/invocation-token"
API_ORIGIN = "https://api.atlassian.com"
LEEWAY_SECONDS = 5
LATEST_SECONDS = 2**37
MAX_TOKEN_LENGTH = 16 * 1024
MAX_PARAMETERS = 50
MAX_PARAMETER_LENGTH = 4000

TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
KEY_ID = re.compile(r"[A-Za-z0-9_./:=+-]{1,200}", re.ASCII)
PLAIN_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,200}", re.ASCII)
CLOUD_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
ACCOUNT_ID = re.compile(r"[A-Za-z0-9:_.@+-]{1,128}", re.ASCII)
SPACE_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
SPACE_KEY = re.compile(r"[A-Za-z0-9_~.-]{1,255}", re.ASCII)
MODULE_KEY = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)
REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})

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
    if len(token) > MAX_TOKEN_LENGTH or not TOKEN.fullmatch(token):
        raise NotAuthenticated("not a token")
    head = token.partition(".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        raise NotAuthenticated("token is not JSON") from None
    if not isinstance(header, dict) or header.get("alg") != "RS256":
        raise NotAuthenticated("other algorithm than the route's")
    if REFUSED_HEADERS & header.keys():
        raise NotAuthenticated("header names keys or extensions")
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
    expires_at, issued_at = _seconds(claims["exp"]), _seconds(claims["iat"])
    if now >= expires_at + LEEWAY_SECONDS:
        raise NotAuthenticated("expired")
    if max(issued_at, _seconds(claims["nbf"])) > now + LEEWAY_SECONDS:
        raise NotAuthenticated("from the future")
    return int(issued_at)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAuthenticated("time of another type")
    if not 0 <= value <= LATEST_SECONDS:
        raise NotAuthenticated("time out of range")
    return value


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
