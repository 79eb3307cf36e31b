"""What holds for every estate: noise finds nothing, order says nothing, mirrors mirror."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.posture.assessment import assess_api
from app.posture.model import ApiPosture, ApiReading, InstanceReading, Kind
from tests.posture.builders import (
    ALL,
    GROUP,
    JWT,
    assess,
    differences,
    kinds,
    limits,
    make_contract,
    make_instance,
    make_policy,
    make_scope,
    make_tier,
    one,
    rules,
)

# The same lines again and again: to note each doubles the time, and others cover them.
pytestmark = pytest.mark.no_cover

POOL: dict[str, list[dict[str, Any]]] = {
    "jwt-validation": [
        JWT,
        {**JWT, "jwksUrl": "https://b.example/k"},
        {**JWT, "signingMethod": ""},
    ],
    "rate-limiting": [limits(100), limits(900), limits(5, 1000)],
    "ip-allowlist": [{"ips": ["10.0.0.0/8", "192.168.0.0/16"]}, {"ips": ["0.0.0.0/0"]}],
    "cors": [{"publicResource": True}, {"publicResource": False}],
    "message-logging": [
        {"loggingConfiguration": [{"itemData": {"message": m}} for m in ("#[payload]", "#[a]")]},
        {"loggingConfiguration": [{"itemData": {"message": "#[b]"}}]},
    ],
    "http-basic-authentication": [{"username": "u", "password": p} for p in ("a1", "b2")],
    "openidconnect-access-token-enforcement": [{"tokenUrl": "https://a.example", "scopes": "a b"}],
    "header-removal": [{"inboundHeaders": ["x-a", "X-B"]}],
    "house-rule": [{"rows": [1, 2]}, {"rows": [2, 1], "deep": {"a": None}}],
}
SETS = {"ips", "inboundHeaders", "rateLimits", "loggingConfiguration"}

policies = st.lists(st.sampled_from(sorted(POOL)), unique=True, max_size=6).flatmap(
    lambda names: st.tuples(*(applied(name) for name in names)).map(list)
)
tiers = st.lists(
    st.builds(
        lambda name, most, status, auto: make_tier(
            name, (most, 60_000), status=status, auto_approve=auto
        ),
        st.sampled_from(["Gold", "Silver", "Bronze"]),
        st.sampled_from([10, 1000]),
        st.sampled_from(["ACTIVE", "DEPRECATED"]),
        st.booleans(),
    ),
    unique_by=lambda tier: tier["name"],
    max_size=3,
)
contracts = st.lists(
    st.builds(
        lambda name, status, tier: make_contract(name, status=status, tier=tier),
        st.sampled_from(["crm", "web", "mobile-dev", "mobile"]),
        st.sampled_from(["APPROVED", "REVOKED", "PENDING"]),
        st.sampled_from(["Gold", "Silver", None]),
    ),
    unique_by=lambda contract: contract["application"],
    max_size=4,
)


def applied(name: str) -> st.SearchStrategy[Any]:
    group = {"group_id": GROUP} if name == "house-rule" else {}
    return st.builds(
        lambda configuration, order, off: make_policy(
            name, configuration=configuration, order=order, disabled=off, **group
        ),
        st.sampled_from(POOL[name]),
        st.integers(1, 5),
        st.booleans(),
    )


Sides = list[tuple[Any, Any, Any]]
sides = st.lists(st.tuples(policies, tiers, contracts), min_size=3, max_size=3)


def instances(held: Sides) -> list[InstanceReading]:
    return [make_instance(e, *own) for e, own in zip(ALL, held, strict=True)]


def told(posture: ApiPosture) -> str:
    return repr(posture)


def shuffled(value: Any, random: Any, name: str = "") -> Any:
    """Return a value with other key order, and other order where a list is a set."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random, key) for key in keys}
    if isinstance(value, list):
        items = [shuffled(item, random) for item in value]
        if name in SETS:
            random.shuffle(items)
        return items
    return value


@given(sides, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_key_order_set_order_and_row_order_change_nothing(held: Sides, random: Any) -> None:
    other = copy.deepcopy(held)
    for own, _, _ in other:
        for policy in own:
            policy["configuration"] = shuffled(policy["configuration"], random)
    for side in other:
        for rows in side:
            random.shuffle(rows)
    readings = instances(other)
    random.shuffle(readings)
    assert told(assess(readings)) == told(assess(instances(held)))


@given(sides, st.integers(2, 7), st.integers(0, 9))
@settings(max_examples=80, deadline=None)
def test_order_numbers_count_by_their_order_alone(held: Sides, step: int, start: int) -> None:
    other = copy.deepcopy(held)
    for own, _, _ in other[1:2]:
        for policy in own:
            policy["order"] = start + step * policy["order"]
    assert told(assess(instances(other))) == told(assess(instances(held)))


@given(st.tuples(policies, tiers, contracts))
@settings(max_examples=80, deadline=None)
def test_an_estate_compared_with_itself_has_no_difference(own: tuple[Any, Any, Any]) -> None:
    plain = [c for c in own[2] if c["application"] != "mobile-dev"]
    assert kinds(assess(instances([(own[0], own[1], plain)] * 3))) == []


@given(sides, st.permutations(ALL))
@settings(max_examples=80, deadline=None)
def test_the_order_of_environments_changes_no_finding(held: Sides, turned: Any) -> None:
    plain = [(p, t, [c for c in k if c["application"] != "mobile-dev"]) for p, t, k in held]
    readings = instances(plain)

    def facts(posture: ApiPosture) -> set[Any]:
        return {
            (f.fingerprint, f.rule, f.severity, f.direction, f.paths, frozenset(f.outliers))
            for f in posture.findings
        }

    assert facts(assess(readings, make_scope(turned))) == facts(assess(readings))


@given(sides)
@settings(max_examples=80, deadline=None)
def test_two_environments_that_change_places_mirror_values_and_outliers(held: Sides) -> None:
    plain = [(p, t, [c for c in k if c["application"] != "mobile-dev"]) for p, t, k in held]
    straight = assess(instances(plain))
    swapped = assess(instances([plain[1], plain[0], plain[2]]))
    mirror = {"dev": "test", "test": "dev", "prod": "prod"}
    there = {
        f.fingerprint: ({e: repr(v) for e, v in f.values.items()}, set(f.outliers))
        for f in differences(swapped)
        if f.kind is not Kind.POLICY_ORDER
    }
    here = {
        f.fingerprint: (
            {mirror[e]: repr(v) for e, v in f.values.items()},
            {mirror[e] for e in f.outliers},
        )
        for f in differences(straight)
        if f.kind is not Kind.POLICY_ORDER
    }
    assert here == there


@given(policies.filter(bool), st.data())
@settings(max_examples=80, deadline=None)
def test_removing_one_policy_is_one_missing_policy(own: Any, data: Any) -> None:
    at = data.draw(st.integers(0, len(own) - 1))
    fewer = own[:at] + own[at + 1 :]
    posture = assess(instances([(own, [], []), (own, [], []), (fewer, [], [])]))
    assert kinds(posture) == ["policy_missing"]
    assert one(posture, Kind.POLICY_MISSING).subject == own[at]["asset_id"]


@given(sides)
@settings(max_examples=60, deadline=None)
def test_comparing_is_the_same_to_the_byte_with_or_without_memory(held: Sides) -> None:
    once = told(assess(instances(held)))
    forgetful = [
        reading._replace(
            **{
                name: getattr(reading, name)._replace(digest=b"")
                for name in ("facts", "policies", "tiers", "contracts")
            },
        )
        for reading in instances(held)
    ]
    assert told(assess(forgetful)) == once
    assert told(assess(instances(held))) == once


@given(sides, st.sampled_from(ALL), st.sampled_from(["policies", "tiers", "contracts"]))
@settings(max_examples=60, deadline=None)
def test_what_was_not_read_is_never_aligned(held: Sides, where: Any, section: str) -> None:
    readings = instances(held)
    readings[ALL.index(where)] = make_instance(where, not_read={section: "403"})
    assert assess(readings).verdict not in ("aligned", "not_comparable")


@given(sides)
@settings(max_examples=40, deadline=None)
def test_findings_stand_in_order_and_each_once(held: Sides) -> None:
    posture = assess(instances(held))
    prints = [f.fingerprint for f in posture.findings]
    assert len(set(prints)) == len(prints)
    assert all(len(f.sentence) < 200 for f in posture.findings)
    assert rules(posture) <= {f"{letter}{n:02}" for letter in "DP" for n in range(1, 30)}


@pytest.mark.parametrize("key", ["x", "name:x"])
def test_an_api_without_instances_is_an_empty_row(key: str) -> None:
    posture = assess_api(make_scope(), ApiReading(key, ()))
    assert (posture.name, posture.findings) == ("x", ())
