"""Settings side by side: what is marked in them, and what is said where there is no value."""

from typing import Any

from app.posture.model import FieldRow
from app.web.drilldown.lines import day, order, ordinal, statuses
from app.web.drilldown.values import FieldShown, field_shown


def shown(*values: Any, differs: bool = True, defaults: tuple[bool, ...] = ()) -> FieldShown:
    row = FieldRow("path", "words", values, differs, defaults)
    return field_shown(row, [True] * len(values), differs=differs)


def marked(field: FieldShown) -> list[list[str]]:
    return [[p.text for p in value["pieces"] if p.is_marked] for value in field["values"]]


def test_the_value_that_the_majority_has_not_stands_out():
    field = shown(1000, 100, 1000)
    assert [value["differs"] for value in field["values"]] == [False, True, False]


def test_without_a_majority_all_values_stand_out():
    field = shown(1, 2)
    assert [value["differs"] for value in field["values"]] == [True, True]


def test_the_part_of_a_text_that_differs_is_marked():
    field = shown("https://login.corp.example/keys", "https://login.test.example/keys")
    assert marked(field) == [["corp"], ["test"]]


def test_the_items_that_other_lists_lack_are_marked():
    field = shown(["a", "b"], ["a"], ["a"])
    assert marked(field) == [["\nb"], [], []]
    assert "".join(piece.text for piece in field["values"][0]["pieces"]) == "a\nb"


def test_hidden_values_that_differ_are_marked_without_a_word_of_them():
    field = shown("masked", "masked")
    assert [value["state"] for value in field["values"]] == ["hidden", "hidden"]
    assert [value["differs"] for value in field["values"]] == [True, True]


def test_an_empty_value_and_a_default_are_told_apart():
    field = shown(None, True, defaults=(False, True))
    assert [value["state"] for value in field["values"]] == ["unset", "default"]


def test_a_column_without_the_policy_has_no_value():
    row = FieldRow("path", "words", (1, None), True)
    field = field_shown(row, [True, False], differs=True)
    assert [value["state"] for value in field["values"]] == ["set", "none"]


def test_true_and_one_are_not_the_same_value():
    assert [value["differs"] for value in shown(True, 1)["values"]] == [True, True]


def test_a_long_value_can_be_opened():
    assert shown("x" * 500, "y")["values"][0]["is_long"]
    assert shown(list("abcdefghijk"), [])["values"][0]["is_long"]


def test_places_dates_and_counts_are_said_in_words():
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st",
    ]  # fmt: skip
    assert order(4, 2) == "runs 2nd, stored order 4"
    assert order(None, None) == "does not run, no stored order"
    assert day("2025-06-30T15:02:41.007Z") == "30 Jun 2025"
    assert day("soon") == "soon"
    assert statuses(["revoked", "approved", "odd", "approved"]) == "2 approved, 1 revoked, 1 odd"
    assert statuses([]) == "none"
