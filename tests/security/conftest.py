"""The served app between hostile parties, and a world whose Anypoint may lie."""

from collections.abc import AsyncIterator

import pytest

from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.queue import Queue
from sandbox import anypoint, estate
from tests.postgres import FreshDatabase
from tests.security.hostile import LyingWorld
from tests.store.estate import settle
from tests.web.conftest import ours, product, theirs

__all__ = ["ours", "product", "theirs"]


@pytest.fixture
async def lying(
    addresses: FreshDatabase, database: Database, keyring: Keyring
) -> AsyncIterator[LyingWorld]:
    home = await settle(database, keyring, "ours")
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    built = estate.build(seed=1, apis=3, environments=3)
    standin = anypoint.create_app(built)
    yield LyingWorld(database, keyring, queue, home.site_id, built, standin)
    await queue.close()
