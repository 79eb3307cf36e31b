"""An API is assessed anew exactly when something that its row follows from is another one."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.posture.model import (
    Acceptance,
    Environment,
    EnvironmentReading,
    ExpectedDifference,
    Scope,
    Section,
)
from app.store.readings import ApiVersions, InstanceVersion
from app.store.sections import Digests
from app.sync.inputs import frame_digest, input_digest, own_digests, ruling

KEY = "group/orders"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEST = EnvironmentReading(Environment("t", "Test", "sandbox"), automated=Section([], b"a"))
PRODUCTION = EnvironmentReading(Environment("p", "Prod", "production"), automated=Section([], b"a"))
SCOPE = Scope((TEST, PRODUCTION), "p", NOW)
VERSION = InstanceVersion("t", 1, KEY, Digests(b"f", b"p", b"t", b"c"), {}, "https://a.example")
API = ApiVersions(KEY, (VERSION, replace(VERSION, environment_id="p", instance_id=2)))
ALLOWED = {"t": {"any": True}}
ACCEPTED = Acceptance("f1", "d1", "planned", "somebody", NOW, "e1", "note", KEY)

Change = Callable[[Scope], Scope]


def digest(scope: Scope = SCOPE, api: ApiVersions = API) -> bytes:
    return input_digest(frame_digest(scope), own_digests(scope), api)


def in_test(**changes: Any) -> Change:
    def change(scope: Scope) -> Scope:
        environment = {k: v for k, v in changes.items() if k in ("id", "name", "type")}
        others = {k: v for k, v in changes.items() if k not in environment}
        changed = replace(TEST, environment=replace(TEST.environment, **environment), **others)
        return replace(scope, environments=(changed, PRODUCTION))

    return change


def expecting(*said: Any) -> Change:
    return lambda scope: replace(scope, expected_differences=(ExpectedDifference(*said),))


def accepting(**changes: Any) -> Change:
    accepted = replace(ACCEPTED, **changes)
    return lambda scope: replace(scope, exceptions={accepted.fingerprint: accepted})


@pytest.mark.parametrize(
    "change",
    [
        in_test(id="other"),
        in_test(name="Testing"),
        in_test(type="production"),
        in_test(not_listed="forbidden"),
        in_test(automated=Section([], b"b")),
        in_test(automated=Section(not_read="forbidden")),
        lambda scope: replace(scope, environments=(PRODUCTION, TEST)),
        lambda scope: replace(scope, environments=(TEST,)),
        lambda scope: replace(scope, baseline_environment_id="t"),
        lambda scope: replace(scope, ignored_application_suffixes=("-x",)),
        expecting("jwt-validation", "jwksUrl", ALLOWED),
        expecting("jwt-validation", "jwksUrl", ALLOWED, KEY),
        accepting(),
    ],
)
def test_what_a_space_is_compared_under_is_part_of_the_input(change: Change) -> None:
    assert digest(change(SCOPE)) != digest()


@pytest.mark.parametrize("name", ["values_digest", "reason", "by", "exception_id", "note", "until"])
def test_every_word_of_an_exception_is_part_of_its_apis_input(name: str) -> None:
    other = NOW.replace(year=2027) if name == "until" else "other"
    assert digest(accepting(**{name: other})(SCOPE)) != digest(accepting()(SCOPE))


def test_what_is_said_of_another_api_is_no_part_of_the_input() -> None:
    elsewhere = expecting("jwt-validation", "jwksUrl", ALLOWED, "group/other")
    assert digest(elsewhere(SCOPE)) == digest()
    assert digest(accepting(api_key="group/other")(SCOPE)) == digest()
    assert digest(replace(SCOPE, as_of=NOW.replace(year=2027))) == digest()


@pytest.mark.parametrize("name", [each.name for each in fields(InstanceVersion)])
def test_every_part_of_an_instance_is_part_of_the_input(name: str) -> None:
    others: dict[str, Any] = {
        "digests": replace(VERSION.digests, tiers=None),
        "unread": {"tiers": {"reason": "forbidden", "read_at": None}},
        "read_now": False,
    }
    changed = replace(VERSION, **{name: others.get(name, "other")})
    is_same = digest(api=ApiVersions(KEY, (changed, API.instances[1]))) == digest()
    assert is_same == (name == "api_key")  # the digest is kept by it


@pytest.mark.parametrize("name", [each.name for each in fields(Digests)])
def test_every_section_is_part_of_the_input(name: str) -> None:
    changed = replace(VERSION, digests=replace(VERSION.digests, **{name: b"other"}))
    assert digest(api=ApiVersions(KEY, (changed, API.instances[1]))) != digest()


def test_the_rules_are_part_of_the_input_and_what_comes_before_and_after_them() -> None:
    names = {path.name for path in ruling()}
    assert {"policies.py", "assessment.py", "scope.py", "kept.py"} <= names
