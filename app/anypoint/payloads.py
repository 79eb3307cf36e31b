"""What Anypoint sends, in its words: every value checked, since any of it may be odd.

A function returns the value in the type that it stands for, or raises `BadAnswer`.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import orjson

from app.anypoint.errors import BadAnswer

Payload = Mapping[str, Any]

MAX_DEPTH = 40
"""Deeper than any policy configuration; what walks through JSON later may rely on it."""

MAX_ID = 2**63 - 1
MAX_ID_LENGTH = 255
MAX_DIGITS = 20
UNSTORABLE = dict.fromkeys((0, *range(55296, 57344)), "�")


def parsed(body: bytes) -> Any:
    """Return the JSON value of a body; ValueError if it is not whole JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # Lone surrogates and huge numbers are valid JSON that only this parser takes.
        return _parsed_leniently(body)


def _parsed_leniently(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def cleaned(value: Any, depth: int = 0) -> Any:
    """Return a JSON value that can be stored: no NUL, no lone surrogate, no endless number."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        _check_depth(depth)
        return {clean_text(key): cleaned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        _check_depth(depth)
        return [cleaned(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -MAX_ID <= value <= MAX_ID:
        return hex(value)
    return value


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise BadAnswer("Anypoint sent a value that is nested too deeply.")


def clean_text(value: str) -> str:
    """Return a text that can be stored: NUL and lone surrogates become replacement characters."""
    return value if value.isascii() and "\0" not in value else value.translate(UNSTORABLE)


def mapping(value: Any, what: str) -> Payload:
    """Return an object."""
    if not isinstance(value, dict):
        raise BadAnswer(f"Anypoint sent {what} in an unknown form.")
    return value


def optional_mapping(value: Any, what: str) -> Payload:
    """Return an object; null and absent are an empty one."""
    return {} if value is None else mapping(value, what)


def rows(value: Any, what: str) -> list[Payload]:
    """Return a list of objects; nothing else is ever taken for an empty list."""
    if not isinstance(value, list):
        raise BadAnswer(f"Anypoint sent no list of {what}.")
    return [mapping(item, what) for item in value]


def optional_rows(value: Any, what: str) -> list[Payload]:
    """Return a list of objects; null and absent are an empty one, where Anypoint allows it."""
    return [] if value is None else rows(value, what)


def text(value: Any) -> str | None:
    """Return a text, or None for null; anything else is kept as its JSON, so nothing is lost."""
    if value is None or isinstance(value, str):
        return clean_text(value) if value else value
    return clean_text(json.dumps(cleaned(value), sort_keys=True))


def needed_text(value: Any, what: str) -> str:
    """Return a text that must be there."""
    if not isinstance(value, str) or not value:
        raise BadAnswer(f"Anypoint sent {what} in an unknown form.")
    return clean_text(value)


def needed_key(value: Any, what: str) -> str:
    """Return an id that is a text; one that had to be cleaned could be taken for another's."""
    found = needed_text(value, what)
    if found != value or len(found) > MAX_ID_LENGTH:
        raise BadAnswer(f"Anypoint sent {what} without a usable id.")
    return found


def needed_id(value: Any, what: str) -> int:
    """Return a whole positive number that must be there, as number or as text."""
    number = whole_number(value)
    if number is None or not 0 < number <= MAX_ID:
        raise BadAnswer(f"Anypoint sent {what} without a usable id.")
    return number


def whole_number(value: Any) -> int | None:
    """Return a whole number, also when sent as text or as 1.0; None for everything else."""
    number = value
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    if isinstance(value, str) and _is_digits(value.strip()):
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    return number if abs(number) <= MAX_ID else None


def _is_digits(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS


def flag(value: Any, what: str, default: bool | None = None) -> bool:
    """Return true or false; null and absent are `default`, or an error where there is none."""
    if isinstance(value, bool):
        return value
    if value is None and default is not None:
        return default
    raise BadAnswer(f"Anypoint sent {what} in an unknown form.")


def listing(body: Any, key: str, what: str) -> tuple[list[Payload], int | None]:
    """Return the rows under `key` and the total; None where the answer holds no total."""
    answer = mapping(body, what)
    return rows(answer.get(key), what), _total(answer.get("total"), what)


def _total(value: Any, what: str) -> int | None:
    number = whole_number(value)
    if value is not None and (number is None or number < 0):
        raise BadAnswer(f"Anypoint sent {what} with an unusable count.")
    return number
