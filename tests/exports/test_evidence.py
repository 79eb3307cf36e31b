"""What an export says of where it comes from."""

from dataclasses import replace

import pytest

from app.exports.evidence import Population, population_line, texts
from tests.exports.builders import PRODUCTION, TEST, make_evidence

LINES = [
    (
        Population(120, 120, 0, 0),
        (TEST, PRODUCTION),
        "120 of 120 APIs, 2 of 2 environments, 0 read errors",
    ),
    (Population(1, 1, 0, 1), (TEST,), "1 of 1 API, 1 of 1 environment, 1 read error"),
    (
        Population(3, 120, 0, 2),
        (replace(TEST, is_shown=False), PRODUCTION),
        "3 of 120 APIs, 1 of 2 environments, 2 read errors",
    ),
    (Population(0, 0, 0, 0), (), "0 of 0 APIs, 0 of 0 environments, 0 read errors"),
]


@pytest.mark.parametrize(("population", "environments", "expected"), LINES)
def test_the_population_says_how_complete_it_is(population, environments, expected):
    told = make_evidence(population=population, environments=environments)
    assert population_line(told) == expected


def test_what_was_not_recorded_is_said():
    told = texts(
        make_evidence(
            control_plane=None,
            organization_id=None,
            organization_name=None,
            sync_id=None,
            sync_finished_at=None,
            environments=(replace(TEST, read_at=None),),
        )
    )
    assert told["control_plane"] == told["organization_id"] == "not recorded"
    assert (told["sync_id"], told["sync_finished_at"], told["baseline"]) == ("", "", "")
    assert told["environments_read_at"] == "Test: not recorded"


def test_filters_are_told_as_parameters():
    assert texts(make_evidence())["filters"] == "none"
    assert texts(make_evidence(filters="verdict=threat"))["filters"] == "verdict=threat"


def test_what_was_recorded_is_said():
    told = texts(make_evidence())
    assert (told["control_plane"], told["sync_id"]) == ("us", "0b9cf7a8")
    assert (told["organization_id"], told["organization_name"]) == ("9a11f2a0", "Northwind")
    assert told["sync_finished_at"] == "2026-11-25T14:03:07Z"
    assert told["environments_read_at"] == (
        "Test: 2026-11-25T14:03:07Z; Production: 2026-11-25T14:03:07Z"
    )
    assert told["baseline"] == "Production"


def test_an_organisation_without_a_name_is_told_by_its_id_alone():
    assert texts(make_evidence(organization_name=None))["organization_name"] == ""
