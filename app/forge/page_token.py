"""Our own tokens for framed pages: one for the handover in an address, one for what follows.

Both are signed with keys used for nothing else and name a row that holds what they are good for;
the row goes with its time, so a token says nothing about a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import jwt
import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.caller import SiteId
from app.errors import NotAuthenticated
from app.hs256 import Key

ISSUER = "plumbline"
LIFE = timedelta(minutes=15)
HANDOVER_LIFE = timedelta(minutes=1)
MAX_TOKEN_LENGTH = 2048
PURPOSE = b"plumbline page token"

# The time is over by the caller's clock. When it began says nothing: it was signed by one of us,
# whose clock may be a second ahead of this one's.
CHECKED: jwt.types.Options = {
    "require": ["iss", "aud", "exp", "jti"],
    "verify_exp": False,
    "verify_iat": False,
}

Use = Literal["plumbline-page", "plumbline-handover"]
PAGE: Use = "plumbline-page"
HANDOVER: Use = "plumbline-handover"


@dataclass(frozen=True, slots=True)
class Named:
    """What a verified token names: a row of a site."""

    site_id: SiteId
    token_id: str
    expires_at: datetime


class PageTokens:
    """Signs with the first key and verifies with all; a key that is taken away revokes its tokens."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Take the encryption keys by id, from which the signing keys are derived."""
        self._keys = {key_id: _derived(key) for key_id, key in keys.items()}
        self._first = next(iter(keys))
        self._signing = Key(self._keys[self._first])

    def __repr__(self) -> str:
        return f"PageTokens({', '.join(self._keys)})"

    def signed(self, named: Named, use: Use, now: datetime) -> str:
        """Return a token for one use."""
        claims = {
            "iss": ISSUER,
            "aud": use,
            "site": named.site_id,
            "jti": named.token_id,
            "iat": int(now.timestamp()),
            "exp": int(named.expires_at.timestamp()),
        }
        return self._signing.signed(orjson.dumps(claims), {"kid": self._first})

    def verified(self, token: str, use: Use, now: datetime) -> Named:
        """Return what a token names, if we signed it for this use and its time is not over."""
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=["HS256"],
                issuer=ISSUER,
                audience=use,
                options=CHECKED,
            )
        except jwt.PyJWTError:
            raise NotAuthenticated("not a page token of ours") from None
        if now.timestamp() >= claims["exp"]:
            raise NotAuthenticated("page token has expired")
        expires_at = datetime.fromtimestamp(claims["exp"], now.tzinfo)
        return Named(SiteId(claims["site"]), claims["jti"], expires_at)

    def _key_of(self, token: str) -> bytes:
        if len(token) > MAX_TOKEN_LENGTH:
            raise NotAuthenticated("not a page token of ours")
        key = self._keys.get(str(jwt.get_unverified_header(token).get("kid")))
        if key is None:
            raise NotAuthenticated("page token of an unknown key")
        return key


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(key)
