"""The CSV export of what changed: what is told of a finding that came, went or says something else."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.exports import changes
from app.exports.changes import Compared
from tests.exports.builders import ACCEPTED, NOW, Found

COMPARED = Compared("s-1", NOW - timedelta(days=1), "s-2", NOW, 7, "=cmd()", NOW)
BEFORE = Found(severity="low", sentence="It was so.", values={"p": "old"}, fingerprint="f2")
AFTER = Found(severity="high", sentence="It is so.", values={"p": None}, fingerprint="f2")
NEW = Found(name=None, group_id=None, asset_id=None, subject=None, paths=("a", "b"))


def read(added=(), resolved=(), changed=(), compared: Compared = COMPARED) -> list[dict[str, str]]:
    text = "".join(changes.lines(compared, added, resolved, changed))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_new_finding_has_nothing_before():
    (row,) = read(added=[NEW])
    assert (row["change"], row["severity"], row["sentence"]) == ("added", "high", NEW.sentence)
    assert (row["severity_before"], row["sentence_before"], row["values_before"]) == ("", "", "")
    assert row["values"] == '{"p": "https://idp.example/keys", "t": "https://test.example/keys"}'
    assert (row["kind"], row["rule"], row["paths"]) == ("policy_config", "D04", "a; b")
    assert {row[name] for name in ("name", "group_id", "asset_id", "subject")} == {""}
    assert row["first_seen_at"] == row["last_seen_at"] == "2026-11-25T14:03:07Z"


def test_a_finding_that_says_something_else_stands_with_both():
    (row,) = read(changed=[(BEFORE, AFTER)])
    assert (row["change"], row["fingerprint"]) == ("changed", "f2")
    assert (row["severity"], row["severity_before"]) == ("high", "low")
    assert (row["sentence"], row["sentence_before"]) == ("It is so.", "It was so.")
    assert (row["values"], row["values_before"]) == ('{"p": null}', '{"p": "old"}')
    assert (row["name"], row["group_id"]) == ("Orders Experience API", "northwind")
    assert (row["asset_id"], row["subject"]) == ("orders-experience-api", "jwt-validation")


def test_a_finding_that_is_gone_stands_with_what_it_said_last():
    (row,) = read(resolved=[BEFORE])
    assert (row["change"], row["severity"], row["sentence"], row["values"]) == (
        *("resolved", "", "", ""),
    )
    assert (row["severity_before"], row["sentence_before"]) == ("low", "It was so.")
    assert row["values_before"] == '{"p": "old"}'


def test_a_finding_says_why_and_until_when_it_is_and_was_accepted():
    accepted = replace(AFTER, accepted=ACCEPTED)
    names = ("accepted_reason", "accepted_until")
    said = ("planned", "2026-12-31T00:00:00Z")
    told = read(resolved=[accepted], changed=[(BEFORE, accepted), (accepted, BEFORE)])
    assert [tuple(row[name] for name in names) for row in told] == [said, ("", ""), ("", "")]
    before = [tuple(row[f"{name}_before"] for name in names) for row in told]
    assert before == [("", ""), said, said]


def test_every_row_says_what_was_compared_and_who_asked():
    rows = read(added=[NEW], resolved=[BEFORE], changed=[(BEFORE, AFTER)])
    assert [row["change"] for row in rows] == ["added", "changed", "resolved"]
    assert {(row["from"], row["from_at"], row["to"], row["to_at"]) for row in rows} == {
        ("s-1", "2026-11-24T14:03:07Z", "s-2", "2026-11-25T14:03:07Z")
    }
    assert {(row["unchanged"], row["taken_at"]) for row in rows} == {("7", "2026-11-25T14:03:07Z")}


def test_without_anything_before_its_cells_are_empty_and_nothing_else_is_lost():
    taken_at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    (row,) = read(added=[NEW], compared=Compared("", None, "s-2", NOW, 0, "ana", taken_at))
    assert (row["from"], row["from_at"], row["to"]) == ("", "", "s-2")
    assert (row["unchanged"], row["taken_by"]) == ("0", "ana")
    assert row["taken_at"] == "2026-11-25T12:00:00Z"


def test_without_a_change_there_is_a_header_alone():
    assert list(changes.lines(COMPARED, [], [], [])) == [",".join(changes.COLUMNS) + "\r\n"]


def test_no_cell_of_a_change_is_a_formula():
    bad = Found(
        *("=a", "=b", "=c", "=d"),
        name="=e", group_id="+f", asset_id="-g", subject="@h", paths=("=i",), sentence="=j",
        values={"p": "=k"}, fingerprint="=l",
    )  # fmt: skip
    for row in read(added=[bad], resolved=[bad], changed=[(bad, bad)]):
        assert not [name for name, cell in row.items() if cell[:1] in set("=+-@") - {""}]
