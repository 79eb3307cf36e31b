"""The way to the database: units of work for one site, the look-up of a site, the agenda."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID
from weakref import WeakSet, WeakValueDictionary

import psycopg
from psycopg import errors as driver_errors
from sqlalchemy import AsyncAdaptedQueuePool, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from app import metrics
from app.caller import SiteId
from app.errors import Unavailable
from app.store.engine import connection_options, pooled_engine
from app.store.migrating import head, is_newer
from app.store.silence import answering, hang_up

DB = AsyncConnection
"""One connection inside one transaction: what every query takes first."""

Question = psycopg.AsyncConnection[Any]
"""The driver's connection outside a transaction: a statement is one of its own, and goes alone."""

READINESS_SECONDS = 1.0
QUESTION_SECONDS = 4.0

UNREACHED = "The database cannot be reached."

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
        self._engine = pooled_engine(
            url,
            connection_options(statement_seconds, lock_seconds, idle_seconds),
            pool_size=pool_size,
            pool_timeout=pool_wait_seconds,
        )
        self._lines: WeakSet[Question] = WeakSet()
        self._looking: asyncio.Task[str | None] | None = None
        event.listen(self._engine.sync_engine, "connect", self._note)
        self._share = max(1, int(pool_size * SHARE))
        self._wait_seconds = pool_wait_seconds
        self._sites: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def transaction(self, site_id: SiteId) -> AbstractAsyncContextManager[DB]:
        """Open one transaction that sees this site's rows and no others."""
        return self._within_share(str(UUID(site_id)))

    def lookup(self, issuer: str) -> AbstractAsyncContextManager[DB]:
        """Open one transaction that sees the installation of this claimed issuer, nothing else.

        To ask for it and to do nothing else, see `looking_up`.
        """
        return self._unit("plumbline.installation", issuer)

    @asynccontextmanager
    async def question(self) -> AsyncIterator[Question]:
        """Open a connection for a single statement that needs no site: one round trip, not four."""
        with _said_for_us():
            async with self._engine.connect() as db, _without_transaction(db) as question:
                with answering(question, QUESTION_SECONDS):
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
        """Give all connections back; whoever still waits for the server waits no longer."""
        hang_up(self._lines)
        await self._engine.dispose()

    def _note(self, connection: Any, _: Any) -> None:
        self._lines.add(connection.driver_connection)

    async def problem(self) -> str | None:
        """Return why the database cannot serve now, or None if it can; all who ask share one look."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        # Not a time-out: a cancelled question to a silent server goes on for long.
        await asyncio.wait([self._looking], timeout=READINESS_SECONDS)
        return self._looking.result() if self._looking.done() else UNREACHED

    async def _look(self) -> str | None:
        try:
            return await self.schema_problem()
        except Unavailable:
            return UNREACHED

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

    async def owns_schema(self) -> bool:
        """Tell whether this role owns our tables too; nobody does before they are made."""
        question = (
            "SELECT bool_or(tableowner = current_user) FROM pg_tables WHERE schemaname = :ours"
        )
        async with self.agenda() as db:
            return bool(await db.scalar(text(question), {"ours": "plumbline"}))

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
                with answering(await driver_connection(db)):
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
        if _was_cancelled(error):
            raise asyncio.CancelledError from error
        raise Unavailable("The database cannot be reached. Try again in a moment.") from error
    except DBAPIError as error:
        if isinstance(error.orig, driver_errors.ReadOnlySqlTransaction):
            raise Unavailable("Nothing can be saved at the moment. Try again.") from error
        raise


def _was_cancelled(error: BaseException | None) -> bool:
    """Tell whether an error is only of the rollback that a cancelled task could not do."""
    while error is not None and not isinstance(error, asyncio.CancelledError):
        error = error.__context__
    return error is not None


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
