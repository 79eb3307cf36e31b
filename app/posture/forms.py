"""The forms of values in policy configurations: equal meanings become equal values.

A form takes a value as parsed and gives its normal one; None is *empty*. What does not have the
form stays as it is, so that an odd value is compared and never lost.
"""

import re
import unicodedata
from collections.abc import Callable

from app.posture.canonical import canonical
from app.posture.model import Json

Form = Callable[[Json], Json]

_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))(?:\.0+)?")
_EXACT_FLOATS = 2**53
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/?#]*)@)?([^/?#]*)(.*)", re.DOTALL)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_empty(value: Json) -> bool:
    """Whether a value says nothing: null, "", [] or {}."""
    return value is None or value == "" or value == [] or value == {}


def text(value: Json) -> Json:
    """Return text in NFC with plain line ends; containers are walked, the rest stays."""
    if isinstance(value, str):
        if value.isascii() and "\r" not in value:
            return value
        return unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    if isinstance(value, list):
        return [text(item) for item in value]
    if isinstance(value, dict):
        return {text(key): text(item) for key, item in value.items()}
    return value


def boolean(value: Json) -> Json:
    """Return true or false, also from text in any case."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().casefold(), value)
    return value


def integer(value: Json) -> Json:
    """Return a whole number from a number or its text; `007` stays text."""
    if isinstance(value, str):
        match = _WHOLE_NUMBER.fullmatch(value.strip())
        return int(match[1]) if match else text(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_FLOATS:
        return int(value)
    return value


def expression(value: Json) -> Json:
    """Return an expression without blanks around it and without one outer `#[ ]`."""
    if not isinstance(value, str):
        return text(value)
    bare: str = text(value).strip()
    if bare.startswith("#[") and bare.endswith("]") and _closes_last(bare):
        bare = bare[2:-1].strip()
    return bare


def _closes_last(bare: str) -> bool:
    """Whether the bracket opened by `#[` is closed by the last character."""
    depth = 0
    for index, character in enumerate(bare):
        depth += (character == "[") - (character == "]")
        if depth == 0 and index > 0:
            return index == len(bare) - 1
    return False


def enumerated(value: Json) -> Json:
    """Return a word of a closed list, trimmed and casefolded."""
    return text(value).strip().casefold() if isinstance(value, str) else value


def url(value: Json) -> Json:
    """Return a URL with lower-case scheme and host, without default port and user info."""
    match = _URL.fullmatch(text(value).strip()) if isinstance(value, str) else None
    if match is None:
        return text(value)
    scheme, host = match[1].lower(), match[3].lower()
    host = host.removesuffix(_DEFAULT_PORTS.get(scheme, "\0")).removesuffix(":")
    rest = match[4] if match[4].startswith("/") else "/" + match[4]
    return f"{scheme}://{host}{rest}"


def url_host(value: str) -> str:
    """Return the host of a normal URL, or the empty text."""
    match = _URL.fullmatch(value)
    return match[3].rsplit(":", 1)[0] if match else ""


def user_info(value: Json) -> str | None:
    """Return the user info of a URL as it stands, or None where it has none."""
    match = _URL.fullmatch(value.strip()) if isinstance(value, str) else None
    return match[2] if match else None


def set_of(member: Form, separators: str = "") -> Form:
    """Return the form of a set; with separators, a text is split at them."""
    split = re.compile(f"[{separators}]+") if separators else None

    def normal(value: Json) -> Json:
        if isinstance(value, str):
            value = split.split(value) if split else [value]
        if not isinstance(value, list):
            return text(value)
        members = [member(item.strip() if isinstance(item, str) else item) for item in value]
        return sorted_set(item for item in members if not is_empty(item))

    return normal


def sorted_set(members: Json) -> Json:
    """Return the members once each, sorted by their text; None when there are none."""
    by_text = {
        item if isinstance(item, str) else canonical(item): item  # texts sort as people expect
        for item in members
    }
    return [by_text[key] for key in sorted(by_text)] or None


def folded(value: Json) -> Json:
    """Return a name whose case has no meaning, casefolded and trimmed."""
    return enumerated(value)


def spelled(value: Json, normal: Json) -> Json:
    """Return a normal value as it was sent where only upper and lower case make it another one."""
    if isinstance(normal, list):
        items = value if isinstance(value, list) else [value]
        sent = [text(item).strip() for item in items if isinstance(item, str)]
        known = {each.casefold(): each for each in sent} | {each: each for each in sent}
        return [known.get(item, item) if isinstance(item, str) else item for item in normal]
    is_same = isinstance(normal, str) and enumerated(value) == normal.casefold()
    return text(value).strip() if is_same else normal


words = set_of(text, r",\s")
_several_urls = set_of(url, ",")


def urls(value: Json) -> Json:
    """Return a set of URLs; a single one stands for itself."""
    found = _several_urls(value)
    return found[0] if isinstance(found, list) and len(found) == 1 else found


names = set_of(text)
folded_names = set_of(folded)
