"""The Anypoint stand-in: answers the endpoints that a posture sync reads, as Anypoint does.

Bodies are encoded once and kept, since the stand-in shares its processor with what it tests.
"""

import argparse
import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from sandbox.anypoint_answers import ok
from sandbox.anypoint_control import Control
from sandbox.anypoint_faults import Response
from sandbox.estate import build
from sandbox.estate_model import Estate

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TOKEN_PATH = "/accounts/api/v2/oauth2/token"


def create_app(estate: Estate, latency_ms: float = 0) -> "AnypointStandIn":
    """Return the stand-in of one estate as an ASGI application."""
    return AnypointStandIn(Control(estate, latency_ms))


class AnypointStandIn:
    """One organisation on one control plane; `control` is the way to change it."""

    def __init__(self, control: Control) -> None:
        self.control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["path"].startswith("/_control"):
            await self._controlled(scope, receive, send)
            return
        stats = self.control.stats
        stats.begin(scope["path"])
        try:
            await self._answered(scope, receive, send)
        finally:
            stats.end()

    async def _controlled(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            answer = self.control.post(json.loads(await _body(receive)))
        else:
            answer = self.control.get(scope["path"])
        await _send(send, Response(*answer))

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._response(scope, receive)
        target = f"{scope['path']}?{scope['query_string'].decode()}"
        response = self.control.trouble.spoil(target, response)
        if delay := self.control.latency_ms + response.delay_ms:
            await asyncio.sleep(delay / 1000)
        await _send(send, response)

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        if scope["path"] == TOKEN_PATH:
            return self._signed_in(await _body(receive))
        wanted = f"Bearer {self._token}".encode()
        if dict(scope["headers"]).get(b"authorization") != wanted:
            return Response(401, b"Unauthorized", {"content-type": "text/plain"})
        return Response(*self.control.answers.answer(scope["path"], scope["query_string"]))

    @property
    def _token(self) -> str:
        return f"1f0d3c55-7a61-4b5e-9a44-{self.control.grants:012}"

    def _signed_in(self, body: bytes) -> Response:
        try:
            asked = json.loads(body)
        except ValueError:
            asked = dict(parse_qsl(body.decode()))
        estate = self.control.estate
        given = (asked.get("client_id"), asked.get("client_secret"))
        wanted = (estate.client_id, estate.client_secret)
        if self.control.refuses_credentials or given != wanted:
            return Response(401, b"Unauthorized", {"content-type": "text/plain"})
        self.control.stats.tokens += 1
        granted = {"access_token": self._token, "token_type": "bearer"}
        return Response(*ok({**granted, "expires_in": self.control.token_seconds}))


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send(send: Send, response: Response) -> None:
    length = len(response.body) if response.length is None else response.length
    headers = {"content-type": "application/json", **response.headers, "content-length": length}
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [(k.lower().encode(), str(v).encode()) for k, v in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": response.body})


def main(arguments: list[str] | None = None) -> None:
    """Serve an estate; print one line of JSON with the address and the credentials."""
    options = _options(arguments)
    estate = build(options.seed, options.apis, options.environments, paging=options.paging)
    app = create_app(estate, options.latency_ms)
    app.control.post(json.loads(options.control))
    listener = socket.create_server(("127.0.0.1", options.port))
    _announce(estate, f"http://127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.anypoint", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--apis", type=int, default=50)
    parser.add_argument("--environments", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--paging", action="store_true", help="lists longer than a page")
    parser.add_argument("--control", default="{}", help="what POST /_control takes, as JSON")
    return parser.parse_args(arguments)


def _announce(estate: Estate, url: str) -> None:
    line = {
        "url": url,
        "client_id": estate.client_id,
        "client_secret": estate.client_secret,
        "organization_id": estate.organization_id,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
