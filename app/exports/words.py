"""The words and marks of a document: each verdict and severity has a word, a shape and a colour."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from app.exports.evidence import utc
from app.posture.limits import MAXIMUM, WINDOW
from app.posture.model import Json
from app.posture.words import WHOLE_API, rates

VERDICTS = {
    "threat": ("▲", "THREAT"),
    "drift": ("◆", "DRIFT"),
    "unknown": ("?", "UNKNOWN"),
    "not_comparable": ("○", "NOT COMPARABLE"),
    "aligned": ("✓", "ALIGNED"),
}
"""Shape and word by verdict, in order of precedence."""

SEVERITIES = {
    "critical": "■",
    "high": "▲",
    "medium": "◆",
    "low": "●",
    "info": "○",
}
"""Shape by severity, worst first."""

REASONS = {
    "accepted_risk": "accepted risk",
    "planned": "planned",
    "false_positive": "false positive",
}
"""Why a finding is accepted."""

UNREADABLE = "unreadable"
NO_MATCH = "No API matches these filters."
NOTHING_KNOWN = "No API is known."
"""Said of an empty table: of a filter's, and of one without a filter to blame."""

STATES = {"not_deployed": "NOT DEPLOYED", UNREADABLE: "could not read"}
PRESENT = ("policy", "automated_policy", "tier", "contract")


def count(number: int | None, one: str, many: str) -> str:
    """Return a number with its noun; None, which was not read, is never a number."""
    if number is None:
        return f"{many}: could not read"
    return f"{number} {one if number == 1 else many}"


def accepted(said: Mapping[str, Json]) -> str:
    """Return until when, why and by whom a finding is accepted."""
    until = utc(datetime.fromisoformat(said["until"]))
    reason = REASONS[said["reason"]]
    return f"Accepted until {until} by account {said['by']}: {reason}. {said['note']}"


def value(held: Json) -> str:
    """Return a finding's value as a reader takes it; None is `absent`."""
    if held is None:
        return "absent"
    if isinstance(held, str):
        return held
    return json.dumps(held, ensure_ascii=False, sort_keys=True)


IN_WORDS: Mapping[str, Mapping[bool | None, str]] = {
    "policy_disabled": {True: "switched off", False: "on"},
    "posture": {True: "breaks the rule", False: "keeps the rule", None: "not judged"},
    "tier_approval": {True: "automatic", False: "by hand"},
    "policy_config": {None: "not set"},
    "automated_policy_config": {None: "not set"},
    "policy_duplicate": {True: "present"},
    "api_not_deployed": {True: "present"},
    **{f"{what}_missing": {True: "present"} for what in PRESENT},
}
"""What a bare `true` or nothing means, by kind."""


def told(kind: str, held: Json) -> str:
    """Return a finding's value for a reader; in words where what is kept would mislead."""
    if held == UNREADABLE:
        return STATES[UNREADABLE]
    if held is None or isinstance(held, bool):
        return IN_WORDS.get(kind, {}).get(held) or value(held)
    if isinstance(held, list) and kind in LISTS:
        return LISTS[kind](held)
    return value(held)


def _limits(held: Sequence[Mapping[str, Json]]) -> str:
    return rates({each[WINDOW]: each[MAXIMUM] for each in held})


def _pointcut(held: Sequence[Mapping[str, Json]]) -> str:
    pairs = [f"{each['method'].replace('|', ', ')} {each['uri']}" for each in held]
    return "; ".join(pairs) or WHOLE_API


LISTS: Mapping[str, Callable[[Sequence[Json]], str]] = {
    "tier_limits": _limits,
    "policy_pointcut": _pointcut,
    "policy_order": ", ".join,
}
"""How a list is told, by kind."""
