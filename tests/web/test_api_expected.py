"""`/expected-differences` and its starter set: in force at once, narrow, and known by who made them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.store.database import Database
from app.store.encryption import Keyring
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
    async with synced(addresses, database, keyring, ours, product, apis=30) as made:
        yield made


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
