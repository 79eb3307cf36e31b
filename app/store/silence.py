"""A server that says nothing: how long it is waited for, and how the waiting ends."""

import asyncio
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

ANSWER_SECONDS = 2.0
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
    alarm = asyncio.get_running_loop().call_later(seconds, hang_up, [connection])
    try:
        yield
    finally:
        alarm.cancel()


def hang_up(connections: Iterable[Any]) -> None:
    """Cut the lines under connections, whatever they wait for; one that is closed stays so."""
    for connection in connections:
        with suppress(OSError, psycopg.OperationalError):
            line = socket.socket(fileno=os.dup(connection.fileno()))
            with line:
                line.shutdown(socket.SHUT_RDWR)
