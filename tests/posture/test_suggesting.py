"""The starter set: what is meant to differ, and never a hole for production."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.posture.expected import fits
from app.posture.matching import api_key
from app.posture.model import ApiReading, ExpectedDifference
from app.posture.suggesting import Sightings, Suggestion
from tests.posture.builders import (
    ALL,
    DEV,
    JWT,
    PROD,
    TEST,
    assess,
    differences,
    make_policy,
    make_scope,
    with_policies,
)
from tests.posture.test_expected import JWKS_URL

STAGING = "https://idp.staging.example"
CORP = "https://idp.corp.example"


def trusting(*urls: str, asset_id: str = "orders-api") -> list[Any]:
    policies = [
        [make_policy(configuration={**JWT, "jwksUrl": url}) if url else make_policy("cors")]
        for url in urls
    ]
    return with_policies(*policies, asset_id=asset_id)


def suggested(*apis: list[Any], **changes: Any) -> tuple[Suggestion, ...]:
    scope, sightings = make_scope(**changes), Sightings()
    for instances in apis:
        key = api_key(instances[0].facts.content())
        sightings.look(scope, ApiReading(key, tuple(instances)))
    return sightings.suggestions(scope)


def test_the_hosts_of_each_environment_are_offered_and_settle_the_wall() -> None:
    apis = [
        trusting(f"{STAGING}/{n}/keys", f"{STAGING}/{n}/keys", f"{CORP}/{n}/keys", asset_id=f"a{n}")
        for n in range(3)
    ]
    (found,) = suggested(*apis)
    assert (found.asset_id, found.path) == ("jwt-validation", "jwksUrl")
    assert (found.apis, found.settles) == (3, 3)
    assert found.allowances == {
        DEV.id: {"matches": f"{STAGING}/*"},
        TEST.id: {"matches": f"{STAGING}/*"},
        PROD.id: {"matches": f"{CORP}/*"},
    }
    assert len(found.seen[PROD.id]) == 3
    accepted = ExpectedDifference(found.asset_id, found.path, found.allowances)
    scope = make_scope(expected_differences=(accepted,))
    assert all(differences(assess(api, scope)) == [] for api in apis)


def test_one_api_with_stagings_provider_in_production_is_no_reason_to_offer_nothing() -> None:
    good = [trusting(f"{STAGING}/k", f"{STAGING}/k", f"{CORP}/{n}", asset_id=f"a{n}") for n in "ab"]
    bad = trusting(f"{STAGING}/k", f"{STAGING}/k", f"{STAGING}/p", asset_id="bad")
    (found,) = suggested(*good, bad)
    assert (found.apis, found.settles) == (3, 2)
    assert found.allowances[PROD.id] == {"matches": f"{CORP}/*"}


def test_an_unusual_provider_is_left_to_be_looked_at_and_the_usual_one_offered() -> None:
    good = [trusting(f"{STAGING}/k", f"{STAGING}/k", f"{CORP}/{n}", asset_id=f"a{n}") for n in "ab"]
    odd = trusting("https://old.example/k", f"{STAGING}/k", f"{CORP}/p", asset_id="odd")
    (found,) = suggested(*good, odd)
    assert (found.apis, found.settles) == (3, 2)
    assert found.allowances[DEV.id] == {"matches": f"{STAGING}/*"}
    assert "https://old.example/k" in found.seen[DEV.id]


def test_two_providers_used_alike_are_no_usual_one() -> None:
    one = trusting("", f"{STAGING}/k", f"{CORP}/p", asset_id="one")
    other = trusting("", "https://other.example/k", f"{CORP}/p", asset_id="other")
    assert [each for each in suggested(one, other) if each.allowances] == []


@pytest.mark.parametrize(
    "urls",
    [
        (f"{CORP}/test", f"{CORP}/test", f"{CORP}/prod"),
        (f"{STAGING}/k", f"{CORP}/k", f"{CORP}/p"),
        ("https://[::1]/k", "https://[::1]/k", "https://[::2]/k"),
    ],
)
def test_what_no_safe_pattern_says_is_left_out(urls: tuple[str, ...]) -> None:
    found = suggested(trusting(*urls))
    assert all("matches" not in a for each in found for a in each.allowances.values())
    assert not any(each.settles for each in found if CORP in str(each.allowances))


def test_what_is_expected_already_is_not_offered() -> None:
    known = ExpectedDifference("jwt-validation", "jwksUrl", {e.id: {"any": True} for e in ALL[:1]})
    apis = trusting(f"{STAGING}/k", f"{STAGING}/k", f"{CORP}/k")
    assert suggested(apis, expected_differences=(known,)) == ()


def test_a_secret_is_never_part_of_an_offer() -> None:
    policies = [
        [make_policy("http-basic-authentication", configuration={"username": u, "password": u})]
        for u in ("tester", "tester", "operator")
    ]
    (found,) = suggested(with_policies(*policies))
    assert found.path == "username"
    assert found.allowances[PROD.id] == {"equals": "operator"}


hosts = st.sampled_from(
    ["https://a.example", "https://b.example", "https://c.example", "http://a.example"]
)
urls = st.one_of(st.just(""), st.builds(lambda h, p: f"{h}/{p}", hosts, st.sampled_from("xy")))


@given(st.lists(st.tuples(urls, urls, urls), min_size=1, max_size=4))
def test_no_offer_lets_production_hold_what_was_seen_in_a_test_environment(
    estate: list[tuple[str, str, str]],
) -> None:
    apis = [trusting(*row, asset_id=f"a{n}") for n, row in enumerate(estate)]
    for each in suggested(*apis):
        for row in estate:
            for url in filter(None, row[:2]):
                host = url.rpartition("/")[0]
                for path in ("x", "y", "anything"):
                    value = JWKS_URL.form(f"{host}/{path}")
                    assert not fits(JWKS_URL, value, each.allowances.get(PROD.id))
        assert TEST.id in each.allowances or DEV.id in each.allowances
