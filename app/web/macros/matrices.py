"""The three sections of one API as a macro shows them: plain rows over plain columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from app.posture import words as told
from app.posture.model import (
    CellState,
    FieldRow,
    Json,
    Matrix,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    SectionName,
)
from app.posture.policy_matrix import is_automated
from app.web import words
from app.web.macros import words as macro_words

t = macro_words.TEXTS

FACETS = {
    SectionName.POLICIES: ("version", "state"),
    SectionName.TIERS: ("approval", "status"),
    SectionName.CONTRACTS: ("status", "tier"),
}
"""What is told of a cell beside its summary."""

Unread = Mapping[str, str]
"""Why automated policies, which are read with their environment, were not read there."""

NO_ROW: Unread = {}


@dataclass(frozen=True, slots=True)
class CellShown:
    """What one column holds; `state` is held, missing, not_deployed or unread."""

    state: str
    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class RowShown:
    """A subject, or with `is_field` one of its settings, over all columns."""

    name: str
    is_field: bool
    cells: Sequence[CellShown]


@dataclass(frozen=True, slots=True)
class SectionShown:
    """One section: the columns' heads with whether each is the baseline, and the rows."""

    title: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[RowShown]


def section(matrix: Matrix, unread: Unread) -> SectionShown:
    """Return one section; where it has no rows, a row says what each column holds instead."""
    columns = [(_label(column), column.is_baseline) for column in matrix.columns]
    rows = list(chain.from_iterable(_rows(matrix, row, unread) for row in matrix.rows))
    if not rows:
        rows = [RowShown(t["none"], False, [_nothing(column, NO_ROW) for column in matrix.columns])]
    return SectionShown(t[matrix.section.value], columns, rows)


def _label(column: MatrixColumn) -> str:
    return " ".join(word for word in (column.name, column.label) if word)


def _rows(matrix: Matrix, row: MatrixRow, unread: Unread) -> list[RowShown]:
    name = told.policy(row.subject) if matrix.section is SectionName.POLICIES else row.subject
    pairs = list(zip(matrix.columns, row.cells, strict=True))
    own = unread if is_automated(row) else NO_ROW
    cells = [_cell(matrix.section, column, cell, own) for column, cell in pairs]
    fields = [_field(matrix, row, each, own) for each in row.fields if each.differs]
    return [RowShown(name, False, cells), *fields]


def _cell(
    section: SectionName, column: MatrixColumn, cell: MatrixCell | None, unread: Unread
) -> CellShown:
    if cell is None:
        return _nothing(column, unread)
    if cell.facts is None:
        return CellShown("missing", t["missing"], cell.differs)
    facets = [str(cell.facts[name]) for name in FACETS[section] if cell.facts.get(name)]
    parts = dict.fromkeys(part for part in (cell.summary, *facets) if part)
    return CellShown("held", " · ".join(parts), cell.differs)


def _nothing(column: MatrixColumn, unread: Unread) -> CellShown:
    if column.state is CellState.NOT_DEPLOYED:
        return CellShown("not_deployed", words.TEXTS["not_deployed"], False)
    reason = unread.get(column.environment_id)
    if column.state is CellState.UNREADABLE or reason is not None:
        told_reason = column.reason or reason or ""
        return CellShown("unread", f"{t['could_not_read']}: {told_reason}", False)
    return CellShown("missing", t["none"], False)


def _field(matrix: Matrix, row: MatrixRow, field: FieldRow, unread: Unread) -> RowShown:
    cells = [
        _value(column, cell, value, unread)
        for column, cell, value in zip(matrix.columns, row.cells, field.values, strict=True)
    ]
    return RowShown(field.words[:1].upper() + field.words[1:], True, cells)


def _value(column: MatrixColumn, cell: MatrixCell | None, value: Json, unread: Unread) -> CellShown:
    if cell is None:
        return _nothing(column, unread)
    if cell.facts is None:
        return CellShown("missing", t["missing"], False)
    return CellShown("held", t["not_set"] if value is None else told.value(value), False)
