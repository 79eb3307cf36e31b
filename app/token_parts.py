"""What is checked of every token, whoever signed it: its shape, its header, its times and ids."""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache

import orjson

from app.errors import NotAuthenticated

TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
ACCOUNT_ID = re.compile(r"[A-Za-z0-9:_.@+-]{1,128}", re.ASCII)
SPACE_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
LATEST_SECONDS = 2**37


def header_of(token: str, algorithm: str, longest: int) -> Mapping[str, object]:
    """Return the header of a token that says this algorithm; nothing is verified yet."""
    if len(token) > longest or not TOKEN.fullmatch(token):
        raise NotAuthenticated("not a token")
    header = _header(token.partition(".")[0])
    if header.get("alg") != algorithm:
        raise NotAuthenticated("other algorithm than the route's")
    if REFUSED_HEADERS & header.keys():
        raise NotAuthenticated("header names keys or extensions")
    return header


@lru_cache(maxsize=64)
def _header(part: str) -> Mapping[str, object]:
    # A host writes the same header into all its tokens.
    return segment(part)


def segment(part: str) -> Mapping[str, object]:
    """Return the object of a token's part; nothing is verified yet."""
    try:
        return json_object(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except binascii.Error:
        raise NotAuthenticated("token is not base64") from None


def json_object(text: bytes) -> Mapping[str, object]:
    """Return an object that a token carries as JSON."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise NotAuthenticated("token is not JSON") from None
    if not isinstance(value, dict):
        raise NotAuthenticated("token is not an object")
    return value


def seconds(value: object) -> float:
    """Return a claimed time, in seconds since 1970; a date can be made of it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAuthenticated("time missing or of another type")
    if not 0 <= value <= LATEST_SECONDS:
        raise NotAuthenticated("time out of range")
    return value


def require_now(begins_at: float, expires_at: float, now: float, leeway: float) -> None:
    """Refuse a token outside its time, in seconds; clocks may differ by the leeway."""
    if now >= expires_at + leeway:
        raise NotAuthenticated("expired")
    if begins_at > now + leeway:
        raise NotAuthenticated("from the future")
