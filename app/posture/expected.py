"""Differences that an administrator expects: a value that fits its allowance is none."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from app.posture.canonical import canonical
from app.posture.differences import Change
from app.posture.frame import Frame
from app.posture.model import ExpectedDifference, Json
from app.posture.secrets import shown


def as_expected(
    frame: Frame, api_key: str | None, asset_id: str, changes: tuple[Change, ...]
) -> tuple[Change, ...]:
    """Return the changes without those in which every value fits; one that does not is marked."""
    known = frame.expected.get(asset_id)
    if not known or not changes:
        return changes
    mine = [e for e in known if e.api_key in (None, api_key)]
    return tuple(_judged(change, mine) for change in changes if not _all_fit(change, mine))


def _of(change: Change, known: Iterable[ExpectedDifference]) -> list[ExpectedDifference]:
    return [each for each in known if each.path == change.path]


def _all_fit(change: Change, known: Iterable[ExpectedDifference]) -> bool:
    return any(
        all(_fits(change, value, each.allowances.get(e)) for e, value in change.votes.items())
        for each in _of(change, known)
    )


def _judged(change: Change, known: Iterable[ExpectedDifference]) -> Change:
    is_unexpected = bool(_of(change, known))
    return Change(change.path, change.field, change.votes, is_unexpected)


def _fits(change: Change, value: Json, allowance: Mapping[str, Json] | None) -> bool:
    """Whether a value is the allowed one; what the allowance says is normalised alike."""
    if allowance is None:
        return False
    if allowance.get("any") is True:
        return True
    visible = shown(value)
    if "matches" in allowance:
        text = visible if isinstance(visible, str) else canonical(visible)
        return fnmatchcase(text, str(allowance["matches"]))
    wanted = allowance.get("equals")
    forms = [wanted, change.field.form(wanted)] if change.field else [wanted]
    return canonical(visible) in {canonical(form) for form in forms}
