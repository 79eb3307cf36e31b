"""Connections on either event loop: workers run on the faster one, tests on the usual one."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpcore
import pytest
import uvloop

from app.pool import Pool
from app.wire import MOST_UNREAD_BYTES, LoopBackend
from tests.test_outgoing import certificate

MUCH = b"x" * (4 * MOST_UNREAD_BYTES)

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["usual loop", "faster loop"])
def run(request: pytest.FixtureRequest) -> Run:
    made: Run = request.param
    return made


async def much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one question at length, and close."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(MUCH) + MUCH)
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_more_than_is_kept_unread_arrives_whole(run: Run, scheme: str, tmp_path: Path) -> None:
    server_side, client_side = certificate(tmp_path, "localhost")

    async def check() -> None:
        context = server_side if scheme == "https" else None
        async with await asyncio.start_server(much, "127.0.0.1", 0, ssl=context) as server:
            url = f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}/"
            kept = {"max_connections": 2, "keepalive_expiry": 30}
            async with Pool(client_side, LoopBackend(), **kept) as pool:
                answers = await asyncio.gather(*(pool.request("GET", url) for _ in range(4)))
        assert [answer.content for answer in answers] == [MUCH] * 4

    run(check())


def test_a_connection_that_the_other_side_closed_can_be_read_to_its_end_and_not_written(
    run: Run,
) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async def check() -> None:
        async with await asyncio.start_server(leave, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            stream = await LoopBackend().connect_tcp("127.0.0.1", port)
            await stream.write(b"GET / HTTP/1.1\r\n\r\n")
            assert await stream.read(1000) == b""
            assert stream.get_extra_info("is_readable")
            with pytest.raises(httpcore.WriteError):
                await stream.write(b"more")
            await stream.aclose()

    run(check())


def test_writing_to_a_connection_that_was_closed_meanwhile_is_an_error_of_writing(run: Run) -> None:
    async def leave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def check() -> None:
        async with await asyncio.start_server(leave, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            stream = await LoopBackend().connect_tcp("127.0.0.1", port)
            await asyncio.sleep(0.2)
            with pytest.raises(httpcore.WriteError):
                await stream.write(b"GET / HTTP/1.1\r\n\r\n")

    run(check())


def test_nobody_at_the_address_is_an_error_of_connecting(run: Run) -> None:
    async def check() -> None:
        with pytest.raises(httpcore.ConnectError):
            await LoopBackend().connect_tcp("127.0.0.1", 1)

    run(check())
