"""A third environment hides nothing between two others, whatever has no effect or name in it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.posture.model import Kind, Severity, Verdict
from tests.posture.builders import (
    ALL,
    GROUP,
    JWT,
    assess,
    codes,
    differences,
    make_instance,
    make_policy,
    make_scope,
    one,
    with_policies,
)

TEXT_KEY = {**JWT, "jwtKeyOrigin": "text", "textKey": "k"}
TEST_IDP = {**JWT, "jwksUrl": "https://login.test-idp.example/keys"}


def test_production_trusting_a_test_host_is_told_beside_an_environment_with_a_text_key() -> None:
    own = ([make_policy(configuration=c)] for c in (TEXT_KEY, JWT, TEST_IDP))
    posture = assess(with_policies(*own))
    found = one(posture, Kind.POLICY_CONFIG)
    assert posture.verdict is Verdict.THREAT
    assert found.severity is Severity.CRITICAL
    assert found.paths == ("jwksUrl", "jwtKeyOrigin")
    assert found.values == {"dev": None, "test": JWT["jwksUrl"], "prod": TEST_IDP["jwksUrl"]}
    assert found.outliers == ()
    assert "Dev" not in found.sentence


def test_a_field_that_counts_in_one_environment_alone_is_no_difference() -> None:
    own = ([make_policy(configuration=c)] for c in (TEXT_KEY, TEXT_KEY, JWT))
    found = one(assess(with_policies(*own)), Kind.POLICY_CONFIG)
    assert found.paths == ("jwtKeyOrigin",)


def test_a_renamed_key_of_another_major_hides_no_difference_between_two_of_the_same() -> None:
    renamed = {key: value for key, value in JWT.items() if key != "jwksUrl"}
    posture = assess(
        with_policies(
            [make_policy(asset_version="2.0.0", configuration={**renamed, "jwksUri": "x"})],
            [make_policy()],
            [make_policy(configuration=TEST_IDP)],
        )
    )
    found = one(posture, Kind.POLICY_CONFIG)
    assert found.paths == ("jwksUrl",)
    assert found.values == {"dev": None, "test": JWT["jwksUrl"], "prod": TEST_IDP["jwksUrl"]}
    assert "schema_changed" in codes(posture)


def test_a_custom_policys_null_is_told_apart_from_what_is_not_set() -> None:
    bodies: tuple[dict[str, Any], ...] = ({}, {}, {"mode": None})
    own = ([make_policy("house-rule", group_id=GROUP, configuration=c)] for c in bodies)
    found = one(assess(with_policies(*own)), Kind.POLICY_CONFIG)
    assert found.outliers == ("prod",)
    assert found.sentence == "House rule: mode is null in Production, not set in Dev and Test"


settings_of_jwt = st.fixed_dictionaries(
    {
        "jwtKeyOrigin": st.sampled_from(["jwks", "text"]),
        "jwksUrl": st.sampled_from(["https://a.example/", "https://b.example/"]),
        "textKey": st.sampled_from(["k", "l"]),
        "validateAudClaim": st.booleans(),
        "supportedAudiences": st.sampled_from(["a", "b"]),
        "validateCustomClaim": st.booleans(),
        "mandatoryCustomClaims": st.sampled_from(
            [[], [{"key": "iss", "value": "a"}], [{"key": "iss", "value": "b"}]]
        ),
    }
)


@given(
    st.tuples(settings_of_jwt, settings_of_jwt, settings_of_jwt),
    st.lists(st.sampled_from("12"), min_size=3, max_size=3),
)
@settings(max_examples=60)
def test_what_differs_between_two_environments_differs_beside_a_third(
    own: tuple[Any, Any, Any], majors: list[str]
) -> None:
    held = [
        make_instance(e, [make_policy(configuration=c, asset_version=f"{major}.0.0")])
        for e, c, major in zip(ALL, own, majors, strict=True)
    ]
    pair = assess(held[1:], make_scope(ALL[1:]))
    every = {(f.kind, path) for f in differences(assess(held)) for path in f.paths or ("",)}
    assert {(f.kind, path) for f in differences(pair) for path in f.paths or ("",)} <= every
