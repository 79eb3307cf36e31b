"""What is expected to differ is no difference; whatever else is there is one that says so."""

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.posture import globs
from app.posture.assessment import assess_automated
from app.posture.expected import SETTLED, fits
from app.posture.model import ApiPosture, ExpectedDifference, Kind, Severity, Verdict
from app.posture.policies import schema_of
from tests.posture.builders import (
    ALL,
    DEV,
    GROUP,
    JWT,
    PROD,
    TEST,
    assess,
    codes,
    differences,
    make_automated,
    make_policy,
    make_scope,
    one,
    with_policies,
)

STAGING_IDP = "https://idp.staging.example/keys"
PROD_IDP = "https://idp.corp.example/keys"
OF_THE_HOUSE = {
    DEV.id: {"matches": "https://idp.staging.example/*"},
    TEST.id: {"matches": "https://idp.staging.example/*"},
    PROD.id: {"equals": PROD_IDP},
}
JWKS_URL = schema_of("68ef9520-24e9-4cf2-b2f5-620025690913", "jwt-validation").fields["jwksUrl"]  # type: ignore[union-attr]


def trusting(*urls: str) -> list[Any]:
    policies = [
        [make_policy(configuration={**JWT, "jwksUrl": url}) if url else make_policy("cors")]
        for url in urls
    ]
    return with_policies(*policies)


def assessed(*urls: str, **allowances: Any) -> ApiPosture:
    known = ExpectedDifference("jwt-validation", "jwksUrl", allowances or OF_THE_HOUSE)
    return assess(trusting(*urls), make_scope(expected_differences=(known,)))


def test_what_differs_as_expected_is_a_remark() -> None:
    posture = assessed(STAGING_IDP, STAGING_IDP, PROD_IDP)
    assert differences(posture) == []
    assert SETTLED in codes(posture)
    assert posture.verdict is Verdict.ALIGNED


@pytest.mark.parametrize(
    "urls",
    [
        (STAGING_IDP, STAGING_IDP, STAGING_IDP),
        (STAGING_IDP, PROD_IDP, PROD_IDP),
        (PROD_IDP, PROD_IDP, PROD_IDP),
        (STAGING_IDP, STAGING_IDP, f"{PROD_IDP},https://elsewhere.example/keys"),
        (f"{STAGING_IDP},https://elsewhere.example/k", STAGING_IDP, PROD_IDP),
    ],
)
def test_a_value_outside_its_allowance_is_a_threat_that_says_so(urls: tuple[str, ...]) -> None:
    posture = assessed(*urls)
    found = one(posture, Kind.POLICY_CONFIG)
    assert found.sentence.endswith("(not an expected value)")
    assert found.severity in {Severity.HIGH, Severity.CRITICAL}
    assert posture.verdict is Verdict.THREAT
    assert SETTLED not in codes(posture)


def test_values_that_are_equal_and_allowed_leave_no_remark() -> None:
    anywhere = {e.id: {"any": True} for e in ALL}
    posture = assessed(PROD_IDP, PROD_IDP, PROD_IDP, **anywhere)
    assert (differences(posture), SETTLED in codes(posture)) == ([], False)


@pytest.mark.parametrize(("key", "is_meant"), [(f"{GROUP}/orders-api", True), ("other", False)])
def test_what_is_expected_of_one_api_is_expected_of_no_other(key: str, is_meant: bool) -> None:
    known = ExpectedDifference("jwt-validation", "jwksUrl", OF_THE_HOUSE, key)
    scope = make_scope(expected_differences=(known,))
    found = differences(assess(trusting(STAGING_IDP, STAGING_IDP, PROD_IDP), scope))
    assert (found == []) is is_meant


SECRET = {"$secret": "0" * 64}


@pytest.mark.parametrize(
    ("known", "value", "allowance", "does_fit"),
    [
        (None, "a", {"any": True}, True),
        (None, SECRET, {"any": True}, True),
        (None, "a", {"any": False}, False),
        (None, "a", {}, False),
        (None, "masked", {"equals": "masked"}, True),
        (None, SECRET, {"equals": "masked"}, False),
        (None, SECRET, {"matches": "*"}, False),
        (None, 5, {"matches": "5"}, True),
        (None, True, {"matches": "true"}, True),
        (None, None, {"matches": "*"}, False),
        (None, {"a": 1}, {"matches": "*"}, False),
        (None, ["a1", "a2"], {"matches": "a?"}, True),
        (None, ["a1", "b2"], {"matches": "a?"}, False),
        (None, [], {"matches": "*"}, False),
        (None, None, {"equals": None}, True),
        (None, 1, {"equals": True}, False),
        (JWKS_URL, "https://a.example/k", {"equals": "HTTPS://A.example:443/k"}, True),
        (JWKS_URL, "odd", {"equals": "odd"}, True),
        (None, "https://a.example/k", {"equals": "HTTPS://A.example:443/k"}, False),
    ],
)
def test_a_value_fits_what_is_meant_by_its_allowance(
    known: Any, value: Any, allowance: Any, does_fit: bool
) -> None:
    assert fits(known, value, allowance) is does_fit


def test_production_with_stagings_value_is_found_though_all_are_equal() -> None:
    found = one(assessed(STAGING_IDP, STAGING_IDP, STAGING_IDP), Kind.POLICY_CONFIG)
    assert found.path == "jwksUrl"
    assert found.outliers == ()


def test_an_environment_without_an_allowance_is_outside_of_it() -> None:
    allowances = {DEV.id: {"any": True}, TEST.id: {"any": True}}
    assert differences(assessed(STAGING_IDP, STAGING_IDP, PROD_IDP, **allowances))


def test_a_policy_in_one_environment_alone_is_judged_by_its_absence() -> None:
    posture = assessed("", "", "https://elsewhere.example/keys")
    assert {finding.kind for finding in differences(posture)} == {Kind.POLICY_MISSING}


def test_a_secret_that_is_the_same_everywhere_breaks_no_allowance() -> None:
    """Nobody can see whether it is the allowed one; one that differs is told by itself."""
    known = ExpectedDifference(
        "http-basic-authentication", "password", {e.id: {"equals": "x"} for e in ALL}
    )
    scope = make_scope(expected_differences=(known,))

    def found(*passwords: str) -> list[Any]:
        policies = [
            [
                make_policy(
                    "http-basic-authentication", configuration={"username": "u", "password": p}
                )
            ]
            for p in passwords
        ]
        return [f.path for f in differences(assess(with_policies(*policies), scope))]

    assert found("a", "a", "a") == []
    assert found("a", "a", "b") == ["password"]


def test_an_automated_policy_equal_everywhere_may_break_its_allowance() -> None:
    automated = {
        e.id: [make_automated("ip-blocklist", configuration={"ips": ["10.0.0.1"]})] for e in ALL
    }
    known = ExpectedDifference(
        "ip-blocklist", "ips", {e.id: {"equals": ["10.0.0.9/32"]} for e in ALL}
    )
    scope = make_scope(automated=automated, expected_differences=(known,))
    (found,) = assess_automated(scope)
    assert found.sentence.endswith("(not an expected value)")
    assert assess_automated(make_scope(automated=automated)) == ()


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text("ab:/.", max_size=6),
    st.lists(st.text("ab/", min_size=1, max_size=3), max_size=3),
    st.dictionaries(st.text("ab", max_size=2), st.integers(0, 2), max_size=2),
    st.just({"$secret": "0" * 64}),
)
allowances = st.one_of(
    st.none(),
    st.builds(lambda v: {"equals": v}, values),
    st.builds(lambda p: {"matches": p}, st.text("ab*?/[]!-", min_size=1, max_size=6)),
)


@given(values, allowances)
def test_a_value_fits_only_what_its_allowance_says(value: Any, allowance: Any) -> None:
    """An independent reading: equal, or covered in every member, and never what is secret."""
    if not fits(None, value, allowance):
        return
    assert allowance is not None
    assert value != {"$secret": "0" * 64}
    if "equals" in allowance:
        assert value == allowance["equals"]
        assert type(value) is type(allowance["equals"])
        return
    members = value if isinstance(value, list) else [value]
    assert members
    for member in members:
        text = member if isinstance(member, str) else str(member).lower()
        assert fnmatchcase(text, allowance["matches"])


urls = st.sampled_from([STAGING_IDP, PROD_IDP, "https://elsewhere.example/keys", ""])
of_urls = st.one_of(
    st.builds(lambda u: {"equals": u}, urls),
    st.builds(lambda u: {"matches": u.replace("keys", "*") or "*"}, urls),
)


@given(st.tuples(urls, urls, urls), st.dictionaries(st.sampled_from([e.id for e in ALL]), of_urls))
def test_no_expected_difference_hides_a_value_outside_its_allowance(
    applied: tuple[str, str, str], allowed: dict[str, Any]
) -> None:
    """Whatever is allowed: with a value outside, the setting is found, differing or not."""
    posture = assessed(*applied, **allowed) if allowed else assess(trusting(*applied))
    having = {e.id: url for e, url in zip(ALL, applied, strict=True) if url}
    outside = [
        e for e, url in having.items() if not fits(JWKS_URL, JWKS_URL.form(url), allowed.get(e))
    ]
    paths = [p for f in posture.findings if f.kind is Kind.POLICY_CONFIG for p in f.paths]
    if len(having) > 1 and outside and (allowed or len(set(having.values())) > 1):
        assert "jwksUrl" in paths
    else:
        assert "jwksUrl" not in paths


@pytest.mark.parametrize(
    ("text", "pattern", "is_covered"),
    [
        ("https://idp.example/x", "https://idp.example/*", True),
        ("https://idp.example", "https://idp.example/*", False),
        ("https://idp-1.example/\nx", "https://idp-[0-9].example/?*", True),
        ("https://idp-a.example/x", "https://idp-[!0-9].example/*", True),
        ("https://idpx.example/", "https://idp.example/", False),
        ("Idp", "idp", False),
        ("[a", "[a", True),
        ("b", "[c-a]", False),
    ],
)
def test_a_pattern_covers_what_a_shells_would(text: str, pattern: str, is_covered: bool) -> None:
    assert globs.matches(text, pattern) is is_covered


@pytest.mark.parametrize("unit", ["a", "?", "[ab]", "a?"])
def test_a_pattern_of_many_stars_comes_to_an_end(unit: str) -> None:
    """Tried with every place of every star, one of these would take longer than anybody waits."""
    pattern = "*" + "*".join([unit] * (globs.MOST_STARS - 1)) + "*b"
    assert not globs.matches("a" * globs.LONGEST_TEXT, pattern)


def test_a_value_longer_than_any_that_is_meant_is_not_covered() -> None:
    assert globs.matches("a" * globs.LONGEST_TEXT, "*")
    assert not globs.matches("a" * (globs.LONGEST_TEXT + 1), "*")


@pytest.mark.parametrize(
    ("pattern", "is_allowed"),
    [("https://idp/*", True), ("", False), ("*" * 6, False), ("a" * 200, True), ("a" * 201, False)],
)
def test_a_pattern_has_its_limits(pattern: str, is_allowed: bool) -> None:
    assert (globs.problem(pattern) is None) is is_allowed
