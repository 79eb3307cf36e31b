"""Where a site lives: which base URLs are accepted, and the origins that may frame a page."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

# A whole-string match, not a parser: two parsers never disagree about what is not accepted.
BASE_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/wiki)?/?",
    re.ASCII | re.IGNORECASE,
)
MAX_URL_LENGTH = 255


def accepted_base_url(value: object, allowed: Sequence[str]) -> str | None:
    """Return a site's base URL without a trailing slash, or None where it is not allowed."""
    found = BASE_URL.fullmatch(value) if isinstance(value, str) else None
    if found is None or len(found.string) > MAX_URL_LENGTH:
        return None
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"]
    origin = f"{scheme}://{host}" + (f":{port}" if port else "")
    if not _is_allowed(origin, allowed):
        return None
    if (scheme != "https" or port) and not _is_loopback(host):
        return None
    return origin + (found["path"] or "").lower()


def _is_allowed(origin: str, allowed: Sequence[str]) -> bool:
    if origin in (one.lower() for one in allowed if "*" not in one):
        return True
    return any(_matches(origin, one.lower()) for one in allowed if "*" in one)


def _matches(origin: str, pattern: str) -> bool:
    before, _, after = pattern.partition("*")
    label = origin.removeprefix(before).removesuffix(after)
    return origin == f"{before}{label}{after}" and bool(re.fullmatch(r"[a-z0-9.-]+", label))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def accepted_display_url(value: object, base_url: str) -> str:
    """Return the address people see: a custom domain is https; anything else is the base URL."""
    found = BASE_URL.fullmatch(value) if isinstance(value, str) else None
    if found is None or len(found.string) > MAX_URL_LENGTH:
        return base_url
    is_custom = found["scheme"].lower() == "https" and not found["port"]
    return found.string.lower().removesuffix("/") if is_custom else base_url


@lru_cache(maxsize=1024)
def frame_origins(base_url: str, display_url: str) -> tuple[str, ...]:
    """Return the origins that may frame this site's pages, each once."""
    return tuple(dict.fromkeys(_origin(url) for url in (base_url, display_url)))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
