"""A world per test: a small estate behind the stand-in, an installed site, an open queue."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.caller import Door
from app.store import arrivals
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.install_tokens import Receipt
from app.sync.queue import Queue
from sandbox import anypoint, estate
from tests.postgres import FreshDatabase
from tests.sync.world import START, World


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring
) -> AsyncIterator[World]:
    arrival = arrivals.Arrival(
        door=Door.CONNECT,
        issuer="ours",
        base_url="https://ours.atlassian.net/wiki",
        display_url="https://ours.atlassian.net/wiki",
        oauth_client_id="oauth-client",
        shared_secret="a secret of enough length",
    )
    receipt = Receipt(b"token", b"body", START + timedelta(minutes=3))
    async with database.lookup("ours") as db:
        site_id, _ = await arrivals.install(db, arrival, receipt, keyring, START)
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    built = estate.build(seed=1, apis=6, environments=3)
    made = World(database, keyring, queue, site_id, built, anypoint.create_app(built))
    yield made
    await made.close()
    await queue.close()
