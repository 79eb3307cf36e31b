"""The three sections of one API on a page: what a column says where it holds nothing."""

from app.posture.model import (
    CellState,
    FieldRow,
    Matrix,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    SectionName,
)
from app.web.macros.matrices import section

AUTOMATED = MatrixCell({"version": "1.3.0", "state": "on", "source": "automated"}, "as it comes")


def test_an_automated_policy_that_could_not_be_read_is_not_said_to_be_none() -> None:
    names = ("Production", "Test", "Dev")
    columns = tuple(MatrixColumn(name, name, False, CellState.DEPLOYED) for name in names)
    settings = (FieldRow("ttl", "time to live", (60, None, None), differs=True),)
    row = MatrixRow("cors (automated)", (AUTOMATED, None, None), False, settings)
    shown = section(Matrix(SectionName.POLICIES, columns, (row,)), {"Test": "it answered 403"})
    for line, held in zip(shown.rows, ("as it comes · 1.3.0 · on", "60"), strict=True):
        assert [(cell.state, cell.text) for cell in line.cells] == [
            ("held", held),
            ("unread", "could not read: it answered 403"),
            ("missing", "none"),
        ]
