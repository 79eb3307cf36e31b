"""A server that says nothing: how long it is waited for, and how the waiting ends."""

import asyncio
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

ANSWER_SECONDS = 4.0
"""How long a server may take over a statement that asks nothing of it."""

WATCHED: dict[str, Any] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""What every connection is made with: a machine that vanished is noticed within half a minute."""


@contextmanager
def answering(connection: Any, seconds: float = ANSWER_SECONDS) -> Iterator[None]:
    """Hang up where the server has not answered by then: who waits for it gets an error at once.

    A wait that is cancelled would first ask the silent server to stop, for ten seconds.
    """
    loop = asyncio.get_running_loop()

    def half() -> None:
        alarms.append(loop.call_later(seconds / 2, hang_up, [connection]))

    # In two halves: where this process itself stood still, the answer lies there and is read now.
    alarms = [loop.call_later(seconds / 2, half)]
    try:
        yield
    finally:
        for alarm in alarms:
            alarm.cancel()


def hang_up(connections: Iterable[Any]) -> None:
    """Cut the lines under connections, whatever they wait for; one that is closed stays so."""
    for connection in connections:
        with suppress(OSError, psycopg.OperationalError):
            line = socket.socket(fileno=os.dup(connection.fileno()))
            with line:
                line.shutdown(socket.SHUT_RDWR)
