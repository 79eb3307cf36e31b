"""The words in which policies, settings, rates and summaries are told."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from app.posture.applied import Applied, Pointcut
from app.posture.canonical import canonical
from app.posture.limits import limits_of
from app.posture.model import Json
from app.posture.secrets import shown

LONGEST_NAME = 60
LONGEST_VALUE = 70
NOT_SET = "not set"
WHOLE_API = "the whole API"

_INITIALS = ("CORS", "HTTP", "IP", "IPs", "JSON", "JWKS", "JWT", "LDAP", "SLA", "URL", "XML")
_KEPT = {word.casefold(): word for word in (*_INITIALS, "OAuth2")}
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# No bracket within brackets: each of many that are never closed would be followed to the end.
_STEP = re.compile(r"\[[^\[\]]*\]|[^.\[\]]+")
_UNITS = (
    (604_800_000, "week"),
    (86_400_000, "day"),
    (3_600_000, "hour"),
    (60_000, "minute"),
    (1_000, "second"),
)
_SUMMARY_PARTS = 4
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def name(text: str) -> str:
    """Return a name fit for a sentence: one line, at most 60 characters."""
    return cut(" ".join(text.split()), LONGEST_NAME)


def cut(text: str, longest: int) -> str:
    """Return a text no longer than that, an ellipsis where something is left out.

    Marks that turn the direction of what follows are left out too: after a name that ends in one,
    1000 would be read as 0001.
    """
    bare = text if text.isascii() else text.translate(_TURNING)
    return bare if len(bare) <= longest else bare[: longest - 1] + "…"


@lru_cache(maxsize=4096)
def policy(subject: str) -> str:
    """Return a policy's words: `jwt-validation` is `JWT validation`; a label stays as it is."""
    asset, mark, label = subject.partition("#")
    parts = asset.rpartition("/")[2].split("-")
    words = [_KEPT.get(word.casefold(), word) for word in parts if word]
    told = " ".join(words)
    return name(told[:1].upper() + told[1:] + mark + label)


@lru_cache(maxsize=4096)
def field(path: str) -> str:
    """Return a field's words: `jwksUrl` is `JWKS URL`; a key in brackets stays as it is."""
    if path.startswith("rateLimits["):
        return f"limit per {window(int(path[11:-1]) if path[11:-1].isdecimal() else path[11:-1])}"
    told = []
    for part in _STEP.findall(path):
        if part.startswith("["):
            told.append(part[1:-1] if part != "[0]" else "")
        else:
            told.append(" ".join(_word(word) for word in _CAMEL.findall(part)) or part)
    return name(" ".join(word for word in told if word))


def _word(word: str) -> str:
    return _KEPT.get(word.casefold(), word.lower())


def window(milliseconds: Json) -> str:
    """Return a window in words: 60000 is `minute`, 600000 is `10 minutes`."""
    if isinstance(milliseconds, int) and milliseconds > 0:
        for size, unit in _UNITS:
            if milliseconds % size == 0:
                count = milliseconds // size
                return unit if count == 1 else f"{count} {unit}s"
    return f"{milliseconds} ms"


def rate(maximum: Json, milliseconds: Json) -> str:
    """Return a limit in words: `1000 per minute`."""
    return f"{_plain(maximum)} per {window(milliseconds)}"


def rates(limits: Mapping[Json, Json]) -> str:
    """Return all limits of a tier or policy in words, or `no limit`."""
    told = [rate(maximum, milliseconds) for milliseconds, maximum in limits.items()]
    return " and ".join(told) or "no limit"


def _plain(value: Json) -> str:
    return NOT_SET if value is None else str(value)


def value(of: Json) -> str:
    """Return a value in words; empty is `not set`, secrets are `masked`."""
    visible = shown(of)
    if visible is None or visible in ("", [], {}):
        return NOT_SET
    if isinstance(visible, bool):
        return "on" if visible else "off"
    if isinstance(visible, list) and all(isinstance(item, str) for item in visible):
        visible = listed(visible)
    text = visible if isinstance(visible, str) else canonical(visible)
    return cut(" ".join(text.split()), LONGEST_VALUE)


def listed(items: Sequence[str]) -> str:
    """Return some items as `A, B and C`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def pointcut(pairs: Pointcut | Iterable[tuple[str, str]]) -> str:
    """Return what a pointcut covers: methods and paths, or the whole API."""
    told = [f"{method.replace('|', ', ')} {uri}" for method, uri in pairs]
    return cut(listed(told), LONGEST_VALUE) or WHOLE_API


def count(number: int, noun: str) -> str:
    """Return `1 tier`, `2 tiers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def summary(applied: Applied) -> str:
    """Return a policy's configuration in a few words, its limits first."""
    fields, spelled = applied.configuration.fields, applied.configuration.normal.spelled
    limits = limits_of(fields)
    told = [rates(limits)] if limits else []
    for path in fields:
        is_limit = limits and path.startswith(("rateLimits", "timePeriod", "maximumRequests"))
        if not is_limit and path not in applied.configuration.normal.defaulted:
            told.append(f"{field(path)} {value(spelled.get(path, fields[path]))}")
    told += [f"{field(path)} hidden" for path in sorted(applied.configuration.normal.masked)]
    more = len(told) - _SUMMARY_PARTS
    shown_parts = told[:_SUMMARY_PARTS] + ([f"{more} more"] if more > 0 else [])
    return ", ".join(shown_parts) or "as it comes"
