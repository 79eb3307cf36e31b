"""The cases that a naive comparison gets wrong: the last section of the rules, case by case."""

import json
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from app.posture.assessment import assess_api, assess_automated
from app.posture.matrices import matrices
from app.posture.model import (
    Acceptance,
    ApiReading,
    CellState,
    Environment,
    InstanceReading,
    Kind,
    Severity,
    Verdict,
)
from tests.posture.builders import (
    ALL,
    AS_OF,
    DEV,
    JWT,
    KEY,
    PROD,
    TEST,
    assess,
    codes,
    differences,
    everywhere,
    kinds,
    limits,
    make_automated,
    make_contract,
    make_instance,
    make_policy,
    make_scope,
    make_tier,
    one,
    rules,
    with_policies,
)

LIST = ["10.0.0.0/8", "172.16.0.0/12"]
CUSTOM_GROUP = "11111111-2222-4333-8444-555555555555"
BASE = [make_policy(), make_policy("rate-limiting", order=2)]


def configured(
    asset_id: str, *configurations: dict[str, Any], **facts: Any
) -> list[InstanceReading]:
    """Return the same guarded API with other settings of one policy in each environment."""
    guard = [] if asset_id == "jwt-validation" else [make_policy(order=9)]
    return with_policies(
        *([*guard, make_policy(asset_id, configuration=each)] for each in configurations), **facts
    )


@pytest.mark.parametrize(
    ("asset_id", "one_way", "other_way"),
    [
        ("jwt-validation", JWT, dict(reversed(JWT.items()))),
        ("ip-allowlist", {"ips": LIST}, {"ips": LIST[::-1]}),
        ("rate-limiting", limits("100", "60000"), limits(100)),
        ("jwt-validation", JWT, {**JWT, "mandatoryExpClaim": "True"}),
        ("spike-control", {"maximumRequests": 1.0}, {"maximumRequests": 1}),
        ("rate-limiting", limits(5), {**limits(5), "exposeHeaders": False}),
        ("rate-limiting", limits(5), {**limits(5), "keySelector": None}),
        ("rate-limiting", limits(5), {**limits(5), "keySelector": ""}),
        ("rate-limiting", limits(5), {**limits(5), "novel": ""}),
        ("header-removal", {}, {"inboundHeaders": [], "outboundHeaders": {}}),
        ("ip-allowlist", {"ips": ["192.168"]}, {"ips": ["192.168.0.0/16"]}),
        ("ip-allowlist", {"ips": ["10.0.0.1/24"]}, {"ips": ["10.0.0.0/24"]}),
        ("ip-allowlist", {"ips": ["10.0.0.0/25", "10.0.0.128/25"]}, {"ips": ["10.0.0.0/24"]}),
        (
            "rate-limiting",
            limits(5),
            {"rateLimits": [{"maximumRequests": 5, "timePeriod": 1, "unit": "minutes"}]},
        ),
        (
            "jwt-validation",
            {**JWT, "supportedAudiences": "a,b"},
            {**JWT, "supportedAudiences": "b, a"},
        ),
        (
            "external-oauth2-access-token-enforcement",
            {"scopes": "read write"},
            {"scopes": "write,read"},
        ),
        (
            "rate-limiting",
            {**limits(5), "keySelector": "#[x]"},
            {**limits(5), "keySelector": "#[ x ]"},
        ),
        ("jwt-validation", JWT, {**JWT, "apiId": 7, "policyId": "x"}),
        (
            "message-logging",
            {"loggingConfiguration": [{"itemName": "a", "itemData": {"message": "#[now()]"}}]},
            {"loggingConfiguration": [{"itemName": "b", "itemData": {"message": "#[now()]"}}]},
        ),
    ],
)
def test_1_2_13_to_16_34_what_means_the_same_is_no_difference(
    asset_id: str, one_way: dict[str, Any], other_way: dict[str, Any]
) -> None:
    posture = assess(configured(asset_id, one_way, other_way, one_way))
    assert kinds(posture) == []


def test_3_a_default_against_another_value_is_a_difference() -> None:
    other = {**limits(100), "exposeHeaders": True}
    posture = assess(configured("rate-limiting", limits(100), limits(100), other))
    assert one(posture, Kind.POLICY_CONFIG).path == "exposeHeaders"
    assert rules(posture) == {"D25"}


def orders(*numbers: int) -> list[Any]:
    names = ("jwt-validation", "rate-limiting", "ip-allowlist")
    return [make_policy(n, order=o) for n, o in zip(names, numbers, strict=False)]


def test_4_gaps_between_order_numbers_mean_nothing() -> None:
    assert kinds(assess(with_policies(orders(2, 5, 8), orders(1, 2, 3), orders(1, 2, 3)))) == []


def test_5_a_missing_policy_shifts_nothing() -> None:
    fewer = [make_policy("rate-limiting", order=1), make_policy("ip-allowlist", order=2)]
    posture = assess(with_policies(orders(1, 2, 3), fewer, orders(1, 2, 3)))
    assert kinds(posture) == ["policy_missing"]


def test_6_the_place_of_cors_is_a_note() -> None:
    first = [*orders(2, 3), make_policy("cors", order=1)]
    last = [*orders(2, 3), make_policy("cors", order=4)]
    posture = assess(with_policies(first, first, last))
    assert kinds(posture) == []
    assert "cors_position" in codes(posture)


def test_7_equal_order_numbers_are_no_inversion() -> None:
    assert kinds(assess(with_policies(orders(1, 1), orders(2, 1), orders(2, 1)))) == []


def test_an_order_that_is_turned_is_found_with_its_sequences() -> None:
    posture = assess(with_policies(orders(1, 2), orders(2, 1), orders(1, 2)))
    found = one(posture, Kind.POLICY_ORDER)
    assert found.outliers == ("test",)
    assert found.values["test"] == ["rate-limiting", "jwt-validation"]
    assert found.severity is Severity.MEDIUM


def test_8_a_switched_off_policy_is_not_missing() -> None:
    off = [make_policy(disabled=True), BASE[1]]
    posture = assess(with_policies(off, BASE, BASE))
    found = one(posture, Kind.POLICY_DISABLED)
    assert kinds(posture) == ["policy_disabled"]
    assert found.values == {"dev": True, "test": False, "prod": False}


def test_9_off_where_an_automated_one_took_over_is_a_note() -> None:
    off = [make_policy(), make_policy("rate-limiting", order=2, disabled=True)]
    automated = {"prod": [make_automated("rate-limiting")]}
    posture = assess(with_policies(BASE, BASE, off), make_scope(automated=automated))
    assert kinds(posture) == []
    assert "overridden_by_automated" in codes(posture)


def test_9_off_in_one_place_with_an_automated_one_everywhere_is_a_finding() -> None:
    off = [make_policy(), make_policy("rate-limiting", order=2, disabled=True)]
    automated = {e.id: [make_automated("rate-limiting")] for e in ALL}
    posture = assess(with_policies(BASE, BASE, off), make_scope(automated=automated))
    assert kinds(posture) == ["policy_disabled"]


def test_missing_where_an_automated_one_stands_in_is_a_note() -> None:
    automated = {"prod": [make_automated("rate-limiting")]}
    posture = assess(with_policies(BASE, BASE, BASE[:1]), make_scope(automated=automated))
    assert kinds(posture) == []
    assert "covered_by_automated" in codes(posture)


def test_10_a_policy_applied_once_more_is_a_duplicate_compared_in_place() -> None:
    plain = [*BASE, make_policy("ip-allowlist", configuration={"ips": LIST}, order=3)]
    more = [*plain, make_policy("ip-allowlist", label="vpn", order=4)]
    posture = assess(with_policies(more, plain, plain))
    found = one(posture, Kind.POLICY_DUPLICATE)
    assert kinds(posture) == ["policy_duplicate"]
    assert (found.subject, found.outliers) == ("ip-allowlist#vpn", ("dev",))
    assert found.values == {"dev": True, "test": None, "prod": None}


def test_11_one_asset_id_of_two_groups_is_two_subjects() -> None:
    both = [*BASE, make_policy("rate-limiting", group_id=CUSTOM_GROUP, order=3)]
    posture = assess(with_policies(both, both, BASE[:1]))
    subjects = {f.subject for f in differences(posture)}
    assert len(subjects) == 2
    assert f"{CUSTOM_GROUP}/rate-limiting" in subjects


def test_12_false_alignment_is_named_on_the_row() -> None:
    other = {**JWT, "jwksUrl": "https://login.test-idp.example/keys"}
    posture = assess(configured("jwt-validation", JWT, other, JWT))
    found = one(posture, Kind.POLICY_CONFIG)
    assert (found.rule, found.path, found.outliers) == ("D04", "jwksUrl", ("test",))
    assert posture.verdict is Verdict.DRIFT
    assert "JWT validation" in posture.headline
    assert "JWKS URL" in posture.headline


def test_13_an_allowlist_of_every_address_is_found_twice() -> None:
    open_list = {"ips": [*LIST, "0.0.0.0/0"]}
    posture = assess(configured("ip-allowlist", {"ips": LIST}, {"ips": LIST}, open_list))
    assert {"D05", "P18"} <= rules(posture)


def test_14_ten_per_second_is_not_600_per_minute() -> None:
    posture = assess(configured("rate-limiting", limits(10, 1000), limits(600), limits(600)))
    assert kinds(posture) == ["policy_config"]


def test_16_quotes_inside_an_expression_are_not_interpreted() -> None:
    single, double = ({**limits(5), "keySelector": f"#[a[{q}x{q}]]"} for q in ("'", '"'))
    posture = assess(configured("rate-limiting", single, double, single))
    assert kinds(posture) == ["policy_config"]


@pytest.mark.parametrize(
    ("one_way", "other_way"),
    [
        (None, []),
        ([{"method": "GET|POST", "uri": "/a"}], [{"method": "POST|GET", "uri": "/a"}]),
    ],
)
def test_17_a_pointcut_of_equal_meaning_is_no_difference(one_way: Any, other_way: Any) -> None:
    first, second = ([make_policy(pointcut=each)] for each in (one_way, other_way))
    assert kinds(assess(with_policies(first, second, first))) == []


def basic(*passwords: str | None) -> list[InstanceReading]:
    return configured(
        "http-basic-authentication", *({"username": "u", "password": p} for p in passwords)
    )


def test_18_equal_secrets_are_equal_and_others_differ_masked() -> None:
    assert kinds(assess(basic("s3cret", "s3cret", "s3cret"))) == []
    posture = assess(basic("s3cret", "s3cret", "other"))
    found = one(posture, Kind.POLICY_CONFIG)
    assert (found.rule, found.severity, found.path) == ("D18", Severity.INFO, "password")
    assert found.values == dict.fromkeys(("dev", "test", "prod"), "masked")
    assert posture.verdict is Verdict.ALIGNED


@pytest.mark.parametrize("hidden", ["******", "••••", None])
def test_18_a_hidden_secret_is_neither_equal_nor_different(hidden: str | None) -> None:
    posture = assess(basic("s3cret", "s3cret", hidden))
    assert kinds(posture) == []
    assert "unverifiable" in codes(posture)
    assert "1 hidden value not compared" in posture.coverage.sentence


def test_19_a_secret_stands_in_no_output() -> None:
    instances = basic("s3cret", "hunter2", "other-word")
    posture = assess(instances)
    reading = ApiReading(posture.key, tuple(instances))
    told = json.dumps(
        [asdict(posture), [asdict(m) for m in matrices(make_scope(), reading, posture)]],
        default=str,
    )
    for secret in ("s3cret", "hunter2", "other-word", KEY.decode()):
        assert secret not in told
    assert "$secret" not in told


def test_20_instances_are_lined_up_by_label_and_one_more_is_extra() -> None:
    posture = assess(
        [
            make_instance(DEV, BASE, label="orders-public-dev", id=1),
            make_instance(DEV, BASE, label="orders-internal-dev", id=2),
            make_instance(TEST, BASE, label="orders-public-test", id=3),
            make_instance(PROD, BASE, label="orders-public-prod", id=4),
        ]
    )
    found = one(posture, Kind.EXTRA_INSTANCE)
    assert kinds(posture) == ["extra_instance"]
    assert (found.values, found.outliers) == ({"dev": 2, "test": 1, "prod": 1}, ("dev",))


def test_21_a_single_instance_is_compared_whatever_its_version() -> None:
    posture = assess(
        [
            make_instance(DEV, BASE, product_version="v2"),
            make_instance(TEST, BASE),
            make_instance(PROD, BASE[:1]),
        ]
    )
    assert kinds(posture) == ["policy_missing", "product_version"]
    assert one(posture, Kind.PRODUCT_VERSION).outliers == ("dev",)


def test_22_the_same_version_is_compared_and_the_other_is_extra() -> None:
    posture = assess(
        [
            make_instance(DEV, BASE, id=1),
            make_instance(DEV, BASE[:1], id=2, product_version="v2"),
            make_instance(PROD, BASE, id=3),
        ],
        make_scope((DEV, PROD)),
    )
    assert kinds(posture) == ["extra_instance"]


def test_23_an_absent_api_has_no_absent_policies() -> None:
    posture = assess(everywhere(BASE, environments=(DEV, PROD)))
    found = one(posture, Kind.API_NOT_DEPLOYED)
    assert kinds(posture) == ["api_not_deployed"]
    assert (found.values, found.outliers) == ({"dev": True, "prod": True}, ("test",))
    assert posture.verdict is Verdict.ALIGNED
    assert posture.cells["test"].state is CellState.NOT_DEPLOYED
    assert posture.headline == "Same in 2 environments"


def test_24_an_api_in_one_environment_cannot_be_compared() -> None:
    posture = assess([make_instance(PROD, BASE)])
    assert posture.verdict is Verdict.NOT_COMPARABLE
    assert posture.headline == "Deployed in Production only"
    assert assess([make_instance(PROD)]).verdict is Verdict.THREAT


def test_25_tiers_match_in_any_case_and_limits_in_any_order() -> None:
    two = [(1000, 60_000), (5, 1_000)]
    sla = [*BASE, make_policy("rate-limiting-sla-based", order=3)]
    posture = assess(
        [
            make_instance(DEV, sla, [make_tier("Gold", *two)]),
            make_instance(TEST, sla, [make_tier(" gold", *two[::-1])]),
            make_instance(PROD, sla, [make_tier("Gold", *two)]),
        ]
    )
    assert kinds(posture) == []
    assert "tier_name_case" in codes(posture)


def contracts(*names: Any) -> list[InstanceReading]:
    return [
        make_instance(e, BASE, contracts=[make_contract(n) for n in own])
        for e, own in zip(ALL, names, strict=True)
    ]


def test_26_an_application_per_environment_is_one_consumer() -> None:
    posture = assess(contracts(["mobile-app-dev"], ["mobile-app"], ["mobile-app_prod"]))
    assert kinds(posture) == []


def test_26_a_configured_suffix_is_left_out() -> None:
    scope = make_scope(ignored_application_suffixes=("-nonlive",))
    instances = contracts(["mobile-nonlive"], ["mobile"], ["mobile"])
    assert kinds(assess(instances, scope)) == []
    assert kinds(assess(instances)) == ["contract_missing", "contract_missing"]


def test_26_of_two_suffixes_that_fit_the_longer_one_is_left_out() -> None:
    scope = make_scope(ignored_application_suffixes=("-live", "-non-live"))
    instances = contracts(["mobile-non-live"], ["mobile"], ["mobile-live"])
    assert kinds(assess(instances, scope)) == []


def test_26_one_application_under_one_name_leaves_no_remark() -> None:
    assert "same_name_other_id" not in codes(assess(contracts(["crm", "shop"], ["crm"], ["crm"])))


def test_26_two_applications_with_one_stem_stay_apart() -> None:
    posture = assess(contracts(["crm-dev", "crm"], ["crm"], ["crm"]))
    found = one(posture, Kind.CONTRACT_MISSING)
    assert (found.subject, found.outliers) == ("crm-dev", ("dev",))
    assert "alias_conflict" in codes(posture)


def test_26_one_name_with_other_ids_is_one_consumer() -> None:
    instances = [
        make_instance(e, BASE, contracts=[make_contract("crm", application_id=i)])
        for i, e in enumerate(ALL)
    ]
    posture = assess(instances)
    assert kinds(posture) == []
    assert "same_name_other_id" in codes(posture)


def test_27_a_pending_contract_is_another_status_and_not_counted() -> None:
    pending = [make_instance(TEST, BASE, contracts=[make_contract(status="PENDING")])]
    approved = [make_instance(e, BASE, contracts=[make_contract()]) for e in (DEV, PROD)]
    posture = assess([*pending, *approved])
    assert kinds(posture) == ["contract_status"]
    assert [posture.cells[e.id].contracts for e in ALL] == [1, 0, 1]


def test_28_no_contracts_while_some_are_active_is_not_read() -> None:
    odd = make_instance(PROD, BASE, active_contracts=4)
    posture = assess([make_instance(DEV, BASE), make_instance(TEST, BASE), odd])
    assert posture.verdict is Verdict.UNKNOWN
    assert posture.cells["prod"].state is CellState.UNREADABLE
    assert posture.cells["prod"].contracts is None
    assert "contracts in Production" in posture.headline


def test_29_an_environment_that_cannot_be_read_makes_no_row_aligned() -> None:
    scope = make_scope(not_listed={"test": "403"})
    aligned = [make_instance(e, BASE) for e in ALL]
    posture = assess(aligned, scope)
    assert (posture.verdict, kinds(posture)) == (Verdict.UNKNOWN, [])
    assert posture.cells["test"].state is CellState.UNREADABLE
    drifting = assess([make_instance(DEV, BASE), make_instance(PROD, BASE[1:])], scope)
    assert kinds(drifting) == ["policy_missing"]


def test_29_an_api_of_an_unread_environment_keeps_its_name() -> None:
    posture = assess([make_instance(TEST, BASE)], make_scope(not_listed={"test": "403"}))
    assert (posture.name, posture.verdict) == ("Orders API", Verdict.UNKNOWN)


def test_29_a_section_that_was_not_read_does_not_vote() -> None:
    unread = make_instance(TEST, not_read={"policies": "403"})
    posture = assess([make_instance(DEV, BASE), unread, make_instance(PROD, BASE[:1])])
    found = one(posture, Kind.POLICY_MISSING)
    assert found.values == {"dev": True, "test": "unreadable", "prod": None}
    assert found.outliers == ()


def test_30_a_legacy_api_is_lined_up_by_name_without_versions() -> None:
    legacy = {"group_id": None, "asset_id": None, "technology": "mule3", "asset_version": None}
    posture = assess(
        [
            make_instance(DEV, BASE, name=" Old API", product_version="1", **legacy),
            make_instance(PROD, BASE, name="old api", product_version="2", **legacy),
        ],
        make_scope((DEV, PROD)),
    )
    assert posture.key == "name:old api"
    assert kinds(posture) == []
    assert "matched_by_name" in codes(posture)


def test_31_of_another_major_only_shared_fields_are_compared() -> None:
    old = make_policy("client-id-enforcement", configuration={"clientIdExpression": "#[a]"})
    new = make_policy(
        "client-id-enforcement",
        asset_version="2.0.0",
        configuration={"clientIdExpression": "#[b]", "credentialsOrigin": "customExpression"},
    )
    posture = assess(with_policies([old], [old], [new]))
    assert kinds(posture) == ["policy_config", "policy_version"]
    assert one(posture, Kind.POLICY_CONFIG).paths == ("clientIdExpression",)
    assert "schema_changed" in codes(posture)


def test_32_on_another_gateway_only_shared_fields_are_compared() -> None:
    plain = make_policy("ip-allowlist", configuration={"ips": LIST}, order=2)
    other = make_policy(
        "ip-allowlist", configuration={"ips": LIST, "ipExpression": "#[x]"}, order=2
    )
    posture = assess(
        [
            make_instance(DEV, [make_policy(), other]),
            make_instance(TEST, [make_policy(), other]),
            make_instance(PROD, [make_policy(), plain], technology="flexGateway"),
        ]
    )
    assert "technology_differs" in codes(posture)
    assert one(posture, Kind.POLICY_CONFIG).paths == ("ipExpression",)


@pytest.mark.parametrize(
    ("values", "outliers"),
    [((1, 1, 2, 2), ()), ((1, 1, 1, 2), ("e3",)), ((1, 1, 2, 3), ())],
)
def test_33_the_minority_is_told_and_none_on_a_tie(
    values: tuple[int, ...], outliers: tuple[str, ...]
) -> None:
    four = [Environment(f"e{i}", f"E{i}", "sandbox") for i in range(4)]
    instances = [
        make_instance(e, [make_policy(), make_policy("rate-limiting", configuration=limits(v))])
        for e, v in zip(four, values, strict=True)
    ]
    found = one(assess(instances, make_scope(four, baseline="e0")), Kind.POLICY_CONFIG)
    assert found.outliers == outliers


def test_35_in_a_custom_policy_the_order_of_a_list_counts() -> None:
    def custom(rows: list[int]) -> list[Any]:
        policy = make_policy("house", group_id=CUSTOM_GROUP, configuration={"rows": rows}, order=3)
        return [*BASE, policy]

    posture = assess(with_policies(custom([1, 2]), custom([2, 1]), custom([1, 2])))
    assert one(posture, Kind.POLICY_CONFIG).path == "rows"


def test_36_the_last_of_many_tiers_is_found() -> None:
    sla = [*BASE, make_policy("rate-limiting-sla-based", order=3)]
    many = [make_tier(f"Tier {i}") for i in range(260)]
    changed = [*many[:-1], make_tier("Tier 259", (9, 60_000))]
    posture = assess(
        [make_instance(e, sla, t) for e, t in zip(ALL, (many, many, changed), strict=True)]
    )
    assert one(posture, Kind.TIER_LIMITS).subject == "Tier 259"


def test_37_the_order_of_what_is_read_does_not_matter() -> None:
    policies = [
        *BASE,
        make_policy("ip-allowlist", label="b"),
        make_policy("ip-allowlist", label="a"),
    ]
    tiers = [make_tier("Gold"), make_tier("Silver", (1, 1_000))]
    clients = [make_contract("a"), make_contract("b")]
    told = set()
    for turn in permutations(range(3)):
        instances = [
            make_instance(
                ALL[i], policies[i:] + policies[:i], tiers[:: (-1) ** i], clients[: 2 - i % 2]
            )
            for i in turn
        ]
        told.add(repr(assess(instances)))
    assert len(told) == 1


def test_38_an_exception_holds_while_the_values_do() -> None:
    def drifting(maximum: int) -> list[InstanceReading]:
        return configured("rate-limiting", limits(100), limits(100), limits(maximum))

    first = one(assess(drifting(500)), Kind.POLICY_CONFIG)
    until = AS_OF + timedelta(days=1)
    accepted = Acceptance(first.fingerprint, first.values_digest, "planned", "me", until)
    scope = make_scope(exceptions={first.fingerprint: accepted})
    assert assess(drifting(500), scope).verdict is Verdict.ALIGNED
    assert one(assess(drifting(500), scope), Kind.POLICY_CONFIG).accepted == accepted
    changed = one(assess(drifting(900), scope), Kind.POLICY_CONFIG)
    assert (changed.fingerprint, changed.accepted) == (first.fingerprint, None)
    over = replace(scope, exceptions={first.fingerprint: replace(accepted, until=AS_OF)})
    assert assess(drifting(500), over).verdict is Verdict.DRIFT


def test_39_jwt_replaced_in_production_is_medium() -> None:
    openid = make_policy("openidconnect-access-token-enforcement")
    posture = assess(with_policies(BASE, BASE, [openid, BASE[1]]))
    severities = {f.subject: (f.rule, f.severity) for f in differences(posture)}
    assert severities == {
        "jwt-validation": ("D01", Severity.MEDIUM),
        "openidconnect-access-token-enforcement": ("D03", Severity.LOW),
    }


def test_40_without_production_the_baseline_takes_its_place() -> None:
    scope = make_scope((DEV, TEST), baseline="test")
    posture = assess([make_instance(DEV, BASE), make_instance(TEST, BASE[1:])], scope)
    assert one(posture, Kind.POLICY_MISSING).severity is Severity.CRITICAL


@pytest.mark.parametrize(("technology", "found"), [("mule4", True), ("flexGateway", False)])
def test_41_an_unset_signing_method_counts_on_mule_alone(technology: str, found: bool) -> None:
    unset = {key: value for key, value in JWT.items() if key != "signingMethod"}
    posture = assess(configured("jwt-validation", unset, unset, unset, technology=technology))
    assert ("P03" in rules(posture)) is found


def test_42_a_swapped_policy_is_missing_twice() -> None:
    ours = [*BASE, make_policy("ip-allowlist", order=3)]
    theirs = [*BASE, make_policy("message-logging", order=3)]
    posture = assess(with_policies(ours, ours, theirs))
    assert kinds(posture) == ["policy_missing", "policy_missing"]
    assert posture.verdict is not Verdict.ALIGNED


def test_43_tiers_without_an_sla_policy_are_told_on_an_aligned_row() -> None:
    posture = assess(everywhere(BASE, [make_tier()]))
    assert [(f.rule, f.severity) for f in posture.findings] == [("P13", Severity.MEDIUM)]
    assert posture.verdict is Verdict.ALIGNED


def test_automated_policies_are_compared_once_per_space() -> None:
    scope = make_scope(automated={"test": [make_automated()], "prod": [make_automated()]})
    (found,) = assess_automated(scope)
    assert found.kind is Kind.AUTOMATED_POLICY_MISSING
    assert found.values == {"dev": None, "test": True, "prod": True}
    assert found.outliers == ("dev",)
    assert assess_api(scope, ApiReading("x", ())).findings == ()
