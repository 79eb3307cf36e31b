"""Which connections of a pool are pinged when they are taken: those whose server may be gone."""

import select
import time
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from app.store.silence import answering

TRUSTED_SECONDS = 1.0
"""How long a connection is trusted after its use, unless its server has said something since."""

LEFT_AT = "left_at"


def ping_when_in_doubt(engine: AsyncEngine) -> None:
    """Have the engine's pool replace a connection that is gone, without a ping for each that is not.

    A ping takes as long as a statement. A server that leaves says so, or at least hangs up: either
    can be seen without asking it.
    """
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def left(_: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[LEFT_AT] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: Any, entry: ConnectionPoolEntry, _: Any) -> None:
        if not _is_in_doubt(entry):
            return
        try:
            with answering(entry.driver_connection):
                dialect.do_ping(connection)
        except psycopg.Error as error:
            raise DisconnectionError from error


def _is_in_doubt(entry: ConnectionPoolEntry) -> bool:
    left_at = entry.info.get(LEFT_AT)
    if left_at is None:  # it was made for this very use
        return False
    return time.monotonic() - left_at > TRUSTED_SECONDS or _was_spoken_to(entry)


def _was_spoken_to(entry: ConnectionPoolEntry) -> bool:
    """Tell whether something lies there to be read: between two uses that is a farewell, mostly."""
    connection = entry.driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
