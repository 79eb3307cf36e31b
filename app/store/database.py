"""The way to the database: units of work for one site, the look-up of a site, the agenda."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import orjson
import psycopg
from psycopg import errors as driver_errors
from sqlalchemy import URL, AsyncAdaptedQueuePool, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app import metrics
from app.caller import SiteId
from app.errors import Unavailable
from app.store.migrating import head, is_newer
from app.store.pinging import ping_when_in_doubt

DB = AsyncConnection
"""One connection inside one transaction: what every query takes first."""

Question = psycopg.AsyncConnection[Any]
"""The driver's connection outside a transaction: a statement is one of its own, and goes alone."""

SEARCH_PATH = "plumbline,jobs"
READINESS_SECONDS = 1.0

SHARE = 0.6
"""Of the pool, for one site at a time: however many ask for it, others find connections."""

# The driver's own errors come from COPY, which goes by SQLAlchemy.
AWAY = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)


class Database:
    """A small pool of connections as the app's role, which owns nothing."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        pool_wait_seconds: float = 4.0,
        statement_seconds: float = 30.0,
        lock_seconds: float = 4.0,
        idle_seconds: float = 60.0,
    ) -> None:
        """Take a `postgresql://` URL; nothing is connected before the first use."""
        self._engine = _engine(
            url,
            connection_options(statement_seconds, lock_seconds, idle_seconds),
            pool_size=pool_size,
            pool_timeout=pool_wait_seconds,
        )
        self._share = max(1, int(pool_size * SHARE))
        self._wait_seconds = pool_wait_seconds
        self._sites: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def transaction(self, site_id: SiteId) -> AbstractAsyncContextManager[DB]:
        """Open one transaction that sees this site's rows and no others."""
        return self._within_share(str(UUID(site_id)))

    def lookup(self, issuer: str) -> AbstractAsyncContextManager[DB]:
        """Open one transaction that sees the installation of this claimed issuer, nothing else.

        To ask for it and to do nothing else, see `sites.find_installation`.
        """
        return self._unit("plumbline.installation", issuer)

    @asynccontextmanager
    async def question(self) -> AsyncIterator[Question]:
        """Open a connection for a single statement that needs no site: one round trip, not four."""
        with _said_for_us():
            async with self._engine.connect() as db, _without_transaction(db) as question:
                yield question

    def agenda(self) -> AbstractAsyncContextManager[DB]:
        """Open one transaction without a site: it sees the agenda and the job queue."""
        return self._unit("plumbline.site", "")

    @property
    def in_use(self) -> int:
        """How many of the pool's connections are at work."""
        pool = self._engine.pool
        assert isinstance(pool, AsyncAdaptedQueuePool)
        return pool.checkedout()

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()

    async def problem(self) -> str | None:
        """Return why the database cannot serve now, or None if it can."""
        try:
            async with asyncio.timeout(READINESS_SECONDS):
                return await self.schema_problem()
        except (TimeoutError, Unavailable):
            return "The database cannot be reached."

    async def schema_problem(self) -> str | None:
        """Return what the database lacks for this release; `Unavailable` where it is not reached."""
        try:
            async with self.agenda() as db:
                revision = await _revision(db)
        except ProgrammingError:
            return "The database role lacks its rights: run `plumbline migrate` for this role."
        if revision == head() or is_newer(revision):
            return None
        return f"The database's schema is {revision or 'missing'}, this release needs {head()}."

    async def role_problem(self) -> str | None:
        """Return why the app's role must not be used, or None if it is an ordinary one."""
        question = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        async with self.agenda() as db:
            is_super, bypasses = (await db.execute(text(question))).one()
        if is_super:
            return "the role is a superuser, which sees the rows of all sites"
        return "the role has BYPASSRLS, so it sees the rows of all sites" if bypasses else None

    @asynccontextmanager
    async def _within_share(self, site_id: str) -> AsyncIterator[DB]:
        room = self._sites.setdefault(site_id, asyncio.Semaphore(self._share))
        try:
            async with asyncio.timeout(self._wait_seconds):
                await room.acquire()
        except TimeoutError:
            raise Unavailable("This site asks for too much at once. Try again.") from None
        try:
            async with self._unit("plumbline.site", site_id) as db:
                yield db
        finally:
            room.release()

    @asynccontextmanager
    async def _unit(self, setting: str, value: str) -> AsyncIterator[DB]:
        with _said_for_us():
            begun = time.perf_counter()
            async with self._engine.begin() as db:
                metrics.POOL_WAIT_SECONDS.observe(time.perf_counter() - begun)
                await _set(db, setting, value)
                yield db


@asynccontextmanager
async def _without_transaction(db: DB) -> AsyncIterator[Question]:
    connection = await driver_connection(db)
    await connection.set_autocommit(True)
    try:
        yield connection
    finally:
        if not connection.broken:
            await connection.set_autocommit(False)


@contextmanager
def _said_for_us() -> Iterator[None]:
    """Raise `Unavailable` for a database that is away or takes no writes."""
    try:
        yield
    except AWAY as error:
        raise Unavailable("The database cannot be reached. Try again in a moment.") from error
    except DBAPIError as error:
        if isinstance(error.orig, driver_errors.ReadOnlySqlTransaction):
            raise Unavailable("Nothing can be saved at the moment. Try again.") from error
        raise


async def enter_site(db: DB, site_id: SiteId) -> None:
    """Let the rest of this transaction see the site that a look-up has found."""
    await _set(db, "plumbline.site", str(UUID(site_id)))


async def enter_issuer(db: DB, issuer: str) -> None:
    """Let the rest of this transaction look up another issuer, which something signed has named."""
    await _set(db, "plumbline.installation", issuer)


async def driver_connection(db: DB) -> "psycopg.AsyncConnection[Any]":
    """Return the driver's connection inside the same transaction: for COPY and for the queue."""
    raw = await db.get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    return connection


def driver_url(url: str) -> URL:
    """Return the URL with our driver in it; operators write `postgresql://`."""
    return make_url(url).set(drivername="postgresql+psycopg")


def connection_options(
    statement_seconds: float = 30.0, lock_seconds: float = 4.0, idle_seconds: float = 60.0
) -> str:
    """Return libpq's `options`: our schemas, UTC, and limits so that nobody waits for ever."""
    settings = {
        "search_path": SEARCH_PATH,
        "timezone": "UTC",
        "statement_timeout": int(statement_seconds * 1000),
        "lock_timeout": int(lock_seconds * 1000),
        "idle_in_transaction_session_timeout": int(idle_seconds * 1000),
    }
    return " ".join(f"-c{name}={value}" for name, value in settings.items())


def _engine(url: str, options: str, *, pool_size: int, pool_timeout: float) -> AsyncEngine:
    engine = create_async_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "options": options,
            "connect_timeout": 3,
            "application_name": "plumbline",
        },
    )
    ping_when_in_doubt(engine)
    return engine


async def _set(db: DB, setting: str, value: str) -> None:
    # Local to the transaction: a plain SET would stay on the pooled connection for the next site.
    # By the driver itself: it is half as long as by SQLAlchemy, and every transaction begins so.
    connection = await driver_connection(db)
    await connection.execute("SELECT set_config(%s, %s, true)", (setting, value))


async def _revision(db: DB) -> str:
    known = await db.scalar(text("SELECT to_regclass('plumbline.alembic_version') IS NOT NULL"))
    if not known:
        return ""
    return await db.scalar(text("SELECT version_num FROM plumbline.alembic_version")) or ""
