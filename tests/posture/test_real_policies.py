"""Policies as Anypoint's own tools and people's scripts write them: nothing is invented of them."""

from typing import Any

import pytest

from app.posture.matrices import matrices
from app.posture.model import ApiReading, Kind, Severity
from tests.posture.builders import (
    JWT,
    assess,
    codes,
    differences,
    everywhere,
    kinds,
    limits,
    make_policy,
    make_scope,
    one,
    rules,
    with_policies,
)

HEADERS = {
    "clientIdExpression": "#[attributes.headers['client_id']]",
    "clientSecretExpression": "#[attributes.headers['client_secret']]",
}
ORIGIN = "credentialsOriginHasHttpBasicAuthenticationHeader"
BASIC = {ORIGIN: "httpBasicAuthenticationHeader"}
EVERYTHING = [{"method": ".*", "uri": ".*"}]
LOGGED = {"message": "#[attributes.requestPath]", "level": "INFO"}


def client(configuration: dict[str, Any]) -> Any:
    return make_policy("client-id-enforcement", configuration=configuration)


def logging(asset_id: str, name: str = "a", order: int = 5, **changes: Any) -> Any:
    items = [{"itemName": name, "itemData": {**LOGGED, **changes}}]
    return make_policy(asset_id, configuration={"loggingConfiguration": items}, order=order)


@pytest.mark.parametrize(
    "asset_id",
    [
        "native-ext-authz",
        "openid-connect-access-token-enforcement",
        "oauth2-access-token-enforcement",
    ],
)
def test_a_policy_of_mulesofts_that_authenticates_is_known_to(asset_id: str) -> None:
    posture = assess(everywhere([make_policy(asset_id, configuration={})]))
    assert rules(posture).isdisjoint({"P01", "P02"})


@pytest.mark.parametrize(
    ("asset_id", "family"),
    [
        ("spec-validation", "PAYLOAD"),
        ("message-logging-outbound", "LOGGING"),
        ("a-two-a-token-rate-limit", "AI"),
    ],
)
def test_a_policy_of_mulesofts_has_the_chip_of_what_it_is_for(asset_id: str, family: str) -> None:
    posture = assess(everywhere([make_policy(asset_id, configuration={})]))
    assert posture.cells["prod"].families == (family,)


def test_all_methods_of_all_paths_are_the_whole_api() -> None:
    spelled_out = [make_policy(pointcut=EVERYTHING)]
    posture = assess(with_policies(spelled_out, spelled_out, [make_policy()]))
    assert kinds(posture) == []
    assert "P05" not in rules(assess(everywhere(spelled_out)))


def test_a_path_beside_all_of_them_adds_nothing() -> None:
    beside = [make_policy(pointcut=[{"method": "GET", "uri": "/a"}, *EVERYTHING])]
    assert kinds(assess(with_policies(beside, beside, [make_policy()]))) == []


def test_all_paths_of_one_method_are_not_the_whole_api() -> None:
    read = [make_policy(pointcut=[{"method": "GET", "uri": ".*"}])]
    found = one(assess(with_policies([make_policy()], [make_policy()], read)), Kind.POLICY_POINTCUT)
    assert found.severity is Severity.HIGH


def test_expressions_have_no_effect_where_credentials_come_in_the_basic_header() -> None:
    by_hand, by_script = client({**BASIC, **HEADERS}), client(BASIC)
    assert kinds(assess(with_policies([by_hand], [by_script], [by_script]))) == []


def test_an_expression_without_effect_takes_nothing_from_the_address() -> None:
    unused = {**BASIC, "clientIdExpression": "#[attributes.queryParams['id']]"}
    assert rules(assess(everywhere([client(unused)]))).isdisjoint({"P06", "P10"})


def test_the_header_of_mule_3_is_the_header_of_mule_4() -> None:
    old = make_policy(
        "client-id-enforcement",
        group_id=None,
        asset_version=None,
        configuration={"credentialsOrigin": "httpAuthorizationHeader"},
    )
    new = make_policy("client-id-enforcement", asset_version=None, configuration=BASIC)
    posture = assess(with_policies([old], [new], [new]))
    assert kinds(posture) == []
    assert "P06" not in rules(assess(everywhere([old])))


def test_credentials_that_come_in_another_place_are_still_a_difference() -> None:
    custom = client({ORIGIN: "customExpression", **HEADERS})
    found = one(assess(with_policies([custom], [custom], [client(BASIC)])), Kind.POLICY_CONFIG)
    assert (found.rule, found.path) == ("D15", "credentialsOrigin")


def test_a_policy_of_the_way_out_has_no_order_among_those_of_the_way_in() -> None:
    way_in = [make_policy(order=1), make_policy("rate-limiting", order=2)]
    last = make_policy("credential-injection-oauth2", configuration={}, order=3)
    first = make_policy("credential-injection-oauth2", configuration={}, order=1)
    assert kinds(assess(with_policies([*way_in, last], [*way_in, last], [*way_in, first]))) == []


def test_policies_of_the_way_out_have_an_order_among_themselves() -> None:
    names = ("credential-injection-oauth2", "circuit-breaker")
    one_way = [make_policy(n, configuration={}, order=i) for i, n in enumerate(names)]
    other = [make_policy(n, configuration={}, order=-i) for i, n in enumerate(names)]
    guard = [make_policy(order=9)]
    posture = assess(with_policies([*guard, *one_way], [*guard, *one_way], [*guard, *other]))
    assert kinds(posture) == ["policy_order"]


def test_a_log_of_the_way_out_is_compared_like_the_log_of_the_way_in() -> None:
    a, b = (logging("message-logging-outbound", name) for name in "ab")
    assert (
        kinds(assess(with_policies([make_policy(), a], [make_policy(), a], [make_policy(), b])))
        == []
    )
    contents = logging("message-logging-outbound", message="#[payload]")
    assert "P19" in rules(assess(everywhere([make_policy(), contents])))


def test_a_search_of_ldap_that_stays_on_its_level_is_the_default() -> None:
    base = {"ldapServerURL": "ldap://10.0.0.1:389", "ldapSearchBase": "ou=people"}
    silent, told = (
        make_policy("ldap-authentication", configuration=each)
        for each in (base, {**base, "ldapSearchInSubtree": False})
    )
    posture = assess(with_policies([silent], [told], [told]))
    assert kinds(posture) == []
    assert "unknown_field" not in codes(posture)


def jwt(**changes: Any) -> Any:
    return make_policy(configuration={**JWT, **changes})


def test_a_key_expression_of_jwt_counts_where_the_key_is_taken_by_it_alone() -> None:
    default = "#[authentication.properties['key_to_your_public_pem_certificate']]"
    posture = assess(with_policies([jwt()], [jwt(customKeyExpression=default)], [jwt()]))
    assert (kinds(posture), codes(posture)) == ([], set())


def test_another_expression_for_the_key_is_a_matter_of_trust() -> None:
    own, other = (
        jwt(jwtKeyOrigin="customExpression", customKeyExpression=f"#[vars.{name}]")
        for name in ("key", "other")
    )
    (found,) = differences(assess(with_policies([own], [own], [other])))
    assert (found.rule, found.path, found.severity) == ("D04", "customKeyExpression", Severity.HIGH)


def test_a_limit_without_numbers_is_told_and_breaks_nothing() -> None:
    empty = make_policy("rate-limiting", configuration=limits(None, None), order=2)
    full = make_policy("rate-limiting", order=2)
    found = one(
        assess(with_policies([make_policy(), full], [make_policy(), full], [make_policy(), empty])),
        Kind.POLICY_CONFIG,
    )
    assert found.outliers == ("prod",)


def test_a_policy_of_the_way_out_runs_after_all_that_guard_the_way_in() -> None:
    out = make_policy("circuit-breaker", configuration={}, order=1)
    instances = everywhere([out, make_policy(order=2)])
    posture = assess(instances)
    policies = matrices(make_scope(), ApiReading(posture.key, tuple(instances)), posture)[0]
    runs = {row.subject: row.cells[0].facts["position"] for row in policies.rows}  # type: ignore[union-attr,index]
    assert runs == {"jwt-validation": 1, "circuit-breaker": 2}


def test_nothing_is_said_to_be_hidden_where_nothing_is() -> None:
    coverage = assess(everywhere([make_policy()])).coverage
    assert (coverage.hidden_values, coverage.sentence) == (0, "15 of 15 parts read")
