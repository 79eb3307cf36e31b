"""The words and marks of a document: each verdict and severity has a word, a shape and a colour."""

import json
from collections.abc import Mapping
from datetime import datetime

from app.exports.evidence import utc
from app.posture.model import Json

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

STATES = {"not_deployed": "NOT DEPLOYED", "unreadable": "could not read"}


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


def told(kind: str, held: Json) -> str:
    """Return a finding's value for a reader; in words where a bare `true` would mislead."""
    if kind == "policy_disabled" and isinstance(held, bool):
        return "switched off" if held else "on"
    if held is True and (kind.endswith("_missing") or kind == "api_not_deployed"):
        return "present"
    return value(held)
