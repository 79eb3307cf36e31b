"""The CSV export of what changed: one row per finding that is new, gone or says something else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.exports import words
from app.exports.evidence import iso
from app.exports.rows import FindingRow
from app.exports.spreadsheet import header, line, neutralised

COLUMNS = (
    "change",
    "severity",
    "severity_before",
    "name",
    "group_id",
    "asset_id",
    "sentence",
    "sentence_before",
    "kind",
    "rule",
    "subject",
    "paths",
    "values",
    "values_before",
    "first_seen_at",
    "last_seen_at",
    "fingerprint",
    "from",
    "from_at",
    "to",
    "to_at",
    "unchanged",
    "taken_by",
    "taken_at",
    "accepted_reason",
    "accepted_until",
    "accepted_reason_before",
    "accepted_until_before",
)
"""What is never reordered; a later release may add columns behind these."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared, who asked and when; an id is '' where there was nothing before."""

    from_id: str
    from_at: datetime | None
    to_id: str
    to_at: datetime | None
    unchanged: int
    taken_by: str
    taken_at: datetime


def lines(
    compared: Compared,
    added: Iterable[FindingRow],
    resolved: Iterable[FindingRow],
    changed: Iterable[tuple[FindingRow, FindingRow]],
) -> Iterator[str]:
    """Return the file line by line; a resolved finding stands with what it said last."""
    told = {
        "from": compared.from_id,
        "from_at": iso(compared.from_at),
        "to": compared.to_id,
        "to_at": iso(compared.to_at),
        "unchanged": str(compared.unchanged),
        "taken_by": neutralised(compared.taken_by),
        "taken_at": iso(compared.taken_at),
    }
    yield header(COLUMNS)
    for row in added:
        yield _line(told, "added", row, None)
    for before, after in changed:
        yield _line(told, "changed", after, before)
    for row in resolved:
        yield _line(told, "resolved", row, row)


def _line(told: Mapping[str, str], change: str, row: FindingRow, before: FindingRow | None) -> str:
    is_gone = row is before
    cells = {
        "change": change,
        "severity": "" if is_gone else row.severity,
        "severity_before": before.severity if before else "",
        "name": row.name or "",
        "group_id": row.group_id or "",
        "asset_id": row.asset_id or "",
        "sentence": "" if is_gone else row.sentence,
        "sentence_before": before.sentence if before else "",
        "kind": row.kind,
        "rule": row.rule,
        "subject": row.subject or "",
        "paths": "; ".join(row.paths),
        "values": "" if is_gone else words.value(dict(row.values)),
        "values_before": words.value(dict(before.values)) if before else "",
        "first_seen_at": iso(row.first_seen_at),
        "last_seen_at": iso(row.last_seen_at),
        "fingerprint": row.fingerprint,
    }
    accepted = [*_accepted(None if is_gone else row), *_accepted(before)]
    return line([*map(neutralised, cells.values()), *told.values(), *accepted])


def _accepted(row: FindingRow | None) -> tuple[str, str]:
    """Return why and until when a finding is accepted; both '' of an open one, and of none."""
    said = row.accepted if row else None
    if said is None:
        return "", ""
    return said["reason"], iso(datetime.fromisoformat(said["until"]))
