"""Connect's tokens: verifying and signing. Pure.

The caller has decided which algorithm a route takes before it comes here: nothing is ever
chosen from the token's own header.
"""

import hmac
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.caller import AccountId, SpaceId
from app.errors import NotAuthenticated
from app.hs256 import Key
from app.token_parts import (
    ACCOUNT_ID,
    SPACE_ID,
    header_of,
    json_object,
    require_now,
    seconds,
    segment,
)

log = logging.getLogger(__name__)

CONTEXT_HASH = "context-qsh"
LEEWAY_SECONDS = 60
LONG_LIFE_SECONDS = 3600
MAX_TOKEN_LENGTH = 8192
MAX_ISSUER_LENGTH = 255

KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)

# Claims are checked here for both algorithms: times against the caller's clock, the audience of an
# install whole. iss and the site's own secret bind an HS256 token to its site.
SIGNATURE_ONLY: jwt.types.Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token with a good signature and good times says."""

    issuer: str
    query_hash: str
    issued_at: float
    expires_at: int
    account_id: AccountId | None
    space_id: SpaceId | None
    space_key: str | None


def hs256_issuer(token: str) -> str:
    """Return the claimed issuer of a token that says HS256; nothing is verified yet."""
    header_of(token, "HS256", MAX_TOKEN_LENGTH)
    issuer = segment(token.split(".")[1]).get("iss")
    if not isinstance(issuer, str) or not 0 < len(issuer) <= MAX_ISSUER_LENGTH:
        raise NotAuthenticated("no issuer")
    # A NUL would be a database error rather than an issuer that nobody knows.
    if not issuer.isprintable():
        raise NotAuthenticated("issuer is not text")
    return issuer


def rs256_key_id(token: str) -> str:
    """Return the key id of a token that says RS256, fit to stand in a URL; not verified yet."""
    key_id = header_of(token, "RS256", MAX_TOKEN_LENGTH).get("kid")
    if not isinstance(key_id, str) or not KEY_ID.fullmatch(key_id):
        raise NotAuthenticated("no usable key id")
    return key_id


def verify_hs256(token: str, key: Key, now: datetime) -> Claims:
    """Return the claims of a token signed with this site's secret and valid now."""
    return _claims(json_object(key.verified(token)), now)


def verify_rs256(token: str, key: RSAPublicKey, audience: str, now: datetime) -> Claims:
    """Return the claims of a token signed with this install key for this audience, valid now."""
    payload = _signed_by(key, token)
    claims = _claims(payload, now)
    named = payload.get("aud")
    # Compared whole, not by substring: another app's install must not be replayed here.
    ours = audience.removesuffix("/")
    if not any(
        isinstance(one, str) and one.removesuffix("/") == ours
        for one in (named if isinstance(named, list) else [named])
    ):
        raise NotAuthenticated("audience is another app")
    return claims


def _signed_by(key: RSAPublicKey, token: str) -> Mapping[str, object]:
    try:
        return jwt.decode(token, key, algorithms=["RS256"], options=SIGNATURE_ONLY)
    except jwt.PyJWTError:
        raise NotAuthenticated("signature") from None


def _claims(payload: Mapping[str, object], now: datetime) -> Claims:
    issued_at, expires_at = _times_hold(payload, now.timestamp())
    issuer, query_hash = payload.get("iss"), payload.get("qsh")
    if not isinstance(issuer, str) or not isinstance(query_hash, str):
        raise NotAuthenticated("claim missing or of another type")
    if not query_hash.isascii():
        raise NotAuthenticated("query hash")
    space_id, space_key = _space(payload.get("context"))
    account_id = _account(payload.get("sub"))
    return Claims(issuer, query_hash, issued_at, expires_at, account_id, space_id, space_key)


def _times_hold(payload: Mapping[str, object], now: float) -> tuple[float, int]:
    expires_at, issued_at = seconds(payload.get("exp")), seconds(payload.get("iat"))
    begins_at = max(issued_at, seconds(payload.get("nbf", 0)))
    require_now(begins_at, expires_at, now, LEEWAY_SECONDS)
    if expires_at - issued_at > LONG_LIFE_SECONDS:
        log.info("a token lives longer than an hour")
    return issued_at, int(expires_at)


def _account(subject: object) -> AccountId | None:
    if subject is None or subject == "":
        return None
    if not isinstance(subject, str) or not ACCOUNT_ID.fullmatch(subject):
        raise NotAuthenticated("subject of another form")
    return AccountId(subject)


def _space(context: object) -> tuple[SpaceId | None, str | None]:
    confluence = context.get("confluence") if isinstance(context, dict) else None
    space = confluence.get("space") if isinstance(confluence, dict) else None
    if not isinstance(space, dict):
        return None, None
    key = space.get("key")
    return named_space_id(space.get("id")), key if isinstance(key, str) and key else None


def named_space_id(value: object) -> SpaceId | None:
    """Return a space id as a token or a URL names it, or None where it is not one."""
    text = str(value) if isinstance(value, int) else value
    return SpaceId(text) if isinstance(text, str) and SPACE_ID.fullmatch(text) else None


def require_hash(claims: Claims, expected: str) -> None:
    """Refuse a token whose hash is not the one expected, in constant time."""
    if not hmac.compare_digest(claims.query_hash.encode(), expected.encode()):
        raise NotAuthenticated("query hash")


def sign(claims: Mapping[str, object], secret: str) -> str:
    """Return the claims as an HS256 token, as Confluence and its authorization server take it."""
    return jwt.encode(dict(claims), secret, algorithm="HS256")
