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
from app.posture.policy_matrix import is_automated

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

Unread = Mapping[str, str]
"""Why automated policies, which are read with their environment, were not read there."""

NO_ROW: Unread = {}


def matrix_tables(matrix: Matrix, unread: Unread) -> str:
    """Return one section: a column per environment, its subjects, and settings that differ."""
    title, subject_title = TITLES[matrix.section]
    heads = [subject_title, *map(_column, matrix.columns)]
    rows = [row for subject in matrix.rows for row in _rows(matrix, subject, unread)]
    if not rows:
        rows = [[text("none"), *(_nothing(column, NO_ROW) for column in matrix.columns)]]
    return heading(4, title) + table(heads, rows)


def _column(column: MatrixColumn) -> str:
    label = f" {column.label}" if column.label else ""
    return f"{column.name}{label}{' (baseline)' if column.is_baseline else ''}"


def _rows(matrix: Matrix, row: MatrixRow, unread: Unread) -> Iterator[Sequence[str]]:
    pairs = list(zip(matrix.columns, row.cells, strict=True))
    own = unread if is_automated(row) else NO_ROW
    yield [text(row.subject), *(_cell(matrix.section, *pair, own) for pair in pairs)]
    for field in row.fields:
        if field.differs:
            values = zip(pairs, field.values, strict=True)
            cells = [_value(*pair, value, own) for pair, value in values]
            yield [text(f"{row.subject}: {field.words}"), *cells]


def _cell(
    section: SectionName, column: MatrixColumn, cell: MatrixCell | None, unread: Unread
) -> str:
    if cell is None:
        return _nothing(column, unread)
    mark = f" {strong('differs')}" if cell.differs else ""
    if cell.facts is None:
        return text("missing") + mark
    facets = [str(cell.facts[name]) for name in FACETS[section] if cell.facts.get(name)]
    return text(" · ".join(filter(None, [cell.summary, *facets]))) + mark


def _value(column: MatrixColumn, cell: MatrixCell | None, value: Json, unread: Unread) -> str:
    """Return a setting; where there is no policy that could have it, what is there instead."""
    if cell is None:
        return _nothing(column, unread)
    return text("missing" if cell.facts is None else told.value(value))


def _nothing(column: MatrixColumn, unread: Unread) -> str:
    if column.state is CellState.NOT_DEPLOYED:
        return text(words.STATES["not_deployed"])
    reason = unread.get(column.environment_id)
    if column.state is CellState.UNREADABLE or reason is not None:
        return text(f"{words.STATES['unreadable']}: {column.reason or reason or ''}")
    return text("none")
