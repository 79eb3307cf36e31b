"""What a snapshot holds, as canonical JSON and back: nothing in it points to what may be deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from typing import Any

import orjson

from app.posture.model import (
    CellState,
    FieldRow,
    Matrix,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    SectionName,
    Verdict,
)
from app.store.exceptions import ExceptionRow
from app.store.findings import FindingRow
from app.store.posture_rows import Filter, PostureRow, Sort, Summary
from app.store.rollups import Day
from app.store.syncs import Outcome, Source, Sync

FORM = 1
"""The form of the bodies written now; a later one must still read the earlier ones."""


@dataclass(frozen=True, slots=True)
class SeenEnvironment:
    """An environment with what became of it in the sync."""

    id: str
    name: str
    type: str
    outcome: Outcome
    reason: str | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeenSync:
    """The published sync that was looked at."""

    id: str
    number: int
    finished_at: datetime
    baseline_environment_id: str | None
    environments: tuple[SeenEnvironment, ...]
    source: Source | None


@dataclass(frozen=True, slots=True)
class Content:
    """What was seen of a published sync through a filter, or of one API with its three matrices.

    `total` counts the rows that the filter let through; `rows` and `findings` hold all of them in
    a snapshot. `summary` is of the whole space. `matrices` are policies, tiers and contracts, and
    empty unless one API was looked at. `read_errors` counts parts of the rows that were not read.
    `days` are the trend up to then, empty where nobody asked for it. `exceptions` are those in force.
    """

    sync: SeenSync
    wanted: Filter
    api_id: str | None
    summary: Summary
    total: int
    read_errors: int
    group_names: Mapping[str, str]
    rows: tuple[PostureRow, ...]
    findings: tuple[FindingRow, ...]
    matrices: tuple[Matrix, ...] = ()
    days: tuple[Day, ...] = ()
    exceptions: tuple[ExceptionRow, ...] = ()


def seen(sync: Sync) -> SeenSync:
    """Return what is kept of a published sync."""
    assert sync.number is not None
    assert sync.finished_at is not None
    environments = tuple(
        SeenEnvironment(item.id, item.name, item.type, item.outcome, item.reason, item.read_at)
        for item in sync.environments
    )
    return SeenSync(
        sync.id,
        sync.number,
        sync.finished_at,
        sync.baseline_environment_id,
        environments,
        sync.source,
    )


def frozen(header: Mapping[str, object], content: Content) -> bytes:
    """Return the body of a snapshot: canonical JSON, the same bytes for the same values."""
    body = {"form": FORM, "snapshot": header, "content": content}
    options = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(body, default=_plain, option=options)


def filter_json(wanted: Filter) -> dict[str, Any]:
    """Return a filter by the names of its parameters; page and size have no say in what is frozen."""
    values = {name: list(getattr(wanted, field)) for name, field in PARAMETERS.items()}
    return {"search": wanted.search, **values, "sort": wanted.sort.value}


def filter_of(said: Mapping[str, Any]) -> Filter:
    """Return the filter that `filter_json` wrote down."""
    values: dict[str, Any] = {field: tuple(said[name]) for name, field in PARAMETERS.items()}
    return Filter(search=said["search"], sort=Sort(said["sort"]), **values)


PARAMETERS = {
    "environment": "environments",
    "group": "groups",
    "verdict": "verdicts",
    "severity": "severities",
    "kind": "kinds",
}
"""Parameter of the contract → field of the filter."""


def thawed(body: bytes) -> tuple[Mapping[str, Any], Content]:
    """Return what a body says of its snapshot, and its content."""
    said = orjson.loads(body)
    held = said["content"]
    content = Content(
        sync=_sync(held["sync"]),
        wanted=filter_of(held["wanted"]),
        api_id=held["api_id"],
        summary=Summary(**held["summary"]),
        total=held["total"],
        read_errors=held["read_errors"],
        group_names=held["group_names"],
        rows=tuple(_row(row) for row in held["rows"]),
        findings=tuple(_finding(finding) for finding in held["findings"]),
        matrices=tuple(_matrix(matrix) for matrix in held["matrices"]),
        days=tuple(_day(day) for day in held.get("days", ())),
        exceptions=tuple(_exception(each) for each in held.get("exceptions", ())),
    )
    return said["snapshot"], content


def _plain(value: Any) -> Any:
    if isinstance(value, Filter):
        return filter_json(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no form in a snapshot")


def _sync(said: Mapping[str, Any]) -> SeenSync:
    environments = tuple(
        SeenEnvironment(
            **{**item, "outcome": Outcome(item["outcome"]), "read_at": _time(item["read_at"])}
        )
        for item in said["environments"]
    )
    return SeenSync(
        id=said["id"],
        number=said["number"],
        finished_at=datetime.fromisoformat(said["finished_at"]),
        baseline_environment_id=said["baseline_environment_id"],
        environments=environments,
        source=said["source"] and Source(**said["source"]),
    )


def _row(said: Mapping[str, Any]) -> PostureRow:
    typed = {
        "verdict": Verdict(said["verdict"]),
        "notes": tuple(said["notes"]),
        "digest": bytes.fromhex(said["digest"]),
    }
    return PostureRow(**{**said, **typed})


def _finding(said: Mapping[str, Any]) -> FindingRow:
    typed = {
        "paths": tuple(said["paths"]),
        "outliers": tuple(said["outliers"]),
        "first_seen_at": datetime.fromisoformat(said["first_seen_at"]),
        "last_seen_at": datetime.fromisoformat(said["last_seen_at"]),
    }
    return FindingRow(**{**said, **typed})


def _matrix(said: Mapping[str, Any]) -> Matrix:
    columns = (
        MatrixColumn(**{**item, "state": CellState(item["state"])}) for item in said["columns"]
    )
    rows = (
        MatrixRow(
            subject=row["subject"],
            cells=tuple(cell and MatrixCell(**cell) for cell in row["cells"]),
            differs=row["differs"],
            fields=_fields(row["fields"]),
        )
        for row in said["rows"]
    )
    return Matrix(SectionName(said["section"]), tuple(columns), tuple(rows))


def _fields(said: Sequence[Mapping[str, Any]]) -> tuple[FieldRow, ...]:
    return tuple(
        FieldRow(
            **{**item, "values": tuple(item["values"]), "is_default": tuple(item["is_default"])}
        )
        for item in said
    )


def _exception(said: Mapping[str, Any]) -> ExceptionRow:
    times = {name: _time(said[name]) for name in ("made_at", "until", "ended_at")}
    return ExceptionRow(**{**said, **times})


def _day(said: Mapping[str, Any]) -> Day:
    return Day(**{**said, "date": date.fromisoformat(said["date"])})


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
