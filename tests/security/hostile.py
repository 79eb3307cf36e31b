"""An Anypoint that answers as it should, but for one environment: there it sends what it likes."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from app import outgoing
from app.anypoint.auth import Credentials
from app.anypoint.client import AnypointClient
from app.anypoint.limiter import Limiter
from tests.sync.world import World

MOST_BYTES = 1024 * 1024

Answer = Callable[[int], bytes]
"""The body for the offset that was asked for."""


@dataclass(frozen=True, slots=True)
class Lie:
    """What is sent in place of one kind of list."""

    ending: str
    answer: Answer
    headers: tuple[tuple[bytes, bytes], ...] = ()


class HostileAnypoint:
    """An ASGI application: the stand-in, with one environment's lists replaced."""

    def __init__(self, standin: Any, environment_id: str, lie: Lie) -> None:
        self._standin = standin
        self._environment_id = environment_id
        self._lie = lie

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Lie about the one environment, and pass everything else on."""
        if not self._is_about(scope):
            await self._standin(scope, receive, send)
            return
        query = parse_qs(scope["query_string"].decode())
        body = self._lie.answer(int(query.get("offset", ["0"])[0]))
        headers = [(b"content-type", b"application/json"), *self._lie.headers]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _is_about(self, scope: Any) -> bool:
        if scope["type"] != "http" or not scope["path"].endswith(self._lie.ending):
            return False
        return f"/environments/{self._environment_id}/" in scope["path"]


def always(value: bytes | Any) -> Answer:
    """Return an answer that is the same for every page."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return lambda _: body


def asset(instance_id: Any, **changes: Any) -> dict[str, Any]:
    """Return an asset with one instance."""
    instance = {"id": instance_id, "groupId": "g", "assetId": "a", "instanceLabel": None}
    return {"id": 1, "exchangeAssetName": "A", "groupId": "g", "assetId": "a"} | {
        "apis": [instance | changes]
    }


def endless(offset: int) -> bytes:
    """A list that always has one more page."""
    page = [{"id": offset + n, "apis": []} for n in range(50)]
    return json.dumps({"assets": page}).encode()


def bomb() -> bytes:
    """A small body that unpacks to far more than is ever read."""
    return gzip.compress(bytes(64 * MOST_BYTES))


@dataclass
class LyingWorld(World):
    """A world that reaches its Anypoint over real sockets, through the real outgoing client."""

    origin: str = ""

    @asynccontextmanager
    async def told(self, environment_id: str, lie: Lie) -> AsyncIterator[None]:
        """Let Anypoint lie about one environment for a while."""
        application = HostileAnypoint(self.standin, environment_id, lie)
        config = uvicorn.Config(application, port=0, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        self.origin = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield
        await self.close()
        server.should_exit = True
        await serving

    def _client(
        self, base_url: str, client_id: str, client_secret: str, key: bytes
    ) -> AnypointClient:
        if not self.origin:
            return super()._client(base_url, client_id, client_secret, key)
        http = outgoing.client(timeout=10, operator_origins=[self.origin], max_bytes=MOST_BYTES)
        self.clients.append(http)
        credentials = Credentials(client_id, client_secret)
        return AnypointClient(
            http,
            self.origin,
            credentials,
            limiter=Limiter(8),
            fingerprint_key=key,
            retry_wait_cap=0.5,
        )
