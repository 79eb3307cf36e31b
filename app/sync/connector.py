"""The queue's way to the database: it outlasts a restart of Postgres."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, LiteralString, TypeVar
from weakref import WeakSet

import psycopg
import psycopg_pool
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException

from app.store.silence import hang_up

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.2
MOST_WAIT_SECONDS = 1.0

QUESTION_PATIENCE_SECONDS = 15.0
"""How long a question may meet no database before its worker is started anew."""

WRITE_PATIENCE_SECONDS = 60.0
"""How long the end of a job is tried to be written. Longer than questions wait, so that a worker
that gave a write up is never the one that goes on: another one finds the job of a silent worker."""

Result = TypeVar("Result")


class PatientConnector(PsycopgConnector):
    """Asks again while the database is away, where the library would give up and end the worker."""

    def __init__(self, **pool: Any) -> None:
        """Take what the pool takes."""
        self._lines: WeakSet[psycopg.AsyncConnection[Any]] = WeakSet()
        super().__init__(configure=self._note, **pool)

    async def _note(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        self._lines.add(connection)

    async def close_async(self) -> None:
        """Disconnect; whoever still waits for the server waits no longer."""
        hang_up(self._lines)
        await super().close_async()

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a statement, for a while again and again."""
        run = super().execute_query_async
        await patient(lambda: run(query, **arguments), WRITE_PATIENCE_SECONDS)

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        """Return one row."""
        run = super().execute_query_one_async
        return await patient(lambda: run(query, **arguments), QUESTION_PATIENCE_SECONDS)

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        """Return all rows."""
        run = super().execute_query_all_async
        return await patient(lambda: run(query, **arguments), QUESTION_PATIENCE_SECONDS)

    async def open_async(self, pool: "psycopg_pool.AsyncConnectionPool | None" = None) -> None:
        """Open the pool without waiting for a database that may be away."""
        if self._async_pool is None and pool is None:
            self._async_pool = await self._create_pool(self._pool_args)
            await self._async_pool.open(wait=False)

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Listen for ever; a connection that died is made anew."""
        listen = super().listen_notify
        names = list(channels)
        while True:
            try:
                await listen(on_notification, names)
            except ConnectorException as error:
                if not is_away(error):
                    raise
            await asyncio.sleep(MOST_WAIT_SECONDS)


async def patient(ask: Callable[[], Awaitable[Result]], seconds: float) -> Result:
    """Return the answer; while the database is away ask again, at most for so long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            return await ask()
        except ConnectorException as error:
            if not is_away(error) or loop.time() + wait > until:
                raise
        log.info("the queue's database is away, asking again")
        await asyncio.sleep(wait)
        wait = min(MOST_WAIT_SECONDS, wait * 2)


def is_away(error: ConnectorException) -> bool:
    """Tell whether an error says that the database cannot be reached now."""
    return isinstance(error.__cause__, psycopg.OperationalError | psycopg.InterfaceError)
