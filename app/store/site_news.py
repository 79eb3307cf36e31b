"""News of installations that changed: sent with the change, heard by every process that listens."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import func, select

from app.caller import SiteId
from app.store.database import DB
from app.store.silence import WATCHED
from app.store.tables import installations

log = logging.getLogger(__name__)

CHANNEL = "plumbline_sites"
PULSE_SECONDS = 5.0
"""How long the listening connection may be silent before it is asked whether it is still there."""

RETRY_SECONDS = 1.0

Kept = Callable[[], AbstractContextManager[Callable[[str], None]]]
"""What may be kept as long as its block lasts, since each piece of news is given to its function."""


def digest_of(issuer: str) -> str:
    """Return what the news says instead of the issuer: any role of the database may listen."""
    return hashlib.sha256(issuer.encode()).hexdigest()


async def announce(db: DB, site_id: SiteId) -> None:
    """Tell all processes, once this transaction is committed, that the site's installation changed."""
    digest = func.encode(func.sha256(func.convert_to(installations.c.issuer, "UTF8")), "hex")
    await db.execute(
        select(func.pg_notify(CHANNEL, digest)).where(installations.c.site_id == site_id)
    )


@asynccontextmanager
async def listening(url: str, kept: Kept) -> AsyncIterator[None]:
    """Listen beside the block, on one connection of its own; lost, it is made anew."""
    task = asyncio.create_task(_listen_for_ever(url, kept), name="site news")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _listen_for_ever(url: str, kept: Kept) -> None:
    while True:
        try:
            await _listen(url, kept)
        except (psycopg.Error, TimeoutError, OSError) as error:
            log.warning("sites are looked up each time: nobody hears news (%s)", type(error))
        await asyncio.sleep(RETRY_SECONDS)


async def _listen(url: str, kept: Kept) -> None:
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, application_name="plumbline news", **WATCHED
    )
    async with connection:
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        # What was looked up before this line may be old: the block begins with nothing kept.
        with kept() as changed:
            while True:
                await _hear(connection, changed)


async def _hear(connection: "psycopg.AsyncConnection[Any]", changed: Callable[[str], None]) -> None:
    """Pass news on for a while, then ask whether the connection is still there."""
    async for news in connection.notifies(timeout=PULSE_SECONDS):
        changed(news.payload)
    async with asyncio.timeout(PULSE_SECONDS):
        await connection.execute(b"SELECT 1")
