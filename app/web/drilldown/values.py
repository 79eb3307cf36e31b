"""Settings side by side: each value as pieces of text, those that stand alone marked."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, TypedDict

from app.posture.model import FieldRow, Json
from app.posture.secrets import SHOWN

LONG = 240
MOST_LINES = 8


class Piece(NamedTuple):
    """A part of a value; marked where no other column has it."""

    text: str
    is_marked: bool = False


class ValueShown(TypedDict):
    """One setting in one column; `state` is set, default, unset, hidden or none."""

    state: str
    pieces: list[Piece]
    is_long: bool
    differs: bool


class FieldShown(TypedDict):
    """One setting by its path."""

    words: str
    path: str
    differs: bool
    values: list[ValueShown]


NOTHING: ValueShown = {"state": "none", "pieces": [], "is_long": False, "differs": False}


def field_shown(row: FieldRow, held: Sequence[bool], *, differs: bool) -> FieldShown:
    """Return a setting; `held` says which columns have the policy at all."""
    present = [value for value, has in zip(row.values, held, strict=True) if has]
    odd = _standing_out(present) if differs else frozenset()
    defaults = row.is_default or (False,) * len(row.values)
    return {
        "words": row.words[:1].upper() + row.words[1:],
        "path": row.path,
        "differs": differs,
        "values": [
            _value(value, is_default, present, is_odd=key(value) in odd) if has else NOTHING
            for value, is_default, has in zip(row.values, defaults, held, strict=True)
        ],
    }


def key(value: Json) -> str:
    """Return a text that is the same for equal values alone."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _standing_out(values: Sequence[Json]) -> frozenset[str]:
    """Return the values that the majority has not; all of them where there is none."""
    counts = Counter(key(value) for value in values)
    most = [found for found, count in counts.items() if 2 * count > len(values)]
    return frozenset(counts) - frozenset(most if len(counts) > 1 else ())


def _value(value: Json, is_default: bool, present: Sequence[Json], *, is_odd: bool) -> ValueShown:
    if value is None:
        return {"state": "unset", "pieces": [], "is_long": False, "differs": is_odd}
    pieces = _pieces(value, present) if is_odd else [Piece(text_of(value))]
    length = sum(len(piece.text) for piece in pieces)
    lines = sum(piece.text.count("\n") for piece in pieces) + 1
    return {
        "state": "hidden" if value == SHOWN else "default" if is_default else "set",
        "pieces": pieces,
        "is_long": length > LONG or lines > MOST_LINES,
        "differs": is_odd,
    }


def text_of(value: Json) -> str:
    """Return a value as it is written, one item of a list per line."""
    if isinstance(value, str):
        return value or "(empty text)"
    if isinstance(value, list):
        return "\n".join(text_of(item) for item in value) or "(empty list)"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _pieces(value: Json, present: Sequence[Json]) -> list[Piece]:
    others = [other for other in present if key(other) != key(value) and other is not None]
    if isinstance(value, list) and value:
        return _list_pieces(value, others)
    if isinstance(value, str) and others and all(isinstance(item, str) for item in others):
        return _text_pieces(value, others[0])
    return [Piece(text_of(value))]


def _list_pieces(value: list[Json], others: Sequence[Json]) -> list[Piece]:
    """Return the items a line each, marked where some other list lacks them."""
    lists = [{key(item) for item in other} for other in others if isinstance(other, list)]
    lines = []
    for place, item in enumerate(value):
        is_alone = any(key(item) not in held for held in lists)
        lines.append(Piece(("\n" if place else "") + text_of(item), is_alone))
    return lines


def _text_pieces(value: str, other: str) -> list[Piece]:
    """Return a text with the part marked that is not as in the other one."""
    shortest = min(len(value), len(other))
    start = 0
    while start < shortest and value[start] == other[start]:
        start += 1
    end = 0
    while end < shortest - start and value[-1 - end] == other[-1 - end]:
        end += 1
    middle = value[start : len(value) - end]
    if not middle or len(middle) == len(value):
        return [Piece(text_of(value))]
    parts = (Piece(value[:start]), Piece(middle, True), Piece(value[len(value) - end :]))
    return [part for part in parts if part.text]
