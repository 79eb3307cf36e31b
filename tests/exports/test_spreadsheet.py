"""What a cell may begin with, how a line is written, and columns that never change places."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.exports import changes, readiness, spreadsheet
from app.exports.evidence import texts
from app.exports.spreadsheet import header, line, neutralised
from tests.exports.builders import make_evidence

DOCUMENTED = Path(__file__).parents[2] / "docs" / "exports.md"

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\rx",
    " =1",
    "\u00a0=1",
    "\n=1",
    "\u200b=1",
    "\ufeff@A",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "\x0b=1",
]
HARMLESS = ["", "Orders", "1000", "a=b", "'=1", "v1.0", "{}", '"=1"', "é", "…", "日本", "  x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str):
    assert neutralised(text) == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_it_would_not_run_stays(text: str):
    assert neutralised(text) == text


@given(some.lists(some.text(some.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_any_cells_are_read_back_as_they_were_written(cells: list[str]):
    written = line(cells) + line(["end"])
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert (read[0] or [""], read[1]) == (cells, ["end"])


def test_a_line_ends_as_rfc_4180_has_it():
    assert line(['say "x"', "a,b", "plain"]) == '"say ""x""","a,b",plain\r\n'


def test_every_row_ends_in_the_evidence_neutralised():
    ends = spreadsheet.end_of_row(texts(make_evidence(space_name="=cmd()", space_key="a,b")))
    assert ends.startswith(',https://northwind.atlassian.net/wiki,65538,"a,b",\'=cmd(),us,')
    assert ends.endswith(f",2,{'ab' * 32}\r\n")


def documented(title: str) -> list[str]:
    """Return the columns that the documentation lists below a heading, in its order."""
    section = DOCUMENTED.read_text().split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    return [row.split("`")[1] for row in section.splitlines() if row.startswith("| `")]


def test_the_documentation_lists_every_column_in_its_order():
    evidence = list(spreadsheet.EVIDENCE_COLUMNS)
    assert documented("One row per API and environment") == list(spreadsheet.POSTURE_ROW)
    assert documented("One row per finding") == list(spreadsheet.FINDING_ROW)
    assert documented("One row per finding that changed") == list(changes.COLUMNS)
    assert documented("One row per point of a readiness") == list(readiness.COLUMNS)
    assert documented("The last columns of every row") == evidence
    assert list(texts(make_evidence())) == evidence


def test_columns_are_never_reordered():
    kept = (Path(__file__).parents[1] / "data" / "columns.csv").read_text().splitlines()
    for columns, before in zip(
        (spreadsheet.POSTURE_COLUMNS, spreadsheet.FINDING_COLUMNS), kept, strict=True
    ):
        assert header(columns).startswith(before)
