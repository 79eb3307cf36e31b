"""Connections are used again, given back, and thrown away when they are not whole."""

import asyncio
from collections.abc import AsyncIterator

import httpcore
import pytest

from app.pool import Pool

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """A small server on loopback that counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.answer = ANSWER
        self.url = ""
        self._writers: list[asyncio.StreamWriter] = []

    def hang_up(self) -> None:
        """Close all connections, as servers do with idle ones."""
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.answer)
                await writer.drain()
                if self.answer is not ANSWER:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    made.url = f"http://127.0.0.1:{port}/"
    async with listening:
        yield made


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    context = httpcore.default_ssl_context()
    made = Pool(context, httpcore.AnyIOBackend(), max_connections=3, keepalive_expiry=30)
    async with made:
        yield made


async def ask(pool: Pool, server: Server) -> bytes:
    answer = await pool.request("GET", server.url)
    return answer.content


async def test_a_connection_is_used_again(pool: Pool, server: Server) -> None:
    assert [await ask(pool, server) for _ in range(5)] == [b"ok"] * 5
    assert server.connections == 1


async def test_never_more_connections_than_allowed(pool: Pool, server: Server) -> None:
    assert await asyncio.gather(*(ask(pool, server) for _ in range(20))) == [b"ok"] * 20
    assert server.connections <= 3


async def test_a_connection_that_the_server_closed_is_not_used_again(
    pool: Pool, server: Server
) -> None:
    server.answer = ANSWER.replace(b"ok", b"by")
    assert await ask(pool, server) == b"by"
    await asyncio.sleep(0.01)
    server.answer = ANSWER
    assert await ask(pool, server) == b"ok"
    assert server.connections == 2


async def test_calls_at_once_survive_that_the_server_closed_all_connections(
    pool: Pool, server: Server
) -> None:
    await asyncio.gather(*(ask(pool, server) for _ in range(3)))
    server.hang_up()
    await asyncio.sleep(0.01)
    assert await asyncio.gather(*(ask(pool, server) for _ in range(3))) == [b"ok"] * 3


async def test_an_answer_that_breaks_off_frees_its_place(pool: Pool, server: Server) -> None:
    server.answer = ANSWER.replace(b"Length: 2", b"Length: 9")
    for _ in range(5):
        with pytest.raises(httpcore.RemoteProtocolError):
            await ask(pool, server)
    server.answer = ANSWER
    assert await ask(pool, server) == b"ok"


async def test_an_answer_left_unread_frees_its_place_and_loses_its_connection(
    pool: Pool, server: Server
) -> None:
    for _ in range(5):
        async with pool.stream("GET", server.url):
            pass
    assert server.connections == 5


async def test_a_cancelled_call_frees_its_place(pool: Pool, server: Server) -> None:
    server.answer = b""
    server_answers = asyncio.create_task(ask(pool, server))
    await asyncio.sleep(0)
    server_answers.cancel()
    await asyncio.gather(server_answers, return_exceptions=True)
    server.answer = ANSWER
    assert await asyncio.gather(*(ask(pool, server) for _ in range(6))) == [b"ok"] * 6


async def test_a_server_that_is_not_there_frees_its_place(pool: Pool, server: Server) -> None:
    for _ in range(5):
        with pytest.raises(httpcore.ConnectError):
            await pool.request("GET", "http://127.0.0.1:1/")
    assert await ask(pool, server) == b"ok"


async def test_a_connection_that_was_free_too_long_is_not_used_again(server: Server) -> None:
    context = httpcore.default_ssl_context()
    pool = Pool(context, httpcore.AnyIOBackend(), max_connections=3, keepalive_expiry=0.01)
    async with pool:
        await ask(pool, server)
        await asyncio.sleep(0.02)
        await ask(pool, server)
    assert server.connections == 2


async def test_connections_to_one_place_are_not_used_for_another(
    pool: Pool, server: Server
) -> None:
    await ask(pool, server)
    other = server.url.replace("127.0.0.1", "localhost")
    assert (await pool.request("GET", other)).content == b"ok"
    assert server.connections == 2
