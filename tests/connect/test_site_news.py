"""A change of a site is heard by every other process, or the database is asked each time."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import psycopg
import pytest

from app.connect.door import ConnectDoor
from app.connect.known_sites import KnownSite
from app.store import sites
from app.store.database import Database
from app.store.site_news import listening
from tests.connect.atlassian import BASE_URL, KEYS_URL, OAUTH_URL
from tests.connect.conftest import OURS, THEIRS, Confluence, Site, thin_app
from tests.postgres import FreshDatabase

RENEWED = replace(OURS, secret="a new secret of our own site, 32 bytes and more")
AT_ONCE = 1.0
PATIENCE = 20.0
LISTENERS = "FROM pg_stat_activity WHERE application_name = 'plumbline news'"


@pytest.fixture
async def other(confluence: Confluence, addresses: FreshDatabase) -> AsyncIterator[Confluence]:
    """The same deployment as `confluence`, as another process would serve it."""
    database = Database(addresses.app_url, pool_size=2)
    async with asked_elsewhere(confluence, database) as elsewhere:
        known = elsewhere.door.known_sites
        async with listening(addresses.app_url, known.kept):
            await eventually(lambda: kept(elsewhere))
            yield elsewhere
    await database.close()


@asynccontextmanager
async def asked_elsewhere(home: Confluence, database: Database) -> AsyncIterator[Confluence]:
    """Lend a door of its own, on its own connections, to the same installations."""
    async with home.atlassian.client() as outside:
        door = ConnectDoor(
            database=database,
            keyring=home.keyring,
            http=outside,
            base_url=BASE_URL,
            install_keys_url=KEYS_URL,
            oauth_url=OAUTH_URL,
            clock=home.clock,
        )
        transport = httpx.ASGITransport(thin_app(door, home.lifecycle))
        async with httpx.AsyncClient(transport=transport, base_url="https://test") as http:
            yield replace(home, http=http, door=door)


async def kept(there: Confluence) -> bool:
    return there.door.known_sites.is_hearing


async def eventually(reached: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not await reached():
        assert time.monotonic() < until, "it did not come in time"
        await asyncio.sleep(0.01)


async def remembered(there: Confluence, site: Site) -> KnownSite | None:
    """Return the site as the process holds it, once the news of its installation is through."""
    held = there.door.known_sites.installed

    async def twice_the_same() -> bool:
        return await held(site.client_key) is await held(site.client_key)

    await eventually(twice_the_same)
    return await held(site.client_key)


async def refused_at_once(there: Confluence, site: Site) -> None:
    async def refused() -> bool:
        return not await there.works(site)

    await eventually(refused, AT_ONCE)


def listeners(addresses: FreshDatabase, question: str) -> None:
    with psycopg.connect(addresses.superuser_url, autocommit=True) as db:
        db.execute(f"SELECT {question} {LISTENERS} AND datname = current_database()".encode())


async def test_a_replaced_secret_is_dead_in_the_other_process_at_once(confluence, other):
    await confluence.install(OURS)
    assert await other.works(OURS)
    confluence.clock.pass_(seconds=1)
    await confluence.install(RENEWED)
    await refused_at_once(other, OURS)
    assert await other.works(RENEWED)


async def test_a_removed_site_is_dead_in_the_other_process_at_once(confluence, other):
    await confluence.install(OURS)
    await confluence.install(THEIRS)
    assert await other.works(OURS)
    assert await other.works(THEIRS)
    assert (await confluence.uninstall(OURS)).status_code == 204
    await refused_at_once(other, OURS)
    assert await other.works(THEIRS)


@pytest.mark.parametrize("event", ["disabled", "enabled"])
async def test_switching_the_app_on_or_off_is_heard_too(confluence, other, event):
    await confluence.install(OURS)
    before = await remembered(other, OURS)
    assert (await confluence.notify(OURS, event)).status_code == 204

    async def asked_again() -> bool:
        return await other.door.known_sites.installed(OURS.client_key) is not before

    await eventually(asked_again, AT_ONCE)


async def test_a_change_that_is_rolled_back_is_no_news(confluence, other):
    await confluence.install(OURS)
    before = await remembered(other, OURS)
    assert before is not None
    site_id = before.installation.site_id
    with pytest.raises(InterruptedError):
        async with confluence.database.transaction(site_id) as db:
            await sites.set_enabled(db, site_id, enabled=False)
            raise InterruptedError
    await asyncio.sleep(0.2)
    assert await other.door.known_sites.installed(OURS.client_key) is before


async def test_without_its_listening_connection_a_process_asks_each_time(
    confluence, other, addresses, caplog
):
    await confluence.install(OURS)
    assert await other.works(OURS)
    listeners(addresses, "pg_terminate_backend(pid)")

    async def deaf() -> bool:
        return not await kept(other)

    await eventually(deaf)
    before = await other.door.known_sites.installed(OURS.client_key)
    assert await other.door.known_sites.installed(OURS.client_key) is not before
    confluence.clock.pass_(seconds=1)
    await confluence.install(RENEWED)
    assert not await other.works(OURS)
    assert "nobody hears news" in caplog.text
    assert OURS.secret not in caplog.text
    await eventually(lambda: kept(other))
    assert await other.works(RENEWED)
    assert not await other.works(OURS)


async def test_a_site_in_memory_opens_no_door_to_another(confluence, other):
    for site in (OURS, THEIRS):
        await confluence.install(site)
        assert await other.works(site)
    forged = replace(OURS, secret=THEIRS.secret)
    assert not await other.works(forged)
    ours, theirs = (await other.call(OURS)).json(), (await other.call(THEIRS)).json()
    assert ours["site_id"] != theirs["site_id"]
    assert ours["rest_base"] == OURS.base_url


async def test_the_news_does_not_say_whose_it_is(confluence, addresses):
    async with await psycopg.AsyncConnection.connect(addresses.app_url, autocommit=True) as db:
        await db.execute("LISTEN plumbline_sites")
        await confluence.install(OURS)
        heard = [news.payload async for news in db.notifies(timeout=PATIENCE, stop_after=1)]
    assert heard
    assert all(OURS.client_key not in payload and len(payload) == 64 for payload in heard)
