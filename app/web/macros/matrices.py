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
from app.posture.policy_matrix import why_unread
from app.web import words
from app.web.macros import words as macro_words

t = macro_words.TEXTS

FACETS = {
    SectionName.POLICIES: ("version", "state"),
    SectionName.TIERS: ("approval", "status"),
    SectionName.CONTRACTS: ("status", "tier"),
}
"""What is told of a cell beside its summary."""


Place = tuple[MatrixColumn, MatrixCell | None, str | None]
"""A column with what it holds of a row, and why that is not known."""


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


def section(matrix: Matrix, unread: Mapping[str, str]) -> SectionShown:
    """Return one section; where it has no rows, a row says what each column holds instead.

    `unread` says why automated policies were not read, by environment.
    """
    columns = [(_label(column), column.is_baseline) for column in matrix.columns]
    rows = list(chain.from_iterable(_rows(matrix, row, unread) for row in matrix.rows))
    if not rows:
        nothing = [_nothing(each, why_unread(None, each, unread)) for each in matrix.columns]
        rows = [RowShown(t["none"], False, nothing)]
    return SectionShown(t[matrix.section.value], columns, rows)


def _label(column: MatrixColumn) -> str:
    return " ".join(word for word in (column.name, column.label) if word)


def _rows(matrix: Matrix, row: MatrixRow, unread: Mapping[str, str]) -> list[RowShown]:
    name = told.policy(row.subject) if matrix.section is SectionName.POLICIES else row.subject
    places = [
        (column, cell, why_unread(row, column, unread))
        for column, cell in zip(matrix.columns, row.cells, strict=True)
    ]
    cells = [_cell(matrix.section, *place) for place in places]
    return [RowShown(name, False, cells), *(_field(places, f) for f in row.fields if f.differs)]


def _cell(
    section: SectionName, column: MatrixColumn, cell: MatrixCell | None, why: str | None
) -> CellShown:
    if cell is None:
        return _nothing(column, why)
    if cell.facts is None:
        return CellShown("missing", t["missing"], cell.differs)
    facets = [str(cell.facts[name]) for name in FACETS[section] if cell.facts.get(name)]
    parts = dict.fromkeys(part for part in (cell.summary, *facets) if part)
    return CellShown("held", " · ".join(parts), cell.differs)


def _nothing(column: MatrixColumn, why: str | None) -> CellShown:
    if column.state is CellState.NOT_DEPLOYED:
        return CellShown("not_deployed", words.TEXTS["not_deployed"], False)
    if why is not None:
        return CellShown("unread", f"{t['could_not_read']}: {why}", False)
    return CellShown("missing", t["none"], False)


def _field(places: Sequence[Place], field: FieldRow) -> RowShown:
    values = zip(places, field.values, strict=True)
    cells = [_value(*place, value) for place, value in values]
    return RowShown(field.words[:1].upper() + field.words[1:], True, cells)


def _value(
    column: MatrixColumn, cell: MatrixCell | None, why: str | None, value: Json
) -> CellShown:
    if cell is None:
        return _nothing(column, why)
    if cell.facts is None:
        return CellShown("missing", t["missing"], False)
    return CellShown("held", t["not_set"] if value is None else told.value(value), False)
