"""The columns of the drilldown's matrices: environments, the baseline first."""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from app.posture.frame import Frame
from app.posture.lanes import Lane, LinedUp
from app.posture.model import (
    ApiPosture,
    CellState,
    MatrixCell,
    MatrixColumn,
    SectionName,
)
from app.posture.sides import Side

V = TypeVar("V")

Marks = Mapping[tuple[str | None, str], frozenset[str]]
"""Environments by subject, as findings name it, and label of the lane."""

NONE: frozenset[str] = frozenset()


class Column(NamedTuple):
    """An environment, or one of its several instances; without a side nothing is deployed."""

    environment_id: str
    name: str
    is_baseline: bool
    side: Side | None
    not_listed: str | None

    def of(self, section: SectionName) -> MatrixColumn:
        """Return the column as one section knows it."""
        reason = self.not_listed or (_reason(self.side, section) if self.side else None)
        state = CellState.DEPLOYED if self.side else CellState.NOT_DEPLOYED
        return MatrixColumn(
            self.environment_id,
            self.name,
            self.is_baseline,
            state if reason is None else CellState.UNREADABLE,
            self.side.instance_id if self.side else None,
            self.side.facts["label"] if self.side else None,
            reason,
        )


def _reason(side: Side, section: SectionName) -> str | None:
    if section is SectionName.POLICIES:
        return side.reading.policies.not_read
    if section is SectionName.TIERS:
        return side.reading.tiers.not_read
    return side.contracts_not_read


def columns_of(frame: Frame, lined: LinedUp) -> tuple[Column, ...]:
    """Return the columns; an environment without an instance has one empty column."""
    held: dict[str, list[Side]] = {}
    for lane in lined.lanes:
        for side in lane.sides:
            held.setdefault(side.environment_id, []).append(side)
    return tuple(
        Column(e, frame.name(e), e == frame.baseline, side, frame.not_listed.get(e))
        for e in frame.speaking_order
        for side in held.get(e, [None])
    )


def members_by_column(
    columns: tuple[Column, ...], lane: Lane, members: Mapping[str, V]
) -> list[V | None]:
    """Return what each column holds of a subject of one lane."""
    own = frozenset(side.instance_id for side in lane.sides)
    return [
        members.get(column.environment_id)
        if column.side is not None and column.side.instance_id in own
        else None
        for column in columns
    ]


def is_told(column: Column, lane: Lane, section: SectionName) -> bool:
    """Whether a column's section was read and belongs to the lane: an absence is then known."""
    return (
        column.side is not None
        and column.side in lane.sides
        and _reason(column.side, section) is None
    )


def marks_of(posture: ApiPosture) -> Marks:
    """Return the environments that are marked: of each subject the outliers, or all on a tie."""
    found: dict[tuple[str | None, str], frozenset[str]] = {}
    for finding in posture.findings:
        if finding.kind != "posture":
            place = finding.subject, finding.lane
            found[place] = found.get(place, NONE).union(finding.outliers or finding.values)
    return found


def differing(marks: Marks, lane: Lane, subject: str) -> frozenset[str]:
    """Return the environments that are marked for a subject of a lane."""
    return marks.get((lane.suffixed(subject), lane.label), NONE)


def cells(
    columns: tuple[Column, ...],
    lane: Lane,
    section: SectionName,
    told: list[MatrixCell | None],
    marked: frozenset[str],
) -> tuple[MatrixCell | None, ...]:
    """Return the cells of a row: what is missing says so, what is not known says nothing."""
    return tuple(
        _cell(cell, column.environment_id in marked) if is_told(column, lane, section) else None
        for column, cell in zip(columns, told, strict=True)
    )


def _cell(cell: MatrixCell | None, differs: bool) -> MatrixCell:
    if cell is None:
        return MatrixCell(None, "missing", differs)
    return MatrixCell(cell.facts, cell.summary, differs)
