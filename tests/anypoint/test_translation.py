"""Payloads of Anypoint in our words: what is kept, what stands for what is absent, what is refused."""

from typing import Any

import pytest

from app.anypoint import translation
from app.anypoint.errors import BadAnswer
from app.anypoint.translation import MAX_NAME_LENGTH
from tests.anypoint.conftest import KEY
from tests.anypoint.test_traps import policy

INSTANCE = {
    "id": 7,
    "groupId": "g",
    "assetId": "orders",
    "assetVersion": "1.0.4",
    "productVersion": "v1",
    "instanceLabel": "eu",
    "status": "active",
    "technology": "mule4",
    "deprecated": True,
    "activeContractsCount": "12",
}


def facts(asset: Any = None, **instance: Any) -> Any:
    named = {"exchangeAssetName": "Orders API"} if asset is None else asset
    return translation.facts(named, {**INSTANCE, **instance})


def automated(rule: Any = None, **changes: Any) -> Any:
    sent = [policy(**{"ruleOfApplication": rule, **changes})]
    return translation.automated_policies(sent, "env", KEY)


def test_what_an_instance_says_of_itself_is_kept() -> None:
    assert facts() == {
        "name": "Orders API",
        "group_id": "g",
        "asset_id": "orders",
        "asset_version": "1.0.4",
        "product_version": "v1",
        "label": "eu",
        "status": "active",
        "technology": "mule4",
        "deprecated": True,
        "active_contracts": 12,
    }
    assert facts(deprecated="true")["deprecated"] is False
    assert facts(activeContractsCount=None)["active_contracts"] is None


def test_an_instance_without_coordinates_has_those_of_its_asset() -> None:
    asset = {"groupId": "G", "assetId": "A"}
    said = facts(asset, groupId=None, assetId="")
    assert (said["group_id"], said["asset_id"]) == ("G", "A")
    own = facts(asset)
    assert (own["group_id"], own["asset_id"]) == ("g", "orders")


@pytest.mark.parametrize("lacking", ["groupId", "assetId"])
def test_half_of_the_coordinates_is_none(lacking: str) -> None:
    said = facts(**{lacking: None})
    assert (said["group_id"], said["asset_id"]) == (None, None)


@pytest.mark.parametrize("name", ["groupId", "assetId"])
def test_coordinates_that_are_no_text_are_refused(name: str) -> None:
    with pytest.raises(BadAnswer, match="group or asset id is not a text"):
        facts(**{name: 5})


def test_an_api_is_called_by_its_exchange_name_else_its_asset_its_own_name_or_its_number() -> None:
    assert facts({})["name"] == "orders"
    legacy = {"groupId": None, "assetId": None}
    assert facts({"name": "Legacy"}, **legacy)["name"] == "Legacy"
    assert facts({}, **legacy)["name"] == "API without a name (7)"
    assert facts({"exchangeAssetName": "X", "name": "Y"}, **legacy)["name"] == "X"


@pytest.mark.parametrize("part", ["name", "groupId", "assetId"])
def test_a_name_that_no_index_takes_is_refused(part: str) -> None:
    def called(length: int) -> Any:
        long = "x" * length
        return facts({"exchangeAssetName": long}) if part == "name" else facts(**{part: long})

    assert called(MAX_NAME_LENGTH)
    with pytest.raises(BadAnswer, match="too long to be one"):
        called(MAX_NAME_LENGTH + 1)


def test_what_a_policy_says_of_itself_is_kept() -> None:
    sent = policy(
        groupId="g",
        assetId="cors",
        assetVersion="1.3.0",
        configurationData={"a": "x\0"},
        order="3",
        disabled=True,
        pointcutData=[{"methodRegex": "GET"}, {"uriTemplateRegex": "/a"}, {}],
        label="vpn",
    )
    assert translation.policies([sent], KEY) == [
        {
            "group_id": "g",
            "asset_id": "cors",
            "asset_version": "1.3.0",
            "configuration": {"a": "x\ufffd"},
            "order": 3,
            "disabled": True,
            "pointcut": [
                {"method": "GET", "uri": ".*"},
                {"method": ".*", "uri": "/a"},
                {"method": ".*", "uri": ".*"},
            ],
            "label": "vpn",
        }
    ]


@pytest.mark.parametrize("nothing", [None, []])
def test_no_list_of_resources_means_the_whole_api(nothing: Any) -> None:
    (read,) = translation.policies([policy(pointcutData=nothing)], KEY)
    assert read["pointcut"] is None


def test_a_configuration_may_be_absent_but_not_under_another_name() -> None:
    (read,) = translation.policies([policy(configurationData=None)], KEY)
    assert read["configuration"] == {}
    both = policy(configuration={"b": 1}, configurationData={"a": 1})
    assert translation.policies([both], KEY)[0]["configuration"] == {"a": 1}


def test_a_template_that_is_a_number_is_known_only_of_the_organisations_own() -> None:
    def named(**sent: Any) -> str:
        (read,) = translation.policies([policy(assetId=None, **sent)], KEY)
        return read["asset_id"]

    assert named(policyTemplateId="rate-limiting", type="custom") == "rate-limiting"
    assert named(policyTemplateId="348742", type="custom") == "custom-policy-348742"
    with pytest.raises(BadAnswer, match="which one it is"):
        named(policyTemplateId="348742", type="system")


def test_an_automated_policy_tells_where_it_applies() -> None:
    rule = {
        "environmentId": "env",
        "technologies": ["mule4", "flexGateway", "mule4", None],
        "range": {"from": "4.6\0"},
    }
    (read,) = automated(rule, disabled=True)
    assert (read["technologies"], read["disabled"]) == (["", "flexGateway", "mule4"], True)
    assert read["range"] == {"from": "4.6\ufffd"}


def test_an_automated_policy_without_a_rule_applies_by_its_implementations() -> None:
    parts = [{"technology": "mule4"}, {"technology": "flexGateway"}, {"technology": None}, {}]
    (read,) = automated(None, implementationAssets=parts, disabled=None)
    assert (read["technologies"], read["disabled"]) == (["flexGateway", "mule4"], False)
    assert read["range"] is None
    (bare,) = automated({"environmentId": None})
    assert bare["technologies"] == []


def test_automated_policies_of_another_environment_are_left_out() -> None:
    assert automated({"environmentId": "other"}) == []
    assert len(automated({"environmentId": "env"})) == len(automated({})) == 1


@pytest.mark.parametrize("rule", ["text", {"range": "4.6"}, {"range": []}])
def test_a_rule_of_application_of_another_shape_is_refused(rule: Any) -> None:
    with pytest.raises(BadAnswer, match="automated policies in an unknown form"):
        automated(rule)


def test_what_a_tier_allows_is_kept() -> None:
    limits = [
        {"maximumRequests": 5, "timePeriodInMilliseconds": 1000},
        {"maximumRequests": 2**70},
    ]
    sent = {"name": "Gold", "limits": limits, "status": "ACTIVE", "autoApprove": True}
    assert translation.tier(sent) == {
        "name": "Gold",
        "limits": [
            {"maximum": 5, "milliseconds": 1000},
            {"maximum": hex(2**70), "milliseconds": None},
        ],
        "status": "ACTIVE",
        "auto_approve": True,
    }
    bare = translation.tier({"name": "Gold", "limits": None})
    assert (bare["limits"], bare["status"], bare["auto_approve"]) == ([], None, False)


@pytest.mark.parametrize(
    "changes", [{"name": None}, {"name": ""}, {"limits": [5]}, {"autoApprove": "yes"}]
)
def test_a_tier_that_cannot_be_understood_is_refused(changes: Any) -> None:
    with pytest.raises(BadAnswer):
        translation.tier({"name": "Gold", "limits": [], **changes})


def contract(**changes: Any) -> Any:
    return translation.contract({"status": "Approved", **changes})


def test_what_a_contract_says_is_kept() -> None:
    said = contract(
        applicationId=2,
        application={"id": 3, "name": "crm"},
        status=" Approved ",
        tier={"name": "Gold"},
        requestedTier={"name": "Silver"},
        approvedDate="2026-01-01",
    )
    assert said == {
        "application_id": 2,
        "application": "crm",
        "status": "APPROVED",
        "tier": "Gold",
        "requested_tier": "Silver",
        "approved_at": "2026-01-01",
    }


def test_an_application_is_known_by_its_id_or_its_name_and_needs_one() -> None:
    nameless = contract(application={"id": "3"})
    assert (nameless["application_id"], nameless["application"]) == (3, "Application 3")
    named = contract(application={"name": "crm"})
    assert (named["application_id"], named["application"]) == (None, "crm")
    for odd in ({}, {"application": {"id": -1, "name": "crm"}}, {"applicationId": "x"}):
        with pytest.raises(BadAnswer, match="usable id"):
            contract(**odd)


@pytest.mark.parametrize("odd", [{"status": None}, {"status": 5}, {"tier": "Gold"}])
def test_a_contract_that_cannot_be_understood_is_refused(odd: Any) -> None:
    with pytest.raises(BadAnswer):
        contract(application={"id": 3, "name": "crm"}, **odd)
