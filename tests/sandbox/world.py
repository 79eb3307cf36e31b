"""The Confluence stand-in and a tiny app, both in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.confluence import create_app, make_standin
from sandbox.sites import Site
from sandbox.standin import StandIn
from tests.browser import tiny_app

APP_URL = "http://127.0.0.1:9000"
PORTS = (9001, 9002)


@dataclass(frozen=True, slots=True)
class World:
    """Two sites; `ours` has the app installed, `theirs` only after it is asked to."""

    standin: StandIn
    http: httpx.AsyncClient
    app: Any

    @property
    def ours(self) -> Site:
        return self.standin.sites[0]

    @property
    def theirs(self) -> Site:
        return self.standin.sites[1]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The lifecycle calls that the app got."""
        calls: list[dict[str, Any]] = self.app.state.calls
        return calls

    async def control(self, action: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"{self.ours.origin}/_control/{action}", json=body)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """Yield a stand-in with the tiny app installed on its first site."""
    app = tiny_app.create_app("http://localhost/atlassian-connect/all.js")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as to_app:
        standin = make_standin(list(PORTS), to_app)
        transport = httpx.ASGITransport(create_app(standin))
        async with httpx.AsyncClient(transport=transport) as http:
            here = World(standin, http, app)
            installed = await here.control("install", app_url=APP_URL)
            assert installed.status_code == 200, installed.text
            yield here
