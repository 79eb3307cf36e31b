"""What the settings and the drilldown say of expected differences, exceptions and tokens."""

import json
from datetime import timedelta
from typing import Any

import pytest

from app.caller import AccountId
from app.posture.model import CellState, FieldRow, Matrix, MatrixColumn, MatrixRow, SectionName
from app.posture.suggesting import Suggestion
from app.store.exceptions import ExceptionRow
from app.store.findings import FindingRow
from app.store.syncs import Outcome, SyncEnvironment
from app.web.drilldown.expectable import expectable, policy_of
from app.web.drilldown.finding_view import Said
from app.web.drilldown.readiness_choice import readiness_choice
from app.web.judging import view as judging_view
from tests.store.estate import NOW, PRODUCTION, TEST

ADA = AccountId("ada")


def place(id_: str, type_: str = "sandbox") -> SyncEnvironment:
    return SyncEnvironment(id_, id_.title(), type_, Outcome.OK, None, NOW, 1, None, None, True)


def finding(**changes: Any) -> FindingRow:
    usual: dict[str, Any] = {
        "fingerprint": "f1",
        "api_id": "a1",
        "api_key": "g/orders",
        "name": "Orders",
        "group_id": "g",
        "asset_id": "orders",
        "kind": "policy_config",
        "rule": "D04",
        "severity": "high",
        "direction": "neutral",
        "subject": "g/jwt-validation#strict @ v2",
        "path": "jwksUrl",
        "paths": ("jwksUrl", "textKey"),
        "values": {"test": "https://t/keys", "prod": None},
        "values_digest": "d1",
        "outliers": (),
        "sentence": "It differs",
        "owasp": "API2:2023",
        "lane": "",
        "first_seen_at": NOW,
        "last_seen_at": NOW,
        "unconfirmed": False,
        "reopened": 0,
    }
    return FindingRow(**usual | changes)


def exception(**changes: Any) -> ExceptionRow:
    usual: dict[str, Any] = {
        "id": "x1",
        "fingerprint": "f1",
        "values_digest": "d1",
        "api_id": "a1",
        "api_key": "g/orders",
        "reason": "accepted_risk",
        "note": "The vendor is slow.",
        "made_by": ADA,
        "made_at": NOW,
        "until": NOW + timedelta(days=30),
    }
    return ExceptionRow(**usual | changes)


def test_a_difference_is_offered_with_the_values_that_are_there() -> None:
    columns = (
        MatrixColumn("prod", "Production", True, CellState.DEPLOYED),
        MatrixColumn("test", "Test", False, CellState.DEPLOYED),
    )
    fields = (FieldRow("textKey", "text key", ("masked", "masked"), True),)
    held = MatrixRow("g/jwt-validation#strict @ v2", (None, None), True, fields)
    policies = Matrix(SectionName.POLICIES, columns, (held,))
    places = [place("prod", "production"), place("test"), place("dev")]
    said = json.loads(expectable(finding(), policies, places))
    assert (said["policy"], said["api"]) == ("jwt-validation", "a1")
    first, second = said["fields"]
    assert [each["state"] for each in first["environments"]] == ["unset", "set", "unread"]
    assert first["environments"][1]["value"] == "https://t/keys"
    assert [each["state"] for each in second["environments"]] == ["masked", "masked", "unread"]


@pytest.mark.parametrize("changes", [{"kind": "policy_order"}, {"subject": None}])
def test_what_has_no_setting_is_not_offered(changes: dict[str, Any]) -> None:
    assert expectable(finding(**changes), Matrix(SectionName.POLICIES, (), ()), []) == ""


def test_a_policy_is_called_by_its_asset() -> None:
    assert policy_of("rate-limiting") == "rate-limiting"
    assert policy_of("group/rate-limiting#burst @ v1") == "rate-limiting"


def test_an_acceptance_is_shown_while_its_values_and_its_date_hold() -> None:
    said = Said({exception().fingerprint: [exception()]}, {ADA: "Ada"})
    shown = said.accepted(finding(), NOW)
    assert shown is not None
    assert (shown.reason, shown.note, shown.person) == (
        "accepted risk",
        "The vendor is slow",
        "Ada",
    )
    assert said.accepted(finding(values_digest="d2"), NOW) is None
    assert said.accepted(finding(), NOW + timedelta(days=30)) is None
    assert said.accepted(finding(fingerprint="f2"), NOW) is None


def test_an_acceptance_that_is_over_stays_in_the_history() -> None:
    over = exception(ended_at=NOW, ended_why="value_changed", made_by=AccountId("gone"))
    said = Said({over.fingerprint: [over]}, {})
    (earlier,) = said.earlier(finding())
    assert said.accepted(finding(), NOW) is None
    assert (earlier.why, earlier.person) == ("the value changed", "Former user")


def test_an_exception_says_whether_its_finding_is_gone_and_whether_it_ends_soon() -> None:
    shown = judging_view.exception_shown
    gone = shown(exception(until=NOW + timedelta(days=3)), None, "Orders", {}, NOW)
    assert (gone.state, gone.sentence, gone.is_soon) == ("finding_gone", "", True)
    kept = shown(exception(), finding(), "Orders", {ADA: "Ada"}, NOW)
    assert (kept.state, kept.is_soon, kept.can_withdraw) == ("in_force", False, True)
    over = shown(exception(ended_at=NOW, ended_why="expired"), finding(), "Orders", {}, NOW)
    assert (over.state, over.can_withdraw) == ("expired", False)


@pytest.mark.parametrize(
    ("allowance", "said"),
    [
        ({"any": True}, "anything"),
        ({"matches": "https://idp/*"}, "matches https://idp/*"),
        ({"equals": "a"}, "a"),
        ({"equals": [1, "b"]}, '[1, "b"]'),
        ({"equals": None}, "not set"),
    ],
)
def test_an_allowance_is_said_in_words(allowance: dict[str, Any], said: str) -> None:
    assert judging_view.rule(allowance) == said


def test_a_suggestion_shows_what_was_seen_and_posts_what_it_says() -> None:
    allowances = {PRODUCTION.id: {"matches": "https://p/*"}, TEST.id: {"matches": "https://t/*"}}
    seen = {TEST.id: ["https://t/keys"], PRODUCTION.id: ["https://p/keys"]}
    found = Suggestion("jwt-validation", "jwksUrl", allowances, seen, 2, 1)
    shown = judging_view.suggestion_shown(found, (TEST, PRODUCTION))
    assert shown.places[0] == (TEST.name, ["https://t/keys"], "matches https://t/*")
    assert (shown.apis, shown.settles) == ("in 2 APIs", "settles 1 finding")
    assert json.loads(shown.body)["values"] == allowances


def test_readiness_goes_from_the_last_stage_to_the_baseline() -> None:
    stages = [place("dev"), place("test"), place("prod", "production"), place("dr", "production")]
    found = readiness_choice(stages, "prod")
    assert found is not None
    assert (found.origin, found.target) == ("test", "prod")
    other = readiness_choice(stages[2:], None)
    assert other is not None
    assert (other.origin, other.target) == ("dr", "prod")
    assert readiness_choice(stages[:1], None) is None


def test_a_list_says_which_part_of_it_is_shown() -> None:
    part = judging_view.listed(2, 20, 5, 25, "acceptance")
    assert (part.range_line, part.newer, part.older) == ("21–25 of 25 acceptances", 1, None)
    assert judging_view.listed(1, 20, 3, 3, "acceptance").range_line == ""


def test_the_command_of_a_pipeline_can_be_pasted_into_a_shell() -> None:
    said = judging_view.command("https://p.example", "42", "Pre Prod", "Production")
    assert said.endswith("--space 42 --from 'Pre Prod' --to Production")
