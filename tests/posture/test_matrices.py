"""The drilldown's matrices: three sections side by side, what is missing said in words."""

from typing import Any

from app.posture.matrices import matrices
from app.posture.model import ApiReading, CellState, InstanceReading, Kind, Matrix, MatrixRow
from app.posture.words import field, policy, rates, value, window
from tests.posture.builders import (
    DEV,
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
    one,
    with_policies,
)

BASE = [make_policy(), make_policy("rate-limiting", order=2)]


def side_by_side(instances: list[InstanceReading], scope: Any = None) -> tuple[Matrix, ...]:
    posture = assess(instances, scope)
    return matrices(scope or make_scope(), ApiReading(posture.key, tuple(instances)), posture)


def row(matrix: Matrix, subject: str) -> MatrixRow:
    return next(each for each in matrix.rows if each.subject == subject)


def test_the_baseline_stands_first_and_what_is_not_deployed_is_empty_in_all_three() -> None:
    instances = [make_instance(e, BASE, [make_tier()], [make_contract()]) for e in (DEV, PROD)]
    for matrix in side_by_side(instances):
        assert [c.name for c in matrix.columns] == ["Production", "Dev", "Test"]
        assert matrix.columns[0].is_baseline
        assert matrix.columns[2].state is CellState.NOT_DEPLOYED
        assert all(each.cells[2] is None for each in matrix.rows)


def test_a_policy_shows_its_settings_and_marks_what_differs() -> None:
    faster = [BASE[0], make_policy("rate-limiting", order=2, configuration=limits(900))]
    policies, _, _ = side_by_side([make_instance(DEV, BASE), make_instance(PROD, faster)])
    found = row(policies, "rate-limiting")
    assert found.differs
    assert [cell and cell.summary for cell in found.cells[:2]] == [
        "900 per minute",
        "100 per minute",
    ]
    first, *others = found.fields
    assert (first.path, first.words, first.values[:2]) == (
        "rateLimits[60000]", "limit per minute", (900, 100),
    )  # fmt: skip
    assert first.differs
    assert not any(each.differs for each in others)
    clustered = next(each for each in others if each.path == "clusterizable")
    assert clustered.is_default[:2] == (True, True)


def test_a_missing_policy_says_so_and_an_unread_section_says_nothing() -> None:
    unread = make_instance(TEST, not_read={"policies": "403"})
    policies, _, _ = side_by_side([make_instance(DEV, BASE), unread, make_instance(PROD, BASE[:1])])
    missing, there, unknown = row(policies, "rate-limiting").cells
    assert missing is not None
    assert (missing.facts, missing.summary, missing.differs) == (None, "missing", True)
    assert there is not None
    assert unknown is None
    assert policies.columns[2].reason == "403"


def test_policies_stand_as_they_run_with_their_source() -> None:
    automated = {"prod": [make_automated("ip-blocklist", order=9)]}
    applied = [*BASE, make_policy("cors", order=3)]
    policies, _, _ = side_by_side([make_instance(PROD, applied)], make_scope(automated=automated))
    assert [each.subject for each in policies.rows] == [
        "cors", "ip-blocklist (automated)", "jwt-validation", "rate-limiting",
    ]  # fmt: skip
    positions = [
        each.cells[0].facts["position"]
        for each in policies.rows
        if each.cells[0] and each.cells[0].facts
    ]
    assert positions == [1, 2, 3, 4]


def test_one_item_of_a_list_is_shown_inside_where_it_differs() -> None:
    def logging(message: str) -> list[Any]:
        items = [{"itemName": "x", "itemData": {"message": message}}]
        return [
            *BASE,
            make_policy("message-logging", configuration={"loggingConfiguration": items}),
        ]

    policies, _, _ = side_by_side(
        [make_instance(DEV, logging("a")), make_instance(PROD, logging("b"))]
    )
    first = row(policies, "message-logging").fields[0]
    assert (first.path, first.values[:2]) == ("loggingConfiguration[0].message", ("b", "a"))


def test_tiers_and_contracts_are_told_in_words() -> None:
    gold = make_tier("Gold", (1000, 60_000), (5, 1_000), auto_approve=True)
    user = make_contract(tier="Gold", approved_at="2025-08-14T17:17:30Z")
    _, tiers, contracts = side_by_side(
        [make_instance(PROD, BASE, [gold], [user]), make_instance(DEV, BASE)]
    )
    cell = row(tiers, "Gold").cells[0]
    assert cell is not None
    assert cell.summary == "5 per second and 1000 per minute"
    assert cell.facts is not None
    assert cell.facts["approval"] == "automatic"
    there = row(contracts, "crm").cells[0]
    assert there is not None
    assert there.facts is not None
    assert there.facts["approved at"] == "2025-08-14T17:17:30Z"
    assert row(contracts, "crm").cells[1].summary == "missing"  # type: ignore[union-attr]


def test_an_unread_section_has_its_reason_in_each_matrix() -> None:
    reasons = {"policies": "p", "tiers": "t", "contracts": "c"}
    found = side_by_side([make_instance(PROD, not_read=reasons), make_instance(DEV, BASE)])
    assert [matrix.columns[0].reason for matrix in found] == ["p", "t", "c"]


def test_several_instances_have_a_column_each_and_rows_of_their_lane() -> None:
    policies, _, _ = side_by_side(
        [
            make_instance(DEV, BASE, id=1, label="a"),
            make_instance(DEV, BASE, id=2, label="b"),
            make_instance(PROD, BASE, id=3, label="a"),
        ]
    )
    assert [c.instance_id for c in policies.columns] == [3, 1, 2, None]
    assert row(policies, "jwt-validation").cells[2] is None
    assert row(policies, "jwt-validation @ b").cells[1] is None


def test_words_of_policies_fields_and_rates() -> None:
    assert policy("g/ip-allowlist#vpn") == "IP allowlist#vpn"
    assert policy("oauth2-token-introspection") == "OAuth2 token introspection"
    assert field("jwksServiceTimeToLive") == "jwks service time to live".replace("jwks", "JWKS")
    assert field("rateLimits[x]") == "limit per x ms"
    assert field("loggingConfiguration[0].firstSection") == "logging configuration first section"
    assert field("headers[X-Key]") == "headers X-Key"
    assert window(600_000) == "10 minutes"
    assert window(1500) == "1500 ms"
    assert rates({}) == "no limit"
    assert rates({1000: None}) == "not set per second"
    assert value(["a", "b"]) == "a and b"
    assert value([{"a": 1}]) == '[{"a":1}]'
    assert value({}) == "not set"
    assert value("x" * 99).endswith("…")


def test_a_setting_of_brackets_alone_comes_to_an_end() -> None:
    """Looked for from each of these to the last, the closing bracket would take hours."""
    assert field("[" * 4_000_000) == ""


def test_a_summary_is_short_and_says_what_is_hidden() -> None:
    many = {f"k{n}": n for n in range(9)}
    house = make_policy("house", group_id="g", configuration=many)
    basic = make_policy("http-basic-authentication", configuration={"username": "u"})
    plain = make_policy("header-removal")
    policies, _, _ = side_by_side([make_instance(PROD, [house, basic, plain])])
    summaries = {each.subject: each.cells[0].summary for each in policies.rows if each.cells[0]}
    assert summaries["house"] == "k0 0, k1 1, k2 2, k3 3, 5 more"
    assert summaries["http-basic-authentication"] == "username u, password hidden"
    assert summaries["header-removal"] == "as it comes"


def test_values_are_shown_as_anypoint_has_them_where_case_has_no_meaning() -> None:
    custom = {**JWT, "signingMethod": "RSA", "jwtOrigin": "customExpression"}
    log = {"loggingConfiguration": [{"itemData": {"message": "#[a]", "level": "INFO"}}]}
    debug = {"loggingConfiguration": [{"itemData": {"message": "#[a]", "level": "DEBUG"}}]}
    header = {"inboundHeaders": ["X-Api", "x-b"]}
    own = [
        [
            make_policy(configuration=validated),
            make_policy("message-logging", configuration=logged),
            make_policy("header-removal", configuration=removed),
        ]
        for validated, logged, removed in (
            ({**custom, "signingMethod": "rsa"}, log, header),
            (JWT, log, header),
            (custom, debug, {"inboundHeaders": ["x-api"]}),
        )
    ]
    held = with_policies(*own)
    posture = assess(held)
    told = {f.path: f for f in posture.findings if f.kind is Kind.POLICY_CONFIG}
    origin, level = told["jwtOrigin"], told["loggingConfiguration[0].level"]
    assert origin.values == {
        "dev": "customExpression",
        "test": "httpBearerAuthenticationHeader",
        "prod": "customExpression",
    }
    assert "customExpression in Production and Dev" in origin.sentence
    assert level.values == {"dev": "INFO", "test": "INFO", "prod": "DEBUG"}
    assert told["inboundHeaders"].values["dev"] == ["X-Api", "x-b"]
    policies, _, _ = side_by_side(held)
    jwt = row(policies, "jwt-validation")
    shown = {each.path: each.values for each in jwt.fields}
    assert shown["signingMethod"] == ("RSA", "RSA", "RSA")  # equal values are spelled alike
    summary = jwt.cells[0].summary if jwt.cells[0] else ""
    assert summary.startswith("signing method RSA, JWT origin customExpression")


def test_names_that_case_tells_apart_are_shown_each_as_it_is() -> None:
    audiences = {**JWT, "supportedAudiences": ["A", "a"]}
    held = with_policies([make_policy(configuration=audiences)], [make_policy()], [make_policy()])
    found = one(assess(held), Kind.POLICY_CONFIG)
    assert found.values["dev"] == ["A", "a"]
