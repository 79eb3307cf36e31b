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
from urllib.parse import parse_qsl, unquote

import orjson
import uvicorn

from sandbox import estate_payloads as payloads
from sandbox.estate import build
from sandbox.estate_model import Estate

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = tuple[int, bytes]

NOT_FOUND: Answer = (404, b'{"name":"NotFoundError","message":"Not found"}')
UNAUTHORIZED: Answer = (401, b"Unauthorized")


def create_app(estate: Estate, latency_ms: float = 0) -> "AnypointStandIn":
    """Return the stand-in of one estate as an ASGI application."""
    return AnypointStandIn(estate, latency_ms)


class AnypointStandIn:
    """One organisation on one control plane."""

    def __init__(self, estate: Estate, latency_ms: float = 0) -> None:
        self.estate = estate
        self.latency_ms = latency_ms
        self._token = "1f0d3c55-7a61-4b5e-9a44-0c9e2f7b6d10"
        self._bodies: dict[tuple[str, str], Answer] = {}
        self._instances = {
            (item.environment_id, item.instance_id): item
            for api in estate.apis
            for item in api.instances
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if self.latency_ms:
            await asyncio.sleep(self.latency_ms / 1000)
        status, body = await self._answer(scope, receive)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, query = scope["path"], scope["query_string"].decode()
        if path == "/accounts/api/v2/oauth2/token":
            return self._signed_in(await _body(receive))
        if dict(scope["headers"]).get(b"authorization") != f"Bearer {self._token}".encode():
            return UNAUTHORIZED
        key = (path, query)
        if key not in self._bodies:
            self._bodies[key] = self._made(path, dict(parse_qsl(query)))
        return self._bodies[key]

    def _signed_in(self, body: bytes) -> Answer:
        try:
            asked = json.loads(body)
        except ValueError:
            asked = dict(parse_qsl(body.decode()))
        wanted = (self.estate.client_id, self.estate.client_secret)
        if (asked.get("client_id"), asked.get("client_secret")) != wanted:
            return UNAUTHORIZED
        granted = {"access_token": self._token, "token_type": "bearer", "expires_in": 3600}
        return 200, orjson.dumps(granted)

    def _made(self, path: str, query: dict[str, str]) -> Answer:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match parts:
            case ["accounts", "api", "me"]:
                return _ok(payloads.me(self.estate))
            case ["accounts", "api", "organizations", org] if org in self.estate.groups:
                return _ok(payloads.organization(self.estate, org))
            case ["accounts", "api", "organizations", org, "environments"]:
                return self._environments(org, query)
            case ["apimanager", "api", "v1", "organizations", _, "automated-policies"]:
                return _ok(payloads.automated(self.estate, query.get("environmentId", "")))
            case ["apimanager", "api", "v1", "organizations", _, "environments", env, "apis"]:
                return self._apis(env, query)
            case [*_, "environments", env, "apis", instance_id, part] if instance_id.isdigit():
                return self._part(env, int(instance_id), part, query)
        return NOT_FOUND

    def _environments(self, organization_id: str, query: dict[str, str]) -> Answer:
        if organization_id != self.estate.organization_id:
            return _ok({"data": [], "total": 0})
        listed = [payloads.environment(self.estate, item) for item in self.estate.environments]
        return _page("data", listed, query, default=25, most=500)

    def _apis(self, environment_id: str, query: dict[str, str]) -> Answer:
        if environment_id not in {item.id for item in self.estate.environments}:
            return NOT_FOUND
        return _page("assets", payloads.assets(self.estate, environment_id), query)

    def _part(
        self, environment_id: str, instance_id: int, part: str, query: dict[str, str]
    ) -> Answer:
        item = self._instances.get((environment_id, instance_id))
        if item is None:
            return NOT_FOUND
        if part == "policies":
            if query.get("fullInfo") == "false":
                return _ok(payloads.policies(self.estate, item))
            return _ok(payloads.enabled_policies(item))
        if part == "tiers":
            return _page("tiers", payloads.tiers(self.estate, item), query, most=250)
        if part == "contracts":
            return _page("contracts", payloads.contracts(self.estate, item), query, most=250)
        return NOT_FOUND


def _ok(value: Any) -> Answer:
    return 200, orjson.dumps(value)


def _page(
    key: str, rows: list[Any], query: dict[str, str], default: int = 100, most: int = 100
) -> Answer:
    limit, offset = int(query.get("limit", default)), int(query.get("offset", 0))
    if limit > most:
        return 400, orjson.dumps({"message": f"limit must be <= {most}"})
    return _ok({"total": len(rows), key: rows[offset : offset + limit]})


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def main(arguments: list[str] | None = None) -> None:
    """Serve an estate; print one line of JSON with the address and the credentials."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--apis", type=int, default=50)
    parser.add_argument("--environments", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=float, default=0)
    options = parser.parse_args(arguments)
    estate = build(options.seed, options.apis, options.environments)
    listener = socket.create_server(("127.0.0.1", options.port))
    _announce(estate, f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = create_app(estate, options.latency_ms)
    config = uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


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
