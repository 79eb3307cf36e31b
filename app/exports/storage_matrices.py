"""The three sections of one API side by side, in storage format."""

from collections.abc import Iterator, Mapping, Sequence

from app.exports import words
from app.exports.storage_markup import heading, strong, table, text
from app.posture import words as told
from app.posture.model import (
    CellState,
    Json,
    Matrix,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    SectionName,
)
from app.posture.policy_matrix import why_unread

TITLES = {
    SectionName.POLICIES: ("Policies", "Policy"),
    SectionName.TIERS: ("SLA tiers", "SLA tier"),
    SectionName.CONTRACTS: ("Contracts", "Application"),
}
"""What a section is called, and what its rows are."""

FACETS = {
    SectionName.POLICIES: ("version", "state"),
    SectionName.TIERS: ("approval", "status"),
    SectionName.CONTRACTS: ("approved at",),
}
"""What is told of a cell beside its summary."""


def matrix_tables(matrix: Matrix, unread: Mapping[str, str]) -> str:
    """Return one section: a column per environment, its subjects, and settings that differ.

    `unread` says why automated policies were not read, by environment.
    """
    title, subject_title = TITLES[matrix.section]
    heads = [subject_title, *map(_column, matrix.columns)]
    rows = [row for subject in matrix.rows for row in _rows(matrix, subject, unread)]
    if not rows:
        nothing = (_nothing(each, why_unread(None, each, unread)) for each in matrix.columns)
        rows = [[text("none"), *nothing]]
    return heading(4, title) + table(heads, rows)


def _column(column: MatrixColumn) -> str:
    label = f" {column.label}" if column.label else ""
    return f"{column.name}{label}{' (baseline)' if column.is_baseline else ''}"


def _rows(matrix: Matrix, row: MatrixRow, unread: Mapping[str, str]) -> Iterator[Sequence[str]]:
    places = [
        (column, cell, why_unread(row, column, unread))
        for column, cell in zip(matrix.columns, row.cells, strict=True)
    ]
    yield [text(row.subject), *(_cell(matrix.section, *place) for place in places)]
    for field in row.fields:
        if field.differs:
            values = zip(places, field.values, strict=True)
            cells = [_value(*place, value) for place, value in values]
            yield [text(f"{row.subject}: {field.words}"), *cells]


def _cell(
    section: SectionName, column: MatrixColumn, cell: MatrixCell | None, why: str | None
) -> str:
    if cell is None:
        return _nothing(column, why)
    mark = f" {strong('differs')}" if cell.differs else ""
    if cell.facts is None:
        return text("missing") + mark
    facets = [str(cell.facts[name]) for name in FACETS[section] if cell.facts.get(name)]
    return text(" · ".join(filter(None, [cell.summary, *facets]))) + mark


def _value(column: MatrixColumn, cell: MatrixCell | None, why: str | None, value: Json) -> str:
    """Return a setting; where there is no policy that could have it, what is there instead."""
    if cell is None:
        return _nothing(column, why)
    return text("missing" if cell.facts is None else told.value(value))


def _nothing(column: MatrixColumn, why: str | None) -> str:
    if column.state is CellState.NOT_DEPLOYED:
        return text(words.STATES["not_deployed"])
    return text("none" if why is None else f"{words.STATES['unreadable']}: {why}")
