"""Lining up: instances into lanes, policies into slots, contracts into consumers."""

from typing import Any

import pytest

from app.posture.assessment import assess_automated
from app.posture.confirming import needs_what_was_not_read
from app.posture.frame import frame_of
from app.posture.lanes import LinedUp, lined_up
from app.posture.matching import api_key, told_apart
from app.posture.matrices import matrices
from app.posture.model import (
    MULESOFT_GROUP,
    ApiReading,
    Environment,
    ExpectedDifference,
    InstanceReading,
    Kind,
    NotRead,
    SectionName,
)
from tests.counting import grows_evenly
from tests.posture.builders import (
    ALL,
    DEV,
    PROD,
    TEST,
    assess,
    codes,
    differences,
    kinds,
    make_automated,
    make_contract,
    make_facts,
    make_instance,
    make_policy,
    make_scope,
    make_tier,
    one,
    with_policies,
)

CUSTOM_GROUP = "11111111-2222-4333-8444-555555555555"
BASE = [make_policy(), make_policy("rate-limiting", order=2)]


def lines(instances: list[InstanceReading], scope: Any = None) -> LinedUp:
    return lined_up(frame_of(scope or make_scope()), ApiReading("k", tuple(instances)))


def named(found: LinedUp) -> dict[str, list[int]]:
    return {lane.label: [side.instance_id for side in lane.sides] for lane in found.lanes}


def at(environment: Environment, number: int, label: str | None = None, **facts: Any) -> Any:
    return make_instance(environment, BASE, id=number, label=label, **facts)


def test_labels_of_several_words_lose_their_environment_version_and_asset() -> None:
    east = Environment("e", "Pre Prod EU", "sandbox")
    scope = make_scope((DEV, east))
    found = lines(
        [
            at(DEV, 1, "orders-api-v1.a dev"),
            at(DEV, 2, "orders-api-v1.b dev"),
            at(east, 3, "Orders/a_v1_pre-prod-eu"),
            at(east, 4, "orders b live"),
        ],
        scope,
    )
    assert sorted(named(found).values()) == [[1, 3], [2, 4]]


def test_equal_labels_in_one_environment_go_by_exact_label_then_by_id() -> None:
    found = lines([at(DEV, 1, "x"), at(DEV, 2, "x-dev"), at(PROD, 3, "x")])
    assert named(found) == {"": [1, 3], "x": [2]}
    ranked = lines([at(DEV, 5), at(DEV, 4), at(PROD, 7), at(PROD, 6)])
    assert named(ranked) == {"": [4, 6], "v1": [5, 7]}
    assert [note.code for note in ranked.notes] == ["pairing_uncertain"]


def test_what_is_left_over_is_joined_by_elimination() -> None:
    found = lines([at(DEV, 1, "a"), at(TEST, 2, "b"), at(TEST, 3, "a")])
    assert named(found) == {"": [1, 3], "b": [2]}
    versions = lines(
        [at(DEV, 1), at(DEV, 2, product_version="v2"), at(PROD, 3, product_version="v9")]
    )
    assert named(versions) == {"": [1, 3], "v2": [2]}


def test_two_labels_are_never_joined_while_another_lane_spans() -> None:
    found = lines([at(DEV, 1, "a"), at(TEST, 2, "a"), at(DEV, 3, "b"), at(TEST, 4, "c")])
    assert named(found) == {"": [1, 2], "b": [3], "c": [4]}


def test_further_lanes_are_compared_under_their_label() -> None:
    fewer = make_instance(PROD, BASE[:1], id=4, label="inside")
    posture = assess(
        [at(DEV, 1), at(DEV, 2, "inside"), at(PROD, 3), fewer], make_scope((DEV, PROD))
    )
    found = one(posture, Kind.POLICY_MISSING)
    assert (found.subject, found.lane) == ("rate-limiting @ inside", "inside")
    assert "No rate limit" not in posture.headline
    moved = make_instance(PROD, BASE[::-1], id=4, label="inside", asset_version="9")
    posture = assess(
        [at(DEV, 1), at(DEV, 2, "inside"), at(PROD, 3), moved], make_scope((DEV, PROD))
    )
    assert {f.subject for f in differences(posture)} == {"@ inside"}


def test_lanes_of_one_name_are_told_apart() -> None:
    found = lines([at(DEV, 1, "q"), at(DEV, 2, "q"), at(DEV, 3, "q"), at(PROD, 4, "q")])
    assert named(found) == {"": [1, 4], "q": [2], "q~2": [3]}


def test_very_many_instances_are_not_joined_at_any_price() -> None:
    many = [at(DEV, n, f"x{n}", product_version=f"v{n}") for n in range(1, 40)]
    others = [at(PROD, n, f"x{n}", product_version=f"v{n}") for n in range(40, 80)]
    assert len(lines([*many, *others]).lanes) == 79


def test_remarks_are_kept_where_only_one_environment_was_read() -> None:
    odd = make_policy("rate-limiting", configuration={"novel": 1})
    unread = make_instance(PROD, not_read={"policies": "403"})
    posture = assess([make_instance(DEV, [odd]), unread], make_scope((DEV, PROD)))
    assert (kinds(posture), "unknown_field" in codes(posture)) == ([], True)


def test_an_instance_that_is_listed_twice_is_one() -> None:
    assert named(lines([at(DEV, 1), at(DEV, 1), at(PROD, 2)])) == {"": [1, 2]}


def test_a_policy_applied_under_other_labels_is_missing_nowhere() -> None:
    def lists(*labels: str) -> list[Any]:
        return [*BASE, *(make_policy("ip-allowlist", label=each, order=3) for each in labels)]

    posture = assess(with_policies(lists("a", "b"), lists("c"), lists("a", "b")))
    assert kinds(posture) == ["policy_duplicate"]
    two = assess(with_policies(lists("", "vpn"), lists("", "office"), lists("")))
    assert [f.subject for f in differences(two)] == ["ip-allowlist#office"]
    same = assess(with_policies(lists("", ""), lists("", ""), lists("")))
    assert [f.subject for f in differences(same)] == ["ip-allowlist#~2"]


def test_tiers_of_one_name_in_one_environment_are_paired_by_their_limits() -> None:
    twice = [make_tier("Gold", (5, 1000)), make_tier("Gold", (9, 1000))]
    posture = assess(
        [make_instance(DEV, BASE, twice), make_instance(PROD, BASE, twice[:1])],
        make_scope((DEV, PROD)),
    )
    assert one(posture, Kind.TIER_MISSING).subject == "Gold~2"


def test_odd_limits_are_compared_and_the_tighter_of_two_counts() -> None:
    odd = make_tier("Gold", (5, {"a": 1}), (None, "x"))
    twice = make_tier("Silver", (9, 1000), (5, 1000))
    plain = make_tier("Silver", (5, 1000))
    posture = assess(
        [make_instance(DEV, BASE, [odd, twice]), make_instance(PROD, BASE, [make_tier(), plain])],
        make_scope((DEV, PROD)),
    )
    assert [f.subject for f in differences(posture)] == ["Gold"]


def test_applications_without_id_and_of_one_name_are_told_apart() -> None:
    nameless = [make_contract("crm", application_id=n) for n in (None, 7, 8)]
    instances = [make_instance(DEV, BASE, contracts=nameless), make_instance(PROD, BASE)]
    posture = assess(instances, make_scope((DEV, PROD)))
    assert {f.subject for f in differences(posture)} == {"crm", "crm~2", "crm~3"}
    twice = [make_contract("crm"), make_contract("crm", status="PENDING")]
    posture = assess([make_instance(e, BASE, contracts=twice) for e in ALL])
    assert kinds(posture) == []


def test_a_scope_without_a_usable_baseline_takes_the_first_environment() -> None:
    assert frame_of(make_scope((DEV, TEST), baseline="gone")).baseline == "dev"
    assert frame_of(make_scope(baseline=None)).baseline == "prod"
    assert frame_of(make_scope((), baseline=None)).reference == frozenset()


def test_the_frames_of_the_last_few_scopes_are_kept() -> None:
    scopes = [make_scope(ignored_application_suffixes=(str(n),)) for n in range(12)]
    assert all(frame_of(scope) is frame_of(scope) for scope in scopes)


@pytest.mark.parametrize("technology", ["omniGateway", "flexGateway"])
def test_automated_policies_apply_by_technology(technology: str) -> None:
    flex = [make_automated("ip-blocklist", technologies=["flexGateway"])]
    posture = assess(
        [make_instance(PROD, BASE, technology=technology)], make_scope(automated={"prod": flex})
    )
    assert posture.cells["prod"].automated == 1
    mule = assess([make_instance(PROD, BASE)], make_scope(automated={"prod": flex}))
    assert mule.cells["prod"].automated == 0


def test_automated_policies_leave_their_remarks() -> None:
    automated = {
        e.id: [make_automated("rate-limiting", range={"from": "4.6"}, configuration={})]
        for e in ALL
    }
    posture = assess(with_policies(BASE, BASE, BASE), make_scope(automated=automated))
    assert {"automated_value_wins", "automated_coverage_probable"} <= codes(posture)


def test_an_expected_difference_may_be_about_an_automated_policy() -> None:
    automated = {
        e.id: [make_automated("ip-blocklist", configuration={"ips": [ip]})]
        for e, ip in zip(ALL, ("10.0.0.0/8", "10.0.0.0/8", "11.0.0.0/8"), strict=True)
    }
    expected = ExpectedDifference("ip-blocklist", "ips", {e.id: {"any": True} for e in ALL})
    scope = make_scope(automated=automated, expected_differences=(expected,))
    from app.posture.assessment import assess_automated

    assert assess_automated(scope) == ()


def test_a_finding_is_confirmed_only_where_its_parts_were_read() -> None:
    gone = [NotRead(SectionName.TIERS, "prod", "403")]
    assert needs_what_was_not_read("tier_missing", {"prod": True}, gone)
    assert not needs_what_was_not_read("policy_missing", {"prod": True}, gone)
    assert not needs_what_was_not_read("tier_missing", {"dev": True}, gone)


@pytest.mark.parametrize(
    ("name", "rows_each"), [("app", 1), ("app {environment} {number}", len(ALL))]
)
def test_twice_the_contracts_are_twice_the_work_to_line_up_and_show(
    name: str, rows_each: int
) -> None:
    def lined_up(count: int) -> int:
        held = [
            make_instance(
                environment,
                id=place,
                contracts=[
                    make_contract(
                        name.format(environment=place, number=number),
                        application_id=10 * number + place,
                    )
                    for number in range(count)
                ],
            )
            for place, environment in enumerate(ALL)
        ]
        posture = assess(held)
        return len(matrices(make_scope(), ApiReading(posture.key, tuple(held)), posture)[2].rows)

    assert lined_up(100) == 100 * rows_each
    assert grows_evenly(lined_up, 400)


def test_a_name_that_looks_like_a_second_one_hides_no_second_one() -> None:
    contracts = [make_contract(n, application_id=i) for i, n in enumerate(["crm", "crm", "crm~2"])]
    tiers = [make_tier("Gold"), make_tier("Gold", (5, 1000)), make_tier("Gold~2")]
    lists = [
        make_policy("ip-allowlist", label=label, configuration={"ips": [f"10.0.0.{i}"]})
        for i, label in enumerate(["vpn", "vpn", "vpn~2"])
    ]
    full = make_instance(DEV, [*BASE, *lists], tiers, contracts)
    found = differences(assess([full, make_instance(PROD, [*BASE, lists[0]])]))
    missing = [f.subject for f in found if f.kind in (Kind.CONTRACT_MISSING, Kind.TIER_MISSING)]
    assert sorted(map(str, missing)) == ["Gold", "Gold~2", "Gold~2~2", "crm", "crm~2", "crm~2~2"]
    assert [f.kind for f in found].count(Kind.POLICY_DUPLICATE) == 2
    assert len({f.fingerprint for f in found}) == len(found)


def test_automated_policies_of_one_name_and_two_groups_are_two() -> None:
    own = make_automated("rate-limiting", group_id=CUSTOM_GROUP, configuration={})
    both = [make_automated("rate-limiting"), own]
    scope = make_scope(automated={"dev": both, "test": both, "prod": []})
    found = assess_automated(scope)
    assert {f.subject for f in found} == {
        f"{MULESOFT_GROUP}/rate-limiting",
        f"{CUSTOM_GROUP}/rate-limiting",
    }
    assert len({f.fingerprint for f in found}) == 2


def test_a_joined_lane_keeps_the_connections_order() -> None:
    limited = [make_policy(), make_policy("rate-limiting", order=2)]
    uat, qa = Environment("uat", "UAT", "sandbox"), Environment("qa", "QA", "sandbox")
    held = [
        make_instance(PROD, limited, label="a", id=50),
        make_instance(DEV, limited[:1], label="c", id=11),
        *(
            make_instance(e, limited[:1], label="b", id=i)
            for i, e in enumerate((DEV, TEST, uat), 1)
        ),
        make_instance(qa, limited, label="b", id=40),
    ]
    found = one(assess(held, make_scope((DEV, TEST, uat, qa, PROD))), Kind.POLICY_MISSING)
    assert found.outliers == ("qa", "prod")


def test_an_environment_is_known_by_its_letters_however_they_are_composed() -> None:
    german = Environment("de", "Pru\u0308fung", "sandbox")
    apps = ("crm-pr\u00fcfung", "crm")
    held = [
        make_instance(e, BASE, contracts=[make_contract(app)], id=i)
        for i, (e, app) in enumerate(zip((german, PROD), apps, strict=True), 1)
    ]
    assert kinds(assess(held, make_scope((german, PROD)))) == []


def test_lanes_of_one_label_are_joined_beside_another_that_spans() -> None:
    held = [
        make_instance(DEV, BASE, id=1, label="x"),
        make_instance(DEV, BASE, id=2, label="y"),
        make_instance(TEST, BASE, id=3, label="x"),
        make_instance(TEST, BASE, id=4, label="y", product_version="v2"),
    ]
    found = differences(assess(held, make_scope((DEV, TEST), baseline="dev")))
    assert [(f.kind, f.subject) for f in found] == [(Kind.PRODUCT_VERSION, "@ y")]


def test_an_api_that_is_not_in_exchange_is_known_by_its_name_in_whatever_case() -> None:
    for half in ({"group_id": None}, {"asset_id": None}):
        assert api_key(make_facts(name=" Orders API ", **half)) == "name:orders api"
    assert api_key(make_facts(group_id="g", asset_id="a")) == "g/a"


def test_two_applications_of_one_name_in_two_environments_are_two_pairs() -> None:
    held = [
        make_instance(
            e,
            BASE,
            contracts=[make_contract("crm", application_id=n, status=s) for n, s in pairs],
        )
        for e, pairs in (
            (DEV, ((1, "APPROVED"), (2, "PENDING"))),
            (PROD, ((3, "APPROVED"), (4, "PENDING"))),
        )
    ]
    assert kinds(assess(held, make_scope((DEV, PROD)))) == []


def test_a_name_given_by_hand_before_is_not_given_to_a_second_one() -> None:
    taken: dict[str, int] = {}
    names = ["crm~2", "crm", "crm", "crm", "crm~2"]
    told = [told_apart(name, taken) for name in names]
    assert told == ["crm~2", "crm", "crm~3", "crm~4", "crm~2~2"]
