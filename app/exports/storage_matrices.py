"""The three sections of one API side by side, in storage format."""

from collections.abc import Iterator, Sequence

from app.exports import words
from app.exports.storage_markup import heading, strong, table, text
from app.posture import words as told
from app.posture.model import CellState, Matrix, MatrixCell, MatrixColumn, MatrixRow, SectionName

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


def matrix_tables(matrix: Matrix) -> str:
    """Return one section: a column per environment, its subjects, and settings that differ."""
    title, subject_title = TITLES[matrix.section]
    heads = [subject_title, *map(_column, matrix.columns)]
    rows = [row for subject in matrix.rows for row in _rows(matrix, subject)]
    if not rows:
        rows = [[text("none"), *(_nothing(column) for column in matrix.columns)]]
    return heading(4, title) + table(heads, rows)


def _column(column: MatrixColumn) -> str:
    label = f" {column.label}" if column.label else ""
    return f"{column.name}{label}{' (baseline)' if column.is_baseline else ''}"


def _rows(matrix: Matrix, row: MatrixRow) -> Iterator[Sequence[str]]:
    pairs = zip(matrix.columns, row.cells, strict=True)
    yield [text(row.subject), *(_cell(matrix.section, column, cell) for column, cell in pairs)]
    for field in row.fields:
        if field.differs:
            values = [text(told.value(value)) for value in field.values]
            yield [text(f"{row.subject}: {field.words}"), *values]


def _cell(section: SectionName, column: MatrixColumn, cell: MatrixCell | None) -> str:
    if cell is None:
        return _nothing(column)
    mark = f" {strong('differs')}" if cell.differs else ""
    if cell.facts is None:
        return text("missing") + mark
    facets = [str(cell.facts[name]) for name in FACETS[section] if cell.facts.get(name)]
    return text(" · ".join(filter(None, [cell.summary, *facets]))) + mark


def _nothing(column: MatrixColumn) -> str:
    if column.state is CellState.NOT_DEPLOYED:
        return text(words.STATES["not_deployed"])
    if column.state is CellState.UNREADABLE:
        return text(f"{words.STATES['unreadable']}: {column.reason or ''}")
    return text("none")
