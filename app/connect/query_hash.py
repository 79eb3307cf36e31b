"""The hash that binds a token to its request: `qsh`, over what was received. Pure."""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote, unquote_plus

from app.errors import NotAuthenticated

MAX_FIELDS = 200
PLAIN = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII)

Fields = Sequence[tuple[str, str]]
"""The names and values of a query, decoded, in the order in which they came."""


def query_fields(raw_query: bytes) -> Fields:
    """Return the decoded fields of a query in their order, blank ones too.

    Raises `NotAuthenticated` where they are too many or no UTF-8.
    """
    try:
        parts = raw_query.decode().split("&")
        if len(parts) > MAX_FIELDS:
            raise NotAuthenticated("too many fields")
        pairs = [part.partition("=") for part in parts if part]
        return [(_decoded(name), _decoded(value)) for name, _, value in pairs]
    except ValueError:
        raise NotAuthenticated("query cannot be read") from None


def canonical_request(method: str, raw_path: bytes, fields: Fields, base_path: str) -> str:
    """Return what is hashed for a request as it was received; ValueError if it is not UTF-8."""
    path = _canonical_path(raw_path.decode(), base_path)
    return f"{method.upper()}&{path}&{_canonical_query(fields)}"


def query_string_hash(method: str, raw_path: bytes, fields: Fields, base_path: str = "") -> str:
    """Return a request's `qsh`, or raise `NotAuthenticated` where it cannot be computed."""
    try:
        canonical = canonical_request(method, raw_path, fields, base_path)
    except ValueError:
        raise NotAuthenticated("query cannot be hashed") from None
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical_path(path: str, base_path: str) -> str:
    if base_path and (path == base_path or path.startswith(f"{base_path}/")):
        path = path.removeprefix(base_path)
    path = path.replace("&", "%26").removesuffix("/")
    return path if path.startswith("/") else f"/{path}"


def _canonical_query(fields: Fields) -> str:
    values: dict[str, list[str]] = {}
    for name, value in fields:
        if name != "jwt":
            values.setdefault(_encoded(name), []).append(value)
    # Values are sorted decoded, names encoded: Atlassian's own signer does it so.
    return "&".join(
        f"{name}={','.join(map(_encoded, sorted(values[name])))}" for name in sorted(values)
    )


def _encoded(text: str) -> str:
    return text if PLAIN.fullmatch(text) else _escaped(text)


def _decoded(text: str) -> str:
    return _unescaped(text) if "%" in text or "+" in text else text


# A host writes the same addresses of its site into all its queries, escaped; no token is among them.
@lru_cache(maxsize=512)
def _escaped(text: str) -> str:
    return quote(text, safe="-._~")


@lru_cache(maxsize=512)
def _unescaped(text: str) -> str:
    return unquote_plus(text, errors="strict")
