"""Ten ways in which Anypoint's answers lose data without a word, and that ours do not."""

from typing import Any

import httpx
import pytest

from app.anypoint.errors import BadAnswer
from app.anypoint.limiter import Gate, Limiter
from app.posture.model import MULESOFT_GROUP
from sandbox.estate import build
from tests.anypoint.conftest import TEST, Anypoint, ByHand, QuickClock


def policy(**changes: Any) -> dict[str, Any]:
    return {
        "policyTemplateId": "348742",
        "configurationData": {},
        "order": 1,
        "disabled": False,
        "pointcutData": None,
        "groupId": MULESOFT_GROUP,
        "assetId": "rate-limiting",
        "assetVersion": "1.4.1",
        "label": None,
        **changes,
    }


def asset(name: str, *instance_ids: int, **changes: Any) -> dict[str, Any]:
    instances = [{"id": number, "audit": {"updated": {}}, **changes} for number in instance_ids]
    coordinates = {"groupId": "g", "assetId": name, "exchangeAssetName": name.title()}
    return {"id": instance_ids[0], "name": name, **coordinates, "apis": instances}


async def test_1_switched_off_policies_are_read_too(anypoint: Anypoint) -> None:
    api = next(api for api in anypoint.estate.apis if api.asset_id)
    instance = api.instances[0]
    instance.policies[0].disabled = True
    environment = next(e for e in anypoint.estate.environments if e.id == instance.environment_id)
    read = await anypoint.client.policies(
        anypoint.organization_id, anypoint.environment(environment.name), instance.instance_id
    )
    assert sum(item["disabled"] for item in read) == 1
    assert len(read) == len(instance.policies)


async def test_2_a_list_is_paged_by_assets_however_many_instances_they_have(
    by_hand: ByHand,
) -> None:
    assets = [asset(f"api-{n:03}", 10 * n, 10 * n + 1, 10 * n + 2) for n in range(1, 251)]

    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        return {"total": 250, "assets": assets[offset : offset + 100]}

    by_hand.answers["/apis"] = page
    assert len(await by_hand.instances()) == 750
    assert by_hand.times("/apis") == 3


async def test_2_a_total_that_counts_instances_does_no_harm(by_hand: ByHand) -> None:
    assets = [asset(f"api-{n:03}", 10 * n, 10 * n + 1) for n in range(1, 131)]

    def page(request: httpx.Request) -> dict[str, Any]:
        offset = int(request.url.params["offset"])
        return {"total": 260, "assets": assets[offset : offset + 100]}

    by_hand.answers["/apis"] = page
    assert len(await by_hand.instances()) == 260


async def test_3_the_26th_environment_is_not_lost(by_hand: ByHand) -> None:
    rows = [{"id": f"e{n}", "name": f"E{n}", "type": "sandbox"} for n in range(620)]

    def page(request: httpx.Request) -> dict[str, Any]:
        offset, limit = int(request.url.params["offset"]), int(request.url.params["limit"])
        return {"total": len(rows), "data": rows[offset : offset + limit]}

    by_hand.answers["/environments"] = page
    assert len(await by_hand.client.environments("org")) == 620
    assert by_hand.times("/environments") == 2


async def test_4_the_last_page_of_tiers_and_contracts_is_read(clock: QuickClock) -> None:
    anypoint = Anypoint(build(3, 2, paging=True), clock)
    api = anypoint.estate.apis[104]
    instance = api.instances[-1]
    where = (anypoint.organization_id, anypoint.environment("Production"), instance.instance_id)
    tiers = await anypoint.client.tiers(*where)
    contracts = await anypoint.client.contracts(*where)
    assert {item["name"] for item in tiers} == {tier.name for tier in instance.tiers}
    assert len(tiers) > 250
    assert {item["application"] for item in contracts} >= {"partner-268", "partner-270"}
    await anypoint.http.aclose()


async def test_5_an_instance_that_was_never_edited_is_read(by_hand: ByHand) -> None:
    by_hand.answers["/apis"] = {"total": 1, "assets": [asset("orders", 7)]}
    [listed] = await by_hand.instances()
    assert listed.instance_id == 7


async def test_6_what_may_be_absent_may_be_absent(by_hand: ByHand) -> None:
    legacy = {"id": 1, "name": "Old Billing", "apis": [{"id": 5, "groupId": None}]}
    by_hand.answers["/apis"] = {"total": 1, "assets": [legacy]}
    [listed] = await by_hand.instances()
    assert listed.facts["name"] == "Old Billing"
    assert listed.facts["asset_id"] is listed.facts["status"] is listed.facts["technology"] is None

    contract = {"id": 1, "status": "APPROVED", "applicationId": 9, "application": {"name": "crm"}}
    by_hand.answers["/contracts"] = {"total": 1, "contracts": [contract]}
    [read] = await by_hand.client.contracts("org", TEST, 5)
    assert read["tier"] is read["requested_tier"] is None


async def test_7_a_template_id_is_an_identity_only_where_it_is_a_slug(by_hand: ByHand) -> None:
    slug = policy(policyTemplateId="client-id-enforcement", groupId=None, assetId=None)
    by_hand.answers["/policies"] = [policy(policyTemplateId="348742"), slug]
    modern, legacy = await by_hand.client.policies("org", TEST, 5)
    assert modern["asset_id"] == "rate-limiting"
    assert (legacy["group_id"], legacy["asset_id"]) == (None, "client-id-enforcement")
    assert "348742" not in str(modern)


async def test_7_a_custom_policy_of_mule_3_is_known_by_its_template(by_hand: ByHand) -> None:
    own = policy(policyTemplateId="58", groupId=None, assetId=None, type="custom")
    by_hand.answers["/policies"] = [own]
    [read] = await by_hand.client.policies("org", TEST, 5)
    assert (read["group_id"], read["asset_id"]) == (None, "custom-policy-58")
    by_hand.answers["/policies"] = [{**own, "type": "system"}]
    with pytest.raises(BadAnswer, match="does not say which one"):
        await by_hand.client.policies("org", TEST, 5)


async def test_8_an_empty_list_of_resources_means_the_whole_api(by_hand: ByHand) -> None:
    pair = {"methodRegex": "GET|POST", "uriTemplateRegex": "/orders/.*"}
    by_hand.answers["/policies"] = [policy(pointcutData=value) for value in (None, [], [pair])]
    whole, empty, some = await by_hand.client.policies("org", TEST, 5)
    assert whole["pointcut"] is empty["pointcut"] is None
    assert some["pointcut"] == [{"method": "GET|POST", "uri": "/orders/.*"}]


async def test_9_a_policy_that_is_applied_twice_is_read_twice(by_hand: ByHand) -> None:
    by_hand.answers["/policies"] = [policy(label=None), policy(label="vpn", order=2)]
    read = await by_hand.client.policies("org", TEST, 5)
    assert [item["label"] for item in read] == [None, "vpn"]


async def test_10_automated_policies_are_read_from_their_own_list(anypoint: Anypoint) -> None:
    production = anypoint.environment("Production")
    read = await anypoint.client.automated_policies(anypoint.organization_id, production)
    assert {item["asset_id"] for item in read} == {
        "ip-blocklist",
        "json-threat-protection",
        "header-removal",
    }
    assert read[0]["technologies"] == ["flexGateway", "mule4"]


async def test_10_automated_policies_of_other_environments_are_left_out(by_hand: ByHand) -> None:
    rules = [{"environmentId": name, "technologies": ["mule4"]} for name in ("env-1", "env-2")]
    rows = [policy(ruleOfApplication=rule, order=None) for rule in rules]
    by_hand.answers["/automated-policies"] = {"total": 2, "automatedPolicies": rows}
    assert len(await by_hand.client.automated_policies("org", TEST)) == 1


async def test_only_get_requests_are_sent_but_for_the_token(anypoint: Anypoint) -> None:
    await anypoint.client.own_organization()
    await anypoint.client.environments(anypoint.organization_id)
    await anypoint.instances(anypoint.environment("Test"))
    sent = [(request.method, request.url.path) for request in anypoint.asked]
    assert [path for method, path in sent if method != "GET"] == ["/accounts/api/v2/oauth2/token"]


def test_a_limiter_needs_no_gate_of_somebody_elses() -> None:
    assert Limiter(4).gate.wait() == 0
    assert isinstance(Limiter(4).gate, Gate)
