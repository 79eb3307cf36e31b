"""Differences that an administrator expects: a value that fits its allowance is none."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from app.posture import globs
from app.posture.canonical import canonical
from app.posture.differences import Change, are_equal
from app.posture.fields import Field
from app.posture.frame import Frame
from app.posture.model import ExpectedDifference, Json, Note, SectionName
from app.posture.secrets import shown

SETTLED = "as_expected"
"""Code of the note that stands where a difference was expected."""


class Judged(NamedTuple):
    """What is left of some changes, and the paths that differ as expected."""

    changes: tuple[Change, ...]
    settled: tuple[str, ...]


def watched(frame: Frame, api_key: str | None, asset_id: str) -> frozenset[str]:
    """Return the paths of a policy that are looked at even where all values are equal.

    Equal values may break an allowance too: production may have become like staging.
    """
    return frozenset(each.path for each in _mine(frame, api_key, asset_id))


def as_expected(
    frame: Frame, api_key: str | None, asset_id: str, changes: tuple[Change, ...]
) -> Judged:
    """Return the changes without those in which every value fits; one that does not is marked."""
    mine = _mine(frame, api_key, asset_id)
    if not mine or not changes:
        return Judged(changes, ())
    left, settled = [], []
    for change in changes:
        known = [each for each in mine if each.path == change.path]
        is_equal = are_equal(change.votes)
        if any(_all_fit(change, each) for each in known):
            settled += [] if is_equal else [change.path]
        elif not (is_equal and change.is_secret):
            left.append(replace(change, is_unexpected=bool(known)))
    return Judged(tuple(left), tuple(settled))


def settled_note(asset_id: str, path: str, subject: str | None) -> Note:
    """Return the remark that a setting differs as expected."""
    return Note(SETTLED, settled_sentence(asset_id, path), SectionName.POLICIES, subject)


def settled_sentence(asset_id: str, path: str) -> str:
    """Return what such a remark says; by it, what an expected difference settles is counted."""
    return f"{asset_id}: {path} differs as expected"


def fits(known: Field | None, value: Json, allowance: Mapping[str, Json] | None) -> bool:
    """Whether a normal value is an allowed one; what is secret fits `any` alone.

    What the allowance says is normalised alike. A pattern must cover every member of a list.
    """
    if allowance is None:
        return False
    if allowance.get("any") is True:
        return True
    visible = shown(value)
    if canonical(visible) != canonical(value):
        return False
    if "matches" in allowance:
        return _is_covered(visible, str(allowance["matches"]))
    if "equals" not in allowance:
        return False
    wanted = allowance["equals"]
    forms = [wanted, known.form(wanted)] if known else [wanted]
    return canonical(visible) in {canonical(form) for form in forms}


def _mine(
    frame: Frame, api_key: str | None, asset_id: str
) -> list[ExpectedDifference] | tuple[ExpectedDifference, ...]:
    known: Iterable[ExpectedDifference] = frame.expected.get(asset_id, ())
    return [each for each in known if each.api_key in (None, api_key)] if known else ()


def _all_fit(change: Change, each: ExpectedDifference) -> bool:
    return all(
        fits(change.field, value, each.allowances.get(e)) for e, value in change.votes.items()
    )


def _is_covered(value: Json, pattern: str) -> bool:
    """Whether a pattern covers a value; it covers neither what is not set nor an object."""
    if isinstance(value, list):
        return bool(value) and all(_is_covered(item, pattern) for item in value)
    if value is None or isinstance(value, dict):
        return False
    return globs.matches(value if isinstance(value, str) else canonical(value), pattern)
