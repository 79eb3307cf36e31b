"""One site's flood does not slow another: neither its requests nor its transactions."""

import asyncio
import time

import httpx
import pytest
from sqlalchemy import text

from app import parts
from app.anypoint.errors import Throttled
from app.anypoint.limiter import Gates
from app.caller import SiteId
from app.errors import Unavailable
from app.settings import Settings
from app.store.database import Database
from app.web.threads import in_thread


async def test_a_site_that_takes_all_it_can_leaves_connections_to_the_others(
    addresses, ours, theirs
):
    database = Database(addresses.app_url, pool_size=5, pool_wait_seconds=30)
    asked = asyncio.Event()

    async def slow() -> None:
        async with database.transaction(ours.site_id) as db:
            asked.set()
            await db.execute(text("SELECT pg_sleep(0.4)"))

    flood = [asyncio.create_task(slow()) for _ in range(20)]
    await asked.wait()
    await asyncio.sleep(0.05)
    async with database.transaction(theirs.site_id) as db:
        await db.execute(text("SELECT 1"))
    waiting = [task for task in flood if not task.done()]
    await asyncio.gather(*flood)
    await database.close()
    assert len(waiting) > 10


async def test_a_site_that_waits_too_long_for_itself_is_told_to_come_again(addresses, ours):
    database = Database(addresses.app_url, pool_size=1, pool_wait_seconds=0.1)
    async with database.transaction(ours.site_id):
        with pytest.raises(Unavailable):
            async with database.transaction(ours.site_id):
                pass
    async with database.transaction(ours.site_id):
        pass
    await database.close()


async def test_who_merely_knows_the_id_of_an_app_has_nobody_else_wait():
    def anypoint(request: httpx.Request) -> httpx.Response:
        if b"guessed" in request.content:
            return httpx.Response(429, headers={"Retry-After": "3600"})
        if request.method == "POST":
            return httpx.Response(200, json={"access_token": "t"})
        return httpx.Response(200, json={"id": "org", "name": "Ours"})

    gates = Gates()
    async with httpx.AsyncClient(transport=httpx.MockTransport(anypoint)) as http:
        knowing, guessing = (
            parts.anypoint_client(Settings(), http, gates, "https://us.example", "app", secret, b"")
            for secret in ("the secret", "guessed")
        )
        with pytest.raises(Throttled):
            await guessing.organization("org")
        assert (await knowing.organization("org")).name == "Ours"


async def test_a_site_that_keeps_the_processor_busy_leaves_threads_to_the_others():
    flood = [asyncio.create_task(in_thread(SiteId("ours"), time.sleep, 0.05)) for _ in range(40)]
    await asyncio.sleep(0.01)
    await in_thread(SiteId("theirs"), time.sleep, 0)
    waiting = [task for task in flood if not task.done()]
    await asyncio.gather(*flood)
    assert len(waiting) > 30
