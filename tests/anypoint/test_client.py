"""Reading the whole stand-in: organisations, environments, scopes, and all that was planted."""

import asyncio
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from app.anypoint.client import Organization
from app.anypoint.errors import Gone, NotAllowed, TokenRefused
from app.anypoint.scopes import MissingScope
from app.posture.model import Environment
from sandbox.estate import build
from sandbox.estate_plan import as_json
from tests.anypoint.conftest import TEST, Anypoint, ByHand, QuickClock


async def test_the_own_organisation_stands_first_among_those_that_can_be_chosen(
    anypoint: Anypoint,
) -> None:
    found = await anypoint.client.organizations()
    assert [item.name for item in found] == ["Northwind Trading", "Northwind Logistics"]
    assert await anypoint.client.own_organization() == found[0]


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_where_nobody_is_attached_to_the_app_the_configured_organisation_counts(
    by_hand: ByHand, status: int
) -> None:
    by_hand.answers["/me"] = httpx.Response(status)
    by_hand.answers["/organizations/org"] = {"id": "org", "name": "Ours"}
    assert await by_hand.client.organizations("org") == (Organization("org", "Ours"),)
    with pytest.raises((TokenRefused, NotAllowed, Gone)):
        await by_hand.client.organizations()


async def test_an_organisation_that_is_only_named_by_its_id_is_found_among_the_memberships(
    by_hand: ByHand,
) -> None:
    members = [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]
    by_hand.answers["/me"] = {"user": {"organizationId": "b", "memberOfOrganizations": members}}
    assert await by_hand.client.own_organization() == Organization("b", "B")


async def test_environments_come_with_their_type(anypoint: Anypoint) -> None:
    found = await anypoint.client.environments(anypoint.organization_id)
    assert [(item.name, item.type) for item in found] == [
        ("Development", "sandbox"),
        ("Test", "sandbox"),
        ("Production", "production"),
    ]


async def test_an_instance_has_its_address_in_api_manager(anypoint: Anypoint) -> None:
    test = anypoint.environment("Test")
    listed = (await anypoint.instances(test))[0]
    assert listed.url == (
        f"http://anypoint.test/apimanager/#/organizations/{anypoint.organization_id}"
        f"/environments/{test.id}/apis/{listed.instance_id}"
    )


@pytest.mark.parametrize("asset_id", ["a&limit=1#x", "a\x01b", "é", "\u2028", "a=b;c d"])
async def test_an_asset_is_asked_for_by_its_name_whatever_that_is(
    by_hand: ByHand, asset_id: str
) -> None:
    by_hand.answers["/apis"] = {"total": 0, "assets": []}
    pages = by_hand.client.instances("org", TEST, asset=("g", asset_id))
    assert [page async for page in pages] == [()]
    asked = by_hand.asked[-1].url
    assert dict(asked.params) == {
        "limit": "100",
        "offset": "0",
        "groupId": "g",
        "assetId": asset_id,
    }


@pytest.mark.parametrize("odd", ["é", "\u202e", "a\nb", "中"])
async def test_an_id_that_no_header_could_hold_is_escaped_there(by_hand: ByHand, odd: str) -> None:
    by_hand.answers["/apis"] = {"total": 0, "assets": []}
    pages = by_hand.client.instances(odd, Environment(odd, "Test", "sandbox"))
    assert [page async for page in pages] == [()]
    headers = by_hand.asked[-1].headers
    for name in ("X-ANYPNT-ORG-ID", "X-ANYPNT-ENV-ID"):
        assert unquote(headers[name]) == odd


async def missing(anypoint: Anypoint) -> tuple[MissingScope, ...]:
    environments = await anypoint.client.environments(anypoint.organization_id)
    return await anypoint.client.missing_scopes(anypoint.organization_id, environments)


async def test_no_scope_is_missing_where_all_are_granted(anypoint: Anypoint) -> None:
    assert await missing(anypoint) == ()


@pytest.mark.parametrize("scope", ["View APIs Configuration", "View Policies", "View Contracts"])
async def test_a_missing_scope_is_named_with_its_environment(
    anypoint: Anypoint, scope: str
) -> None:
    anypoint.set_up(forbid=[{"scope": scope, "environment": "Test"}])
    found = await missing(anypoint)
    assert MissingScope(scope, "Test", "missing") in found
    assert {item.environment for item in found} == {"Test"}


async def test_tiers_alone_may_be_forbidden(anypoint: Anypoint) -> None:
    anypoint.set_up(faults=[{"action": "status", "status": 403, "path": "/tiers"}])
    found = await missing(anypoint)
    assert {item.scope for item in found} == {"View Contracts"}


async def test_scopes_of_the_organisation_are_named_without_an_environment(
    anypoint: Anypoint,
) -> None:
    environments = await anypoint.client.environments(anypoint.organization_id)
    anypoint.set_up(forbid=[{"scope": "View Organization"}, {"scope": "View Environment"}])
    found = await anypoint.client.missing_scopes(anypoint.organization_id, environments)
    assert found == (
        MissingScope("View Organization", None, "missing"),
        MissingScope("View Environment", None, "missing"),
    )


async def test_where_there_is_no_api_the_rest_could_not_be_checked(anypoint: Anypoint) -> None:
    test = anypoint.environment("Test")
    for api in anypoint.estate.apis:
        api.instances = [item for item in api.instances if item.environment_id != test.id]
    anypoint.set_up()
    assert await missing(anypoint) == (
        MissingScope("View Policies", "Test", "could not be checked"),
        MissingScope("View Contracts", "Test", "could not be checked"),
    )


async def test_what_is_away_could_not_be_checked(anypoint: Anypoint) -> None:
    environments = await anypoint.client.environments(anypoint.organization_id)
    test = [item for item in environments if item.name == "Test"]
    anypoint.set_up(faults=[{"action": "html", "environment": "Test"}])
    found = await anypoint.client.missing_scopes(anypoint.organization_id, test)
    assert {(item.environment, item.state) for item in found} == {("Test", "could not be checked")}
    assert len(found) == 3


async def test_a_forbidden_section_says_whom_to_ask_for_what(anypoint: Anypoint) -> None:
    test = anypoint.environment("Test")
    anypoint.set_up(forbid=[{"scope": "View Policies", "environment": "Test"}])
    listed = (await anypoint.instances(test))[0]
    with pytest.raises(NotAllowed) as problem:
        await anypoint.client.policies(anypoint.organization_id, test, listed.instance_id)
    assert problem.value.reason == (
        "the Connected App may not view policies there. "
        "Ask an Anypoint administrator for View Policies."
    )
    assert (problem.value.scope, problem.value.environment) == ("View Policies", test.id)


async def read_everything(anypoint: Anypoint) -> dict[str, Any]:
    organization_id = anypoint.organization_id
    environments = await anypoint.client.environments(organization_id)
    counts = {"instances": 0, "policies": 0, "tiers": 0, "contracts": 0}

    async def read(environment: Any, position: int, listing: Any) -> None:
        where = (organization_id, environment, listing.instance_id)
        active = listing.facts["active_contracts"]
        policies, tiers, contracts = await asyncio.gather(
            anypoint.client.policies(*where, priority=position),
            anypoint.client.tiers(*where, priority=position),
            anypoint.client.contracts(*where, active_contracts=active, priority=position),
        )
        counts["instances"] += 1
        counts["policies"] += len(policies)
        counts["tiers"] += len(tiers)
        counts["contracts"] += len(contracts)

    for position, environment in enumerate(environments):
        listed = await anypoint.instances(environment)
        await asyncio.gather(*(read(environment, position, item) for item in listed))
        await anypoint.client.automated_policies(organization_id, environment)
    return counts


async def test_a_whole_estate_is_read_with_no_call_too_many(clock: QuickClock) -> None:
    anypoint = Anypoint(build(5, 20, 3, paging=True), clock)
    anypoint.control.latency_ms = 1
    instances = [item for api in anypoint.estate.apis for item in api.instances]
    assert await read_everything(anypoint) == {
        "instances": len(instances),
        "policies": sum(len(item.policies) for item in instances),
        "tiers": sum(len(item.tiers) for item in instances),
        "contracts": sum(len(item.contracts) for item in instances),
    }
    stats = anypoint.control.stats
    long_lists = 3 * 2  # the second page of tiers and of contracts, in each environment
    assert stats.requests == 2 + 3 * (2 + 1) + 3 * len(instances) + long_lists
    assert stats.tokens == 1
    assert stats.peak <= 16
    await anypoint.http.aclose()


def test_the_same_seed_makes_the_same_estate() -> None:
    assert as_json(build(7, 30)) == as_json(build(7, 30))
    assert as_json(build(7, 30)) != as_json(build(8, 30))


def test_every_kind_of_difference_is_planted_in_an_estate_of_the_usual_size() -> None:
    for seed in range(1, 6):
        estate = build(seed)
        assert len({found["kind"] for found in estate.truth}) == 20
        assert {"key order", "set order", "gaps in the order"} <= {x["noise"] for x in estate.noise}
        differing = {found["api"] for found in estate.truth} - {None}
        assert 0.3 < len(differing) / len(estate.apis) < 0.45
