"""Exports over a real socket: what breaks off is seen to be broken, and leaves nothing behind."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from sqlalchemy import text

from app.store.database import Database
from app.web import downloads
from app.web.assembly import bare_app, install_web
from tests.store.estate import Home, make_posture, rows_of
from tests.web.product import Product

APIS = 6000


@asynccontextmanager
async def listening(product: Product) -> AsyncIterator[str]:
    """Serve the product on a socket of loopback."""
    app = install_web(bare_app(), product.services)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as bound:
        running = asyncio.create_task(server.serve(sockets=[bound]))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        await running


@pytest.fixture
async def many(ours: Home) -> None:
    await ours.published(rows=rows_of(*(make_posture(f"g/orders-{n}") for n in range(APIS))))


@asynccontextmanager
async def download(product: Product, base: str, path: str) -> AsyncIterator[httpx.Response]:
    """Begin a download and leave it to the test how much of it is read."""
    place = f"/api/spaces/65538/{path}"
    token = {"Authorization": f"JWT {product.token('context', 'GET', place)}"}
    async with (
        httpx.AsyncClient(base_url=base) as http,
        http.stream("GET", place, headers=token) as answer,
    ):
        assert answer.status_code == 200
        yield answer


async def test_a_download_that_breaks_off_is_no_whole_file(
    product: Product, many: None, database: Database, ours: Home
):
    async with listening(product) as base, download(product, base, "posture.csv") as answer:
        pieces = answer.aiter_raw(1024)
        await anext(pieces)
        await end_other_sessions(database, ours)
        with pytest.raises(httpx.RemoteProtocolError):
            [piece async for piece in pieces]


async def end_other_sessions(database: Database, ours: Home) -> None:
    """End the database's other sessions, as its restart would."""
    question = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND usename = current_user "
        "AND datname = current_database() AND application_name = 'plumbline' "
        "AND state <> 'idle'"
    )
    async with database.transaction(ours.site_id) as db:
        await db.execute(text(question))


async def test_who_leaves_gives_back_slot_and_connection(product: Product, many: None, ours: Home):
    async with listening(product) as base:
        for _ in range(8):
            async with download(product, base, "posture.csv") as answer:
                await anext(answer.aiter_raw(1024))
            await until_given_back(product, ours)
        async with download(product, base, "posture.csv") as answer:
            whole = await answer.aread()
    assert whole.count(b"\r\n") == 2 * APIS + 1


async def until_given_back(product: Product, ours: Home) -> None:
    """Wait until both slots of the site are free."""
    async with asyncio.timeout(10):
        while True:
            with product.services.downloads.taken(ours.site_id):
                try:
                    with product.services.downloads.taken(ours.site_id):
                        return
                except downloads.TooSoon:
                    await asyncio.sleep(0.02)


async def test_a_sync_published_meanwhile_changes_nothing(product: Product, many: None, ours: Home):
    async with listening(product) as base, download(product, base, "posture.csv") as answer:
        pieces = answer.aiter_raw(1024)
        first = await anext(pieces)
        await ours.published(rows=rows_of(make_posture("g/other")))
        rest = b"".join([piece async for piece in pieces])
    lines = (first + rest).decode().split("\r\n")[1:-1]
    assert len(lines) == 2 * APIS
    assert len({line.rsplit(",", 1)[1] for line in lines}) == 1


async def test_a_reader_who_stands_still_is_sent_away(
    product: Product, many: None, ours: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(downloads, "SEND_SECONDS", 0.2)
    async with listening(product) as base, download(product, base, "posture.csv") as answer:
        await anext(answer.aiter_raw(1))
        await asyncio.sleep(1.5)
        await until_given_back(product, ours)
