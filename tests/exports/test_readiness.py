"""The CSV export of a readiness: its columns, and what a cell may begin with."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.exports import readiness as sheet
from app.exports.spreadsheet import header
from app.posture.model import Acceptance, Kind
from app.posture.promotion import Weight
from app.posture.readiness import Point
from tests.exports.test_spreadsheet import documented
from tests.posture.builders import PROD, TEST, assess, make_instance, make_policy, one

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ASKED = sheet.Asked("Test", "test", "Production", "prod", 1, "", "s-1", NOW, "ana", NOW)
FOUND = one(
    assess([make_instance(TEST, [make_policy()]), make_instance(PROD)]), Kind.POLICY_MISSING
)


def read(point: Point, about: sheet.About = sheet.About(), asked: sheet.Asked = ASKED):  # noqa: B008
    text = header(sheet.COLUMNS) + sheet.row(sheet.texts(asked), about, point)
    return next(csv.DictReader(io.StringIO(text, newline="")))


def test_the_documentation_lists_every_column_in_its_order():
    assert documented("One row per point of a readiness") == list(sheet.COLUMNS)


def test_a_point_on_a_finding_says_what_is_known_of_it():
    accepted = Acceptance(FOUND.fingerprint, "", "planned", "ana", NOW + timedelta(days=1))
    row = read(Point(Weight.WARNING, FOUND.sentence, FOUND, accepted), sheet.About("Orders API"))
    assert (row["weight"], row["name"], row["kind"]) == ("warning", "Orders API", "policy_missing")
    assert (row["severity"], row["rule"], row["subject"]) == ("critical", "D01", "jwt-validation")
    assert (row["owasp"], row["paths"], row["fingerprint"]) == (
        "API2:2023", "", FOUND.fingerprint,
    )  # fmt: skip
    assert (row["accepted_reason"], row["accepted_until"]) == ("planned", "2026-11-26T12:00:00Z")
    assert (row["from"], row["to"], row["filters"]) == ("Test", "Production", "none")


def test_a_point_on_settings_names_each_and_filters_are_told():
    found = replace(FOUND, paths=("jwksUrl", "signingMethod"), subject=None)
    row = read(Point(Weight.BLOCKER, "x", found), asked=replace(ASKED, filters="search=orders"))
    assert (row["paths"], row["subject"]) == ("jwksUrl; signingMethod", "")
    assert row["filters"] == "search=orders"


def test_a_point_without_a_finding_leaves_its_cells_empty():
    row = read(Point(Weight.UNKNOWN, "Could not read the APIs in Test: 403"))
    empty = ("name", "severity", "kind", "rule", "owasp", "subject", "paths", "fingerprint")
    assert [row[name] for name in empty] == [""] * len(empty)


def test_no_cell_is_a_formula():
    asked = replace(ASKED, origin="=cmd()", target="@sum", filters="-1", taken_by="+1")
    row = read(Point(Weight.BLOCKER, "=1+1"), sheet.About("=a", "=b", "=c", "=d"), asked)
    assert not [name for name, cell in row.items() if cell[:1] in set("=+-@")]
