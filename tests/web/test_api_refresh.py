"""Reading one API live: what it says, to whom, how often, and that nothing is kept of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.caller import Right
from app.store.database import Database
from app.store.encryption import Keyring
from tests.postgres import FreshDatabase
from tests.store.estate import Home
from tests.sync.world import World
from tests.web.live import synced
from tests.web.product import Product


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home, product: Product
) -> AsyncIterator[World]:
    async with synced(addresses, database, keyring, ours, product) as made:
        yield made


async def apis(product: Product) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await product.get("posture"))["apis"]
    return found


async def refreshed(product: Product, api: dict[str, Any]) -> dict[str, Any]:
    answer = await product.call("POST", f"apis/{api['id']}/refresh")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def somewhere(api: dict[str, Any]) -> str:
    """Return the first environment that holds the API."""
    return next(key for key, cell in api["environments"].items() if cell["instances"])


async def test_what_did_not_change_is_said_as_the_published_sync_says_it(
    product: Product, world: World
):
    for api in await apis(product):
        known = await product.get(f"apis/{api['id']}")
        live = await refreshed(product, api)
        assert live.pop("read_at")
        for name in ("sync", "findings"):
            known.pop(name), live.pop(name)
        assert live == known


async def test_a_change_in_anypoint_is_seen_at_once_and_published_by_nobody(
    product: Product, world: World
):
    api = next(row for row in await apis(product) if row["asset_id"])
    before = await product.get(f"apis/{api['id']}")
    policy = before["matrices"]["policies"]["rows"][-1]["subject"].partition("#")[0]
    change = {"op": "remove_policy", "api": api["asset_id"], "environment": somewhere(api)}
    world.standin.control.post({"mutate": [{**change, "policy": policy}]})
    live = await refreshed(product, api)
    assert {"policy_missing", "policy_duplicate"} & {item["kind"] for item in live["findings"]}
    assert live["read_at"] == live["sync"]["environments"][0]["read_at"]
    assert await product.get(f"apis/{api['id']}") == before
    assert (await product.get("syncs"))["total"] == 1


async def test_an_environment_that_cannot_be_read_is_unreadable_and_not_missing(
    product: Product, world: World
):
    api = (await apis(product))[0]
    place = somewhere(api)
    world.standin.control.post(
        {
            "faults": [
                {"action": "status", "status": 403, "path": "/apis$|/apis\\?", "environment": place}
            ]
        }
    )
    live = await refreshed(product, api)
    assert live["environments"][place]["state"] == "unreadable"
    assert "View APIs Configuration" in live["environments"][place]["reason"]


async def test_the_same_api_is_not_read_again_within_seconds(product: Product, world: World):
    first, second = (await apis(product))[:2]
    await refreshed(product, first)
    answer = await product.call("POST", f"apis/{first['id']}/refresh")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    await refreshed(product, second)


async def test_one_api_costs_a_few_requests_and_not_the_whole_estate(
    product: Product, world: World
):
    api = next(row for row in await apis(product) if row["asset_id"])
    world.standin.control.post({"reset": True})
    live = await refreshed(product, api)
    environments = len(live["environments"])
    assert world.standin.control.stats.requests <= 1 + 2 * environments + 3 * len(live["instances"])


async def test_a_viewer_may_not_read_live(product: Product, world: World):
    api = (await apis(product))[0]
    product.may(Right.VIEWER)
    assert (await product.call("POST", f"apis/{api['id']}/refresh")).status_code == 403


async def test_an_unknown_api_or_one_of_another_site_is_not_there(
    product: Product, world: World, theirs: Home
):
    api = (await apis(product))[0]
    for api_id in ("x", "0" * 32, "%00"):
        assert (await product.call("POST", f"apis/{api_id}/refresh")).status_code == 404
    product.issuer = "theirs"
    assert (await product.call("POST", f"apis/{api['id']}/refresh")).status_code == 404


async def test_refused_credentials_are_said_and_nothing_else_is_tried(
    product: Product, world: World
):
    api = (await apis(product))[0]
    world.standin.control.post({"refuse_credentials": True, "revoke": True})
    answer = await product.call("POST", f"apis/{api['id']}/refresh")
    assert answer.status_code == 409
    assert world.estate.client_secret not in answer.text
