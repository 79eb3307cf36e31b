"""HS256 by PyJWT, with keys that it has looked through once.

PyJWT asks of each secret whether it is rather a public key in disguise. That costs more than six
signatures, and its answer cannot change: here it is asked when a key is made, not with each token.
"""

import hashlib
from collections.abc import Mapping

import jwt
from jwt.algorithms import HMACAlgorithm

from app.errors import NotAuthenticated

ALGORITHM = "HS256"

_unprepared = HMACAlgorithm(hashlib.sha256)


class _Prepared(HMACAlgorithm):
    def prepare_key(self, key: str | bytes) -> bytes:
        """Return a key as it is: only a `Key` hands one over, which has had it looked through."""
        assert isinstance(key, bytes)
        return key


_signatures = jwt.PyJWS(algorithms=[])
_signatures.register_algorithm(ALGORITHM, _Prepared(hashlib.sha256))


class Key:
    """A secret that signs and verifies HS256 and nothing else; it never shows itself."""

    __slots__ = ("_bytes",)

    def __init__(self, secret: str | bytes) -> None:
        """Take a secret; `NotAuthenticated` where it is empty or a key of another kind."""
        try:
            self._bytes = _unprepared.prepare_key(secret)
        except jwt.InvalidKeyError:
            raise NotAuthenticated("no secret of HS256") from None

    def __repr__(self) -> str:
        return "Key(…)"

    def verified(self, token: str) -> bytes:
        """Return the payload of a token that this key has signed, else raise `NotAuthenticated`."""
        try:
            payload: bytes = _signatures.decode(token, self._bytes, [ALGORITHM])
        except jwt.PyJWTError:
            raise NotAuthenticated("signature") from None
        return payload

    def signed(self, payload: bytes, headers: Mapping[str, str]) -> str:
        """Return the payload as a token with further headers."""
        return _signatures.encode(payload, self._bytes, ALGORITHM, headers=dict(headers))
