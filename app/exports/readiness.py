"""The CSV export of a readiness: one row per blocker, warning and thing that could not be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.exports.evidence import iso
from app.exports.spreadsheet import line, neutralised
from app.posture.readiness import Point

COLUMNS = (
    "weight",
    "name",
    "group_id",
    "asset_id",
    "sentence",
    "severity",
    "kind",
    "rule",
    "owasp",
    "subject",
    "paths",
    "accepted_reason",
    "accepted_until",
    "fingerprint",
    "api_id",
    "from",
    "from_id",
    "to",
    "to_id",
    "apis",
    "filters",
    "sync_id",
    "sync_finished_at",
    "taken_by",
    "taken_at",
)
"""What is never reordered; a later release may add columns behind these."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, by whom and when; without a sync its fields are ''."""

    origin: str
    origin_id: str
    target: str
    target_id: str
    apis: int
    filters: str
    sync_id: str
    sync_finished_at: datetime | None
    taken_by: str
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class About:
    """The API that a row is about; all '' for the environments themselves."""

    name: str = ""
    group_id: str = ""
    asset_id: str = ""
    api_id: str = ""


def row(asked: Mapping[str, str], about: About, point: Point) -> str:
    """Return one thing to know as a line; no cell can be taken for a formula."""
    found, accepted = point.finding, point.accepted
    cells = {
        "weight": point.weight.value,
        "name": about.name,
        "group_id": about.group_id,
        "asset_id": about.asset_id,
        "sentence": point.sentence,
        "severity": found.severity.value if found else "",
        "kind": found.kind.value if found else "",
        "rule": found.rule if found else "",
        "owasp": found.owasp if found else "",
        "subject": (found.subject or "") if found else "",
        "paths": "; ".join(found.paths) if found else "",
        "accepted_reason": accepted.reason if accepted else "",
        "accepted_until": iso(accepted.until) if accepted else "",
        "fingerprint": found.fingerprint if found else "",
        "api_id": about.api_id,
    }
    told = {**cells, **asked}
    return line(neutralised(told[name]) for name in COLUMNS)


def texts(asked: Asked) -> Mapping[str, str]:
    """Return what is the same in every row, by the names of its columns."""
    return {
        "from": asked.origin,
        "from_id": asked.origin_id,
        "to": asked.target,
        "to_id": asked.target_id,
        "apis": str(asked.apis),
        "filters": asked.filters or "none",
        "sync_id": asked.sync_id,
        "sync_finished_at": iso(asked.sync_finished_at),
        "taken_by": asked.taken_by,
        "taken_at": iso(asked.taken_at),
    }
