"""One text for one value, so that values can be told apart and hashed."""

import hashlib
import json
from collections.abc import Hashable

from app.posture.model import Json

_encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), check_circular=False
).encode


def canonical(value: Json) -> str:
    """Return the value's canonical JSON; 1, 1.0, "1" and true have different texts."""
    return _encode(value)


_ATOMS = frozenset({str, int, bool, type(None)})


def mark(value: Json) -> Hashable:
    """Return what is equal exactly where canonical texts are, without a text for plain values."""
    kind = type(value)
    return (kind, value) if kind in _ATOMS else canonical(value)


def sha256_hex(value: Json) -> str:
    """Return the SHA-256 of the canonical JSON; lone surrogates do no harm."""
    return hashlib.sha256(_encode(value).encode("utf-8", "surrogatepass")).hexdigest()
