"""`/expected-differences` and its starter set: in force at once, narrow, and known by who made them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.store.database import Database
from app.store.encryption import Keyring
from sandbox.estate_model import Estate
from tests.postgres import FreshDatabase
from tests.store.estate import Home
from tests.sync.world import World
from tests.web.live import synced
from tests.web.product import Product

PATH = "expected-differences"


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home, product: Product
) -> AsyncIterator[World]:
    usual = {"change": with_providers, "apis": 30}
    async with synced(addresses, database, keyring, ours, product, **usual) as made:
        yield made


def with_providers(estate: Estate) -> None:
    """Let each environment trust an identity provider of its own, as a well-run estate does."""
    types = {item.id: item.type for item in estate.environments}
    for instance in (instance for api in estate.apis for instance in api.instances):
        for policy in instance.policies:
            if policy.asset_id == "jwt-validation":
                host = types[instance.environment_id]
                policy.configuration["jwksUrl"] = f"https://idp.{host}.example/keys"


async def differing(product: Product) -> dict[str, Any]:
    """Return some finding about one setting with another value somewhere."""
    listed = (await product.get("findings?kind=policy_config&size=500"))["findings"]
    return next(f for f in listed if f["paths"] == [f["path"]] and f["api_id"])


def body_for(finding: dict[str, Any], **changes: Any) -> dict[str, Any]:
    policy = finding["subject"].partition("#")[0].partition(" @ ")[0]
    values = {name: {"equals": value} for name, value in finding["values"].items()}
    usual = {
        "policy": policy,
        "path": finding["path"],
        "api_id": finding["api_id"],
        "note": "Each stage has its own.",
        "values": values,
    }
    return usual | changes


async def test_an_expected_difference_settles_at_once_and_comes_back_at_once(
    product: Product, world: World
):
    finding = await differing(product)
    before = await product.get("posture")
    answer = await product.call("POST", PATH, body_for(finding))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["settles"], made["api_id"]) == (1, finding["api_id"])
    shown = await product.get(f"apis/{finding['api_id']}")
    assert finding["fingerprint"] not in [f["fingerprint"] for f in shown["findings"]]
    listed = await product.get(PATH)
    assert (listed["total"], listed[PATH][0]) == (1, made)
    assert (await product.get("posture"))["sync"] == before["sync"]

    assert (await product.call("DELETE", f"{PATH}/{made['id']}")).status_code == 204
    assert (await product.call("DELETE", f"{PATH}/{made['id']}")).status_code == 204
    assert (await product.get(PATH))[PATH] == []
    shown = await product.get(f"apis/{finding['api_id']}")
    again = next(f for f in shown["findings"] if f["fingerprint"] == finding["fingerprint"])
    assert again["sentence"] == finding["sentence"]
    assert (await product.get("posture"))["summary"] == before["summary"]


async def test_the_starter_set_is_offered_and_can_be_accepted_as_it_is(
    product: Product, world: World
) -> None:
    offered = (await product.get(f"{PATH}/suggestions"))["suggestions"]
    assert offered
    for each in offered:
        body = {name: each[name] for name in ("policy", "path", "values")}
        answer = await product.call("POST", PATH, body | {"note": "One per stage."})
        assert answer.status_code == 201, answer.text
        assert answer.json()["settles"] == each["settles"]
    assert (await product.get(f"{PATH}/suggestions"))["suggestions"] == []


async def test_two_of_the_same_setting_are_refused_and_both_are_shown(
    product: Product, world: World
) -> None:
    finding = await differing(product)
    made = (await product.call("POST", PATH, body_for(finding))).json()
    answer = await product.call("POST", PATH, body_for(finding, note="Mine."))
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["existing"] == made
    assert made["made_by"] in error["message"]
    assert made["made_at"][:10] in error["message"]
    answer = await product.call("POST", PATH, body_for(finding, api_id=None))
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"policy": " "}, "policy"),
        ({"path": ""}, "path"),
        ({"note": ""}, "note"),
        ({"note": "x" * 1001}, "note"),
        ({"values": {}}, "values"),
        ({"values": {"env-of-nobody": {"any": True}}}, "values"),
        ({"api_id": "0" * 32}, "api_id"),
        ({"more": 1}, "more"),
    ],
)
async def test_a_bad_value_is_named_and_changes_nothing(
    product: Product, world: World, changes: dict[str, Any], field: str
) -> None:
    answer = await product.call("POST", PATH, body_for(await differing(product), **changes))
    assert answer.status_code == 422, answer.text
    assert list(answer.json()["error"]["fields"]) == [field]
    assert (await product.get(PATH))["total"] == 0


@pytest.mark.parametrize(
    "allowance",
    [
        {"matches": "*" * 6},
        {"matches": "a" * 201},
        {"matches": ""},
        {"matches": None},
        {"any": False},
        {"any": None},
        {},
        {"any": True, "equals": 1},
        {"equals": "a\u0000b"},
        {"equals": 2**70},
        {"equals": "x" * 5000},
        {"equals": json.loads("[" * 253 + "]" * 253)},
        {"else": 1},
        "any",
    ],
)
async def test_an_allowance_that_cannot_be_is_refused(
    product: Product, world: World, allowance: Any
) -> None:
    finding = await differing(product)
    values = dict.fromkeys(finding["values"], allowance)
    answer = await product.call("POST", PATH, body_for(finding, values=values))
    assert answer.status_code == 422, answer.text
    assert all(name.startswith("values") for name in answer.json()["error"]["fields"])
    assert (await product.get(PATH))["total"] == 0


async def test_before_the_connection_nothing_is_expected_and_nothing_can_be(
    product: Product, theirs: Home
) -> None:
    product.issuer = "theirs"
    assert (await product.get(f"{PATH}/suggestions"))["suggestions"] == []
    body = {"policy": "cors", "path": "a", "note": "n", "values": {"e": {"any": True}}}
    assert (await product.call("POST", PATH, body)).status_code == 422
    assert (await product.get(PATH))["total"] == 0
