"""One API over the JSON API, after a real sync of the stand-in's estate."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.queue import Queue
from sandbox import anypoint, estate
from tests.postgres import FreshDatabase
from tests.store.estate import SPACE, Home
from tests.sync.world import World
from tests.web.product import Product

SECTIONS = ("policies", "tiers", "contracts")


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home
) -> AsyncIterator[World]:
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    built = estate.build(seed=1, apis=6, environments=3)
    made = World(database, keyring, queue, ours.site_id, built, anypoint.create_app(built))
    await made.connect()
    yield made
    await made.close()
    await queue.close()


async def apis(product: Product) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await product.get("posture"))["apis"]
    return found


async def test_one_api_agrees_with_its_row_and_shows_it_side_by_side(
    product: Product, world: World
):
    ended = await world.sync()
    rows = await apis(product)
    assert rows
    for row in rows:
        one = await product.get(f"apis/{row['id']}")
        shared = set(row) - {"findings", "accepted"}
        assert {name: one[name] for name in shared} == {name: row[name] for name in shared}
        assert one["sync"]["id"] == ended.id
        counts = [item["severity"] for item in one["findings"]]
        assert {word: counts.count(word) for word in row["findings"]} == row["findings"]
        assert all(item["api_id"] == row["id"] for item in one["findings"])
        assert set(one["matrices"]) == set(SECTIONS)
        placed = {(item["environment_id"], item["instance_id"]) for item in one["instances"]}
        assert placed == {
            (environment, item["instance_id"])
            for environment, cell in row["environments"].items()
            for item in cell["instances"]
        }
        for matrix in one["matrices"].values():
            assert all(len(line["cells"]) == len(matrix["columns"]) for line in matrix["rows"])


async def test_what_was_published_of_an_api_outlasts_the_connection(product: Product, world: World):
    await world.sync()
    (row, *_) = await apis(product)
    before = await product.get(f"apis/{row['id']}")
    await world.connections.remove(world.site_id, SPACE)
    assert await product.get(f"apis/{row['id']}") == before


async def test_what_differs_is_marked_with_the_values_of_each_column(
    product: Product, world: World
):
    await world.sync()
    (finding, *_) = (await product.get("findings?kind=policy_config"))["findings"]
    one = await product.get(f"apis/{finding['api_id']}")
    subject = finding["subject"].partition("#")[0]
    rows = [row for row in one["matrices"]["policies"]["rows"] if row["differs"]]
    assert any(subject in row["subject"] for row in rows)
    fields = [field for row in rows for field in row["fields"] if field["differs"]]
    assert set(finding["paths"]) & {field["path"] for field in fields}


async def test_an_api_of_no_sync_or_of_another_site_is_not_there(
    product: Product, world: World, theirs: Home
):
    assert (await product.call("GET", "apis/0123456789abcdef0123456789abcdef")).status_code == 404
    await world.sync()
    row = (await apis(product))[0]
    for api_id in ("x", "0" * 32, row["id"].upper()):
        assert (await product.call("GET", f"apis/{api_id}")).status_code == 404
    product.issuer = "theirs"
    assert (await product.call("GET", f"apis/{row['id']}")).status_code == 404
    assert theirs.space_id == SPACE
