"""The drilldown of a large API against that of a small one: the server's whole answer, as served.

Run by `make bench`, or alone: `python -m bench.drilldown --json out.json`.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from app.store.database import Database
from app.store.encryption import Keyring
from bench.harness import Line
from sandbox.estate_model import Api, Contract, Estate, Tier
from tests.postgres import cluster, fresh_database, stop_cluster
from tests.store.estate import SPACE
from tests.web.conftest import settled
from tests.web.live import synced
from tests.web.product import Product, served

CONTRACTS, TIERS = 600, 260
SMALL_CONTRACTS, SMALL_TIERS = 6, 3
ROUNDS = 30
GOAL = 3.0


def both(estate: Estate) -> list[Api]:
    """Return the large API and the small one: two that are deployed once in each environment."""
    return [api for api in estate.apis if len(api.instances) == len(estate.environments)][:2]


def changed(estate: Estate) -> None:
    """Give one API many contracts and tiers, the other a few; policies and differences alike."""
    large, small = both(estate)
    for api, contracts, tiers in (
        (large, CONTRACTS, TIERS),
        (small, SMALL_CONTRACTS, SMALL_TIERS),
    ):
        for one, like in zip(api.instances, large.instances, strict=True):
            one.policies = list(like.policies)
            one.tiers = [Tier(f"tier-{n:03}", [(n + 1, 60_000)]) for n in range(tiers)]
            one.contracts = [
                Contract(f"app-{n:03}", 9000 + n, f"tier-{n % tiers:03}") for n in range(contracts)
            ]
        api.instances[0].contracts[0].status = "REVOKED"
        api.instances[0].tiers[0].limits = [(7, 60_000)]


@asynccontextmanager
async def product() -> AsyncIterator[tuple[Product, str, str]]:
    """Serve the app on a database with both APIs; yields it with their ids."""
    addresses, keyring = fresh_database(), Keyring({"bench": b"k" * 32})
    database = Database(addresses.app_url, pool_size=5)
    async with AsyncExitStack() as stack:
        stack.callback(cluster().drop, addresses)
        stack.push_async_callback(database.close)
        served_app = await stack.enter_async_context(served(addresses, database, keyring))
        home = await settled(database, keyring, "ours")
        world = await stack.enter_async_context(
            synced(addresses, database, keyring, home, served_app, change=changed, apis=6)
        )
        ids = {row["name"]: row["id"] for row in (await served_app.get("posture"))["apis"]}
        large, small = (ids[api.name] for api in both(world.estate))
        yield served_app, large, small


async def measured(app: Product, large: str, small: str) -> Line:
    """Ask for both in turns and compare the times of the whole answers."""
    times: dict[str, list[float]] = {large: [], small: []}
    for api_id in (large, small):
        await asked(app, api_id)
    for turn in range(ROUNDS):
        for api_id in (large, small) if turn % 2 else (small, large):
            gc.collect()
            start = time.perf_counter()
            await asked(app, api_id)
            times[api_id].append(time.perf_counter() - start)
    return Line(
        "D1",
        f"drilldown, {CONTRACTS} contracts and {TIERS} tiers, against a small one",
        times[large],
        times[small],
        GOAL,
        "s",
        f"{SMALL_CONTRACTS} contracts, {SMALL_TIERS} tiers, same policies, whole answer as served",
    )


async def asked(app: Product, api_id: str) -> None:
    """Ask for one API as the dialog's script does."""
    answer = await app.call("GET", f"/fragments/spaces/{SPACE}/apis/{api_id}")
    assert answer.status_code == 200, answer.text


async def line() -> Line:
    """Return the measured line."""
    async with product() as (app, large, small):
        return await measured(app, large, small)


def main() -> int:
    """Print the line; 0 if the goal is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    try:
        told = asyncio.run(line())
    finally:
        stop_cluster()
    print(told.told(), flush=True)
    if options.json:
        options.json.write_text(json.dumps([told.as_json()], indent=2))
    return 0 if told.is_ok else 1


if __name__ == "__main__":
    sys.exit(main())
