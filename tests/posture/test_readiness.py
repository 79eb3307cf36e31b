"""May what runs in one environment go to another? Cases as a table, and what holds for every API."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.posture.families import PROTECTIVE, families
from app.posture.matching import api_key
from app.posture.model import (
    MULESOFT_GROUP,
    Acceptance,
    ApiReading,
    Environment,
    ExpectedDifference,
    InstanceReading,
    Kind,
    Scope,
)
from app.posture.phrases import LONGEST_SENTENCE
from app.posture.promotion import TABLE, Weight
from app.posture.readiness import (
    Point,
    api_points,
    environment_points,
    in_order,
    is_ready,
    promotion_of,
)
from tests.posture.builders import (
    ALL,
    AS_OF,
    DEV,
    GROUP,
    JWT,
    PROD,
    TEST,
    assess,
    limits,
    make_automated,
    make_contract,
    make_instance,
    make_policy,
    make_scope,
    make_tier,
    section,
)
from tests.posture.test_properties import contracts, policies, tiers

BLOCKER, WARNING, UNKNOWN = Weight
CORP = "https://login.corp.example/keys"
TESTED = "https://login.test-idp.example/keys"


def judged(
    *instances: InstanceReading,
    scope: Scope | None = None,
    origin: Environment = TEST,
    target: Environment = PROD,
) -> tuple[Point, ...]:
    """Return every point of the promotion of one API."""
    promotion = promotion_of(scope or make_scope(), origin.id, target.id)
    key = api_key(instances[0].facts.content())
    points = api_points(promotion, ApiReading(key, instances))
    return (*environment_points(promotion), *points)


def weights(points: Iterable[Point]) -> set[Weight]:
    return {point.weight for point in points}


def ready(points: Iterable[Point]) -> bool | None:
    return is_ready(weights(points))


def both(left: dict[str, Any], right: dict[str, Any]) -> tuple[Point, ...]:
    """Return the points between Test and Production that hold these sections."""
    return judged(make_instance(TEST, **left), make_instance(PROD, **right))


def weight_at(points: Iterable[Point], kind: Kind, rule: str = "") -> Weight | None:
    """Return the weight of the point with a finding of a kind, None without one."""
    found = [
        point.weight
        for point in points
        if point.finding and point.finding.kind is kind and point.finding.rule.startswith(rule)
    ]
    return found[0] if found else None


def held(*names: str, **changes: Any) -> dict[str, Any]:
    return {"policies": [make_policy(name, **changes) for name in names]}


def jwt(**changes: Any) -> dict[str, Any]:
    return {"policies": [make_policy(configuration={**JWT, **changes})]}


GUARDED = make_policy()
SLA = make_policy("rate-limiting-sla-based")
GOLD, CRM = make_tier(), make_contract(tier="Gold")
ORDERED = (make_policy(order=1), make_policy("rate-limiting", order=2))
TURNED = (make_policy(order=2), make_policy("rate-limiting", order=1))
OUT_OF_ORDER = (make_policy("http-caching", order=1), make_policy("house", group_id=GROUP, order=2))
OUT_TURNED = (make_policy("http-caching", order=2), make_policy("house", group_id=GROUP, order=1))
CASES: list[tuple[str, dict[str, Any], dict[str, Any], Kind, Weight | None]] = [
    ("missing", held("jwt-validation"), {}, Kind.POLICY_MISSING, BLOCKER),
    ("off there", held("jwt-validation"), held("jwt-validation", disabled=True),
     Kind.POLICY_DISABLED, BLOCKER),
    ("off here", held("jwt-validation", disabled=True), held("jwt-validation"),
     Kind.POLICY_DISABLED, WARNING),
    ("off here, missing there", held("jwt-validation", disabled=True), {},
     Kind.POLICY_MISSING, WARNING),
    ("only there", {}, held("jwt-validation"), Kind.POLICY_MISSING, WARNING),
    ("custom", {"policies": [make_policy("house", group_id=GROUP)]}, {},
     Kind.POLICY_MISSING, BLOCKER),
    ("payload", held("json-threat-protection"), {}, Kind.POLICY_MISSING, BLOCKER),
    ("removal", held("header-removal"), {}, Kind.POLICY_MISSING, BLOCKER),
    ("logging", held("message-logging"), {}, Kind.POLICY_MISSING, WARNING),
    ("replaced", held("jwt-validation"), held("http-basic-authentication"),
     Kind.POLICY_MISSING, WARNING),
    ("one more list", {"policies": [make_policy("ip-allowlist", configuration={"ips": ["10.0.0.1"]}),
     make_policy("ip-allowlist", label="vpn", configuration={"ips": ["10.0.0.2"]})]},
     held("ip-allowlist", configuration={"ips": ["10.0.0.1"]}), Kind.POLICY_DUPLICATE, BLOCKER),
    ("test host", jwt(jwksUrl=CORP), jwt(jwksUrl=TESTED), Kind.POLICY_CONFIG, BLOCKER),
    ("another host", jwt(jwksUrl=TESTED), jwt(jwksUrl=CORP), Kind.POLICY_CONFIG, WARNING),
    ("unsigned", jwt(), jwt(signingMethod="none"), Kind.POLICY_CONFIG, BLOCKER),
    ("stricter", jwt(signingMethod="none"), jwt(), Kind.POLICY_CONFIG, WARNING),
    ("tenfold", held("rate-limiting"), held("rate-limiting", configuration=limits(1000)),
     Kind.POLICY_CONFIG, BLOCKER),
    ("twice as much", held("rate-limiting"), held("rate-limiting", configuration=limits(200)),
     Kind.POLICY_CONFIG, WARNING),
    ("secret", held("http-basic-authentication", configuration={"username": "u", "password": "a"}),
     held("http-basic-authentication", configuration={"username": "u", "password": "b"}),
     Kind.POLICY_CONFIG, None),
    ("covers less", held("jwt-validation"),
     held("jwt-validation", pointcut=[{"method": "GET", "uri": "/a"}]),
     Kind.POLICY_POINTCUT, BLOCKER),
    ("covers more", held("jwt-validation", pointcut=[{"method": "GET", "uri": "/a"}]),
     held("jwt-validation"), Kind.POLICY_POINTCUT, WARNING),
    ("crossing order", {"policies": ORDERED}, {"policies": TURNED}, Kind.POLICY_ORDER, BLOCKER),
    ("order", {"policies": OUT_OF_ORDER}, {"policies": OUT_TURNED}, Kind.POLICY_ORDER, WARNING),
    ("older", held("jwt-validation", asset_version="2.0.0"), held("jwt-validation"),
     Kind.POLICY_VERSION, WARNING),
    ("tier in use", {"tiers": [GOLD], "contracts": [CRM]}, {}, Kind.TIER_MISSING, BLOCKER),
    ("tier of nobody", {"tiers": [GOLD]}, {}, Kind.TIER_MISSING, WARNING),
    ("tier only there", {}, {"tiers": [GOLD]}, Kind.TIER_MISSING, None),
    ("tier retired", {"tiers": [GOLD], "contracts": [CRM]},
     {"tiers": [make_tier(status="DEPRECATED")], "contracts": [CRM]}, Kind.TIER_STATUS, BLOCKER),
    ("tier allows more", {"tiers": [GOLD]}, {"tiers": [make_tier("Gold", (9000, 60_000))]},
     Kind.TIER_LIMITS, WARNING),
    ("tier for anyone", {"tiers": [GOLD]}, {"tiers": [make_tier(auto_approve=True)]},
     Kind.TIER_APPROVAL, WARNING),
    ("no contract", {"contracts": [CRM]}, {}, Kind.CONTRACT_MISSING, BLOCKER),
    ("no contract wanted", {"contracts": [make_contract(status="REVOKED")]}, {},
     Kind.CONTRACT_MISSING, None),
    ("contract only there", {}, {"contracts": [CRM]}, Kind.CONTRACT_MISSING, None),
    ("contract pending", {"contracts": [CRM]}, {"contracts": [make_contract(status="PENDING")]},
     Kind.CONTRACT_STATUS, BLOCKER),
    ("contract approved there", {"contracts": [make_contract(status="PENDING")]},
     {"contracts": [CRM]}, Kind.CONTRACT_STATUS, None),
    ("other tier", {"contracts": [CRM]}, {"contracts": [make_contract(tier="Silver")]},
     Kind.CONTRACT_TIER, WARNING),
    ("other tier of nobody", {"contracts": [make_contract(tier="Gold", status="REVOKED")]},
     {"contracts": [make_contract(tier="Silver", status="REVOKED")]}, Kind.CONTRACT_TIER, None),
    ("newer", {"asset_version": "1.0.5"}, {}, Kind.ASSET_VERSION, WARNING),
    ("new product", {"product_version": "v2"}, {}, Kind.PRODUCT_VERSION, WARNING),
    ("bare", {}, {}, Kind.POSTURE, BLOCKER),
]  # fmt: skip


@pytest.mark.parametrize(("origin", "target", "kind", "weight"), [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])  # fmt: skip
def test_a_difference_has_the_weight_of_the_table(
    origin: dict[str, Any], target: dict[str, Any], kind: Kind, weight: Weight | None
):
    assert weight_at(both(origin, target), kind) is weight


def test_the_table_has_every_kind_that_belongs_to_an_api():
    of_environments = {Kind.AUTOMATED_POLICY_MISSING, Kind.AUTOMATED_POLICY_CONFIG}
    assert set(TABLE) == set(Kind) - of_environments - {Kind.POSTURE}


def test_what_does_not_run_there_blocks_and_says_so():
    points = judged(make_instance(TEST, [GUARDED]))
    assert [point.sentence for point in points] == [
        "Not deployed in Production: nothing protects it there yet"
    ]
    assert ready(points) is False


def test_what_does_not_run_here_is_nothing_to_promote_whatever_is_there():
    points = judged(make_instance(PROD))
    assert [point.sentence for point in points] == [
        "Not deployed in Test: there is nothing to promote"
    ]
    assert ready(points) is True


def test_a_second_version_without_a_counterpart_blocks():
    second = make_instance(TEST, [GUARDED], id=9, product_version="v2")
    first = make_instance(TEST, [GUARDED]), make_instance(PROD, [GUARDED])
    assert weight_at(judged(*first, second), Kind.EXTRA_INSTANCE) is BLOCKER
    third = make_instance(PROD, [GUARDED], id=9, product_version="v2")
    assert weight_at(judged(*first, third), Kind.EXTRA_INSTANCE) is WARNING


def test_a_test_identity_provider_is_where_it_belongs_unless_the_target_is_production():
    corp, tested = make_policy(configuration=JWT), jwt(jwksUrl=TESTED)["policies"]
    points = judged(
        make_instance(DEV, [corp]), make_instance(TEST, tested), origin=DEV, target=TEST
    )
    assert weight_at(points, Kind.POLICY_CONFIG) is WARNING
    assert ready(points) is True


def test_other_environments_have_no_say():
    points = judged(
        make_instance(DEV), make_instance(TEST, [GUARDED]), make_instance(PROD, [GUARDED])
    )
    assert ready(points) is True


def test_the_target_is_looked_at_though_it_is_no_production():
    points = judged(make_instance(DEV), make_instance(TEST), origin=DEV, target=TEST)
    assert [p.sentence for p in points if p.weight is BLOCKER] == [
        "Test has no authentication: anyone who reaches it can call it"
    ]


def test_a_target_that_is_not_active_yet_is_judged_as_it_will_be():
    points = judged(make_instance(TEST), make_instance(PROD, status="unregistered"))
    assert weight_at(points, Kind.POSTURE, "P01") is BLOCKER
    told = [p.sentence for p in points if p.weight is WARNING]
    assert "Production is unregistered: its policies are not enforced yet" in told


@pytest.mark.parametrize(
    ("origin", "target", "told"),
    [
        ("unregistered", "active", []),
        ("active", " ACTIVE ", []),
        (
            "active",
            "Unregistered",
            ["Production is unregistered: its policies are not enforced yet"],
        ),
    ],
)
def test_only_a_target_that_is_not_active_is_said_to_enforce_nothing_yet(
    origin: str, target: str, told: list[str]
):
    points = judged(
        make_instance(TEST, [GUARDED], status=origin), make_instance(PROD, [GUARDED], status=target)
    )
    assert [p.sentence for p in points if "not enforced yet" in p.sentence] == told


def test_a_target_that_turns_everybody_away_blocks():
    points = both({"policies": [SLA]}, {"policies": [SLA]})
    assert weight_at(points, Kind.POSTURE, "P14") is BLOCKER


def test_a_weakness_for_information_has_no_say():
    assert weight_at(both(jwt(), jwt()), Kind.POSTURE, "P12") is None


@pytest.mark.parametrize("where", [TEST, PROD])
@pytest.mark.parametrize("part", ["policies", "tiers", "contracts"])
def test_a_section_that_was_not_read_is_unknown(where: Environment, part: str):
    instances = [
        make_instance(e, [GUARDED], not_read={part: "timeout"} if e is where else None)
        for e in (TEST, PROD)
    ]
    points = judged(*instances)
    assert ready(points) is None
    assert f"Could not read the {part} in {where.name}: timeout" in [p.sentence for p in points]


def test_a_section_of_a_third_environment_need_not_be_read():
    dev = make_instance(DEV, [GUARDED], not_read={"policies": "timeout"})
    points = judged(dev, make_instance(TEST, [GUARDED]), make_instance(PROD, [GUARDED]))
    assert ready(points) is True


@pytest.mark.parametrize("where", [TEST, PROD])
def test_a_list_that_was_not_read_is_unknown_and_nothing_is_said_of_deployment(where: Environment):
    scope = make_scope(not_listed={where.id: "403"})
    points = judged(make_instance(TEST, [GUARDED]), make_instance(PROD, [GUARDED]), scope=scope)
    assert ready(points) is None
    assert [p.sentence for p in points] == [f"Could not read the APIs in {where.name}: 403"]


def test_automated_policies_that_were_not_read_are_unknown():
    scope = make_scope(automated={"prod": section(None, "403")})
    points = judged(make_instance(TEST, [GUARDED]), make_instance(PROD, [GUARDED]), scope=scope)
    assert [p.sentence for p in points if p.weight is UNKNOWN] == [
        "Could not read the automated policies in Production: 403"
    ]


def test_an_automated_policy_that_is_missing_there_blocks_where_it_guards():
    guards = make_scope(automated={"test": [make_automated("jwt-validation", configuration=JWT)]})
    adorns = make_scope(automated={"test": [make_automated()]})
    pair = make_instance(TEST, [GUARDED]), make_instance(PROD, [GUARDED])
    assert weight_at(judged(*pair, scope=guards), Kind.AUTOMATED_POLICY_MISSING) is BLOCKER
    assert weight_at(judged(*pair, scope=adorns), Kind.AUTOMATED_POLICY_MISSING) is WARNING


def test_what_is_hidden_is_told():
    hidden = {"username": "u", "password": "********"}
    instances = held("http-basic-authentication", configuration=hidden)
    told = [p.sentence for p in both(instances, instances)]
    assert any("password is hidden" in sentence for sentence in told)


def expecting(**allowances: Any) -> Scope:
    expected = ExpectedDifference("jwt-validation", "jwksUrl", allowances)
    return make_scope(expected_differences=(expected,))


def between(origin: str, target: str, scope: Scope) -> tuple[Point, ...]:
    return judged(
        make_instance(TEST, **jwt(jwksUrl=origin)),
        make_instance(PROD, **jwt(jwksUrl=target)),
        scope=scope,
    )


TWO = expecting(
    test={"matches": "https://*.test-idp.example/*"}, prod={"matches": "https://*.corp.example/*"}
)


def test_an_expected_difference_has_no_say():
    assert weights(between(TESTED, CORP, TWO)) == set()


def test_a_value_of_the_target_outside_its_allowance_blocks():
    points = between(TESTED, "https://other.example/keys", TWO)
    assert weight_at(points, Kind.POLICY_CONFIG) is BLOCKER


def test_a_value_of_the_origin_outside_its_allowance_is_only_told():
    points = between("https://other.example/keys", CORP, TWO)
    assert weight_at(points, Kind.POLICY_CONFIG) is WARNING
    assert ready(points) is True


def test_an_allowance_of_another_api_has_no_say():
    expected = ExpectedDifference("jwt-validation", "jwksUrl", {"prod": {"equals": "x"}}, "other")
    scope = make_scope(expected_differences=(expected,))
    assert weight_at(between(TESTED, CORP, scope), Kind.POLICY_CONFIG) is WARNING


BORROWED = "JWT validation: JWKS URL in Production has a value that is expected in Test"
IDP, LOGIN = {"matches": "https://*.test-idp.example/*"}, {"matches": "https://login.*"}
ALLOWANCES: list[tuple[str, dict[str, Any], dict[str, Any], str, bool]] = [
    ("the wider one is the target's", IDP, {"matches": "https://*"}, TESTED, True),
    ("anything goes in the target", IDP, {"any": True}, TESTED, True),
    ("exactly the origin's", {"equals": TESTED}, {"matches": "https://*"}, TESTED, True),
    ("both halves", IDP, LOGIN, TESTED, True),
    ("its own half", IDP, LOGIN, CORP, False),
    ("the wider one is the origin's", {"matches": "https://*"}, LOGIN, CORP, False),
    ("anything goes in the origin", {"any": True}, LOGIN, CORP, False),
    ("the same for both", LOGIN, LOGIN, CORP, False),
    ("the same text for both", {"equals": CORP}, {"equals": CORP}, CORP, False),
    ("nothing is said of the target", IDP, {}, TESTED, False),
]


@pytest.mark.parametrize(("test", "prod", "value", "is_told"), [c[1:] for c in ALLOWANCES],
                         ids=[c[0] for c in ALLOWANCES])  # fmt: skip
def test_a_value_that_is_meant_for_the_origin_blocks_though_it_is_allowed(
    test: dict[str, Any], prod: dict[str, Any], value: str, is_told: bool
):
    points = between(value, value, expecting(test=test, prod=prod))
    told = [p.sentence for p in points if p.weight is BLOCKER and p.finding is None]
    assert told == ([BORROWED] if is_told else [])


def test_the_origins_value_in_the_target_blocks_where_both_are_told_apart():
    assert weight_at(between(TESTED, TESTED, TWO), Kind.POLICY_CONFIG) is BLOCKER


def test_a_value_of_the_origin_is_where_it_belongs_though_the_target_might_hold_it():
    points = between(TESTED, CORP, expecting(test=IDP, prod={"matches": "https://*"}))
    assert BORROWED not in [point.sentence for point in points]


@pytest.mark.parametrize(("key", "is_told"), [(f"{GROUP}/orders-api", True), ("other", False)])
def test_a_value_is_meant_for_the_origin_only_where_the_api_is_meant(key: str, is_told: bool):
    allowances = {"test": IDP, "prod": {"matches": "https://*"}}
    expected = ExpectedDifference("jwt-validation", "jwksUrl", allowances, key)
    points = between(TESTED, TESTED, make_scope(expected_differences=(expected,)))
    assert (BORROWED in [point.sentence for point in points]) is is_told


@pytest.mark.parametrize("allowances", [{"test": IDP}, {"prod": IDP}])
def test_where_nothing_is_said_of_one_of_the_two_no_value_is_the_others(
    allowances: dict[str, Any],
):
    points = between(TESTED, TESTED, expecting(**allowances))
    assert BORROWED not in [point.sentence for point in points]


def test_a_setting_without_effect_is_nobodys_value():
    text = {"policies": [make_policy(configuration={"jwtKeyOrigin": "text", "textKey": "k" * 40})]}
    points = judged(make_instance(TEST, **text), make_instance(PROD, **text), scope=TWO)
    assert BORROWED not in [point.sentence for point in points]


def accepting(instances: list[InstanceReading], rule: str, **changes: Any) -> Scope:
    """Return a scope in which the finding of a rule is accepted for a month."""
    found = next(f for f in assess(instances).findings if f.rule == rule)
    exception = Acceptance(
        found.fingerprint, found.values_digest, "planned", "ana", AS_OF + timedelta(days=30)
    )
    exception = replace(exception, **changes)
    return make_scope(exceptions={found.fingerprint: exception})


def test_an_accepted_finding_warns_until_its_end():
    instances = [
        make_instance(DEV, [make_policy("rate-limiting")]),
        make_instance(TEST, [GUARDED, make_policy("rate-limiting")]),
        make_instance(PROD, [GUARDED]),
    ]
    points = judged(*instances, scope=accepting(instances, "D02"))
    assert ready(points) is True
    assert [p.sentence for p in points if p.accepted] == [
        "Rate limiting is missing in Production, present in Test (accepted until 2026-12-25)"
    ]


@pytest.mark.parametrize("changes", [{"until": AS_OF}, {"values_digest": "of other values"}])
def test_an_exception_that_is_over_accepts_nothing(changes: dict[str, Any]):
    instances = [make_instance(TEST, [GUARDED, SLA]), make_instance(PROD, [GUARDED])]
    assert ready(judged(*instances, scope=accepting(instances, "D01", **changes))) is False


def test_an_exception_counts_though_there_is_no_other_finding():
    instances = [make_instance(DEV, [GUARDED]), make_instance(TEST, [GUARDED])]
    (rule,) = {f.rule for f in assess(instances).findings if f.kind is Kind.API_NOT_DEPLOYED}
    points = judged(*instances, scope=accepting(instances, rule))
    assert [point.weight for point in points] == [WARNING]


def test_an_accepted_finding_of_many_words_still_says_until_when():
    instances = [
        make_instance(e, **jwt(jwksUrl=f"https://{e.id}.corp.example/" + "x" * 400))
        for e in (TEST, PROD)
    ]
    points = judged(*instances, scope=accepting(instances, "D04"))
    (told,) = [point.sentence for point in points if point.accepted]
    assert told.endswith(" (accepted until 2026-12-25)")
    assert len(told) <= LONGEST_SENTENCE


def test_a_reason_of_many_words_is_cut():
    scope = make_scope(not_listed={"prod": "x" * 1000})
    (told,) = [p.sentence for p in judged(make_instance(TEST, [GUARDED]), scope=scope)]
    assert len(told) <= LONGEST_SENTENCE


def test_points_stand_by_weight_then_severity_then_words_and_each_once():
    posture = assess([make_instance(TEST, [GUARDED, SLA]), make_instance(PROD)])
    critical, other = sorted(posture.findings, key=lambda each: each.severity != "critical")[:2]
    points = [
        Point(WARNING, "b"),
        Point(UNKNOWN, "a"),
        Point(WARNING, "a"),
        Point(WARNING, "z", critical),
        Point(WARNING, "z", other),
        Point(BLOCKER, "z"),
        Point(BLOCKER, "a"),
        Point(WARNING, "b"),
    ]
    assert [(each.weight, each.sentence, each.finding) for each in in_order(points)] == [
        *((BLOCKER, "a", None), (BLOCKER, "z", None)),
        *((WARNING, "z", critical), (WARNING, "z", other)),
        *((WARNING, "a", None), (WARNING, "b", None)),
        (UNKNOWN, "a", None),
    ]


def test_points_stand_worst_first():
    points = both({**held("jwt-validation", "json-threat-protection"), "asset_version": "2"}, {})
    ranks = [list(Weight).index(point.weight) for point in points]
    assert ranks == sorted(ranks)
    assert points[0].finding is not None
    assert points[0].finding.severity == "critical"


SETTINGS = settings(max_examples=60, deadline=None)


@SETTINGS
@given(policies, tiers, contracts)
def test_an_api_that_is_the_same_there_is_only_blocked_by_what_it_lacks_itself(
    applied: Any, tiered: Any, contracted: Any
):
    points = judged(*(make_instance(e, applied, tiered, contracted) for e in ALL))
    assert all(p.finding is None or p.finding.kind is Kind.POSTURE for p in points)
    if not [p for p in points if p.weight is BLOCKER]:
        assert ready(points) is True


def is_protecting(policy: Any) -> bool:
    group = policy["group_id"] or MULESOFT_GROUP
    return not PROTECTIVE.isdisjoint(families(group, policy["asset_id"]))


@SETTINGS
@given(policies, st.data())
def test_removing_any_protecting_policy_from_the_target_blocks(applied: Any, data: st.DataObject):
    guarding = [i for i, p in enumerate(applied) if is_protecting(p) and not p["disabled"]]
    if not guarding:
        return
    gone = data.draw(st.sampled_from(guarding))
    rest = [policy for i, policy in enumerate(applied) if i != gone]
    points = judged(make_instance(TEST, applied), make_instance(PROD, rest))
    assert weight_at(points, Kind.POLICY_MISSING) is BLOCKER
    assert ready(points) is False


@SETTINGS
@given(
    policies,
    policies,
    st.sampled_from(["policies", "tiers", "contracts"]),
    st.sampled_from(ALL[1:]),
)
def test_what_was_not_read_is_never_ready(left: Any, right: Any, part: str, where: Environment):
    pair = [
        make_instance(e, own, not_read={part: "timeout"} if e is where else None)
        for e, own in ((TEST, left), (PROD, right))
    ]
    assert ready(judged(*pair)) is not True


@SETTINGS
@given(policies, policies, tiers, contracts)
def test_who_reads_twice_reads_the_same_whatever_the_order(
    left: Any, right: Any, tiered: Any, contracted: Any
):
    pair = make_instance(TEST, left, tiered, contracted), make_instance(PROD, right, tiered)
    assert judged(*pair) == judged(*reversed(pair))
