"""Over real sockets: endless, slow and broken heads cost little and end; a sound request goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from app.web import wire
from app.web.wire import MOST_HEAD_BYTES, BoundedHttp

LINE = b"GET / HTTP/1.1\r\nhost: x\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(
        application, port=0, http=BoundedHttp, ws="none", lifespan="off", log_level="critical"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()
    server.should_exit = True
    await serving


@pytest.mark.parametrize("piece", [b"a: " + b"y" * 2000 + b"\r\n", b"y" * 2000])
async def test_endless_headers_are_cut_off(piece: bytes):
    async with connected() as (_, writer):
        writer.write(LINE + b"b: ")
        sent = 0
        with pytest.raises(ConnectionError):
            while True:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
                await asyncio.sleep(0)
        assert sent < 100 * MOST_HEAD_BYTES


async def test_a_head_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    async with connected() as (reader, writer):
        writer.write(LINE)
        assert await asyncio.wait_for(reader.read(), 30) == b""


async def test_who_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    async with connected() as (reader, _):
        assert await asyncio.wait_for(reader.read(), 30) == b""


async def test_what_is_no_http_is_refused_with_our_headers():
    async with connected() as (reader, writer):
        writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
        answer = (await asyncio.wait_for(reader.read(), 30)).lower()
    assert answer.startswith(b"http/1.1 400 ")
    for name in (b"strict-transport-security", b"content-security-policy", b"no-store"):
        assert name in answer


async def test_requests_follow_each_other_and_bodies_are_not_counted():
    async with connected() as (reader, writer):
        body = b"z" * (3 * MOST_HEAD_BYTES)
        for sent in (b"", body, b""):
            writer.write(LINE + b"content-length: %d\r\n\r\n" % len(sent) + sent)
            await writer.drain()
            answer = await asyncio.wait_for(reader.readuntil(b"ok"), 30)
            assert answer.startswith(b"HTTP/1.1 200")
