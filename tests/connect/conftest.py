"""The door and the lifecycle on a real database, behind the thinnest possible app."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.caller import Caller, SiteId
from app.connect.door import ConnectDoor
from app.connect.lifecycle import Lifecycle
from app.errors import BadValue, NotAuthenticated
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.looking_up import LookingUp
from app.store.sites import Installation
from tests.connect.atlassian import (
    BASE_URL,
    CONTEXT_HASH,
    INSTALL_KEY,
    KEYS_URL,
    OAUTH_URL,
    Atlassian,
    Clock,
    claims,
    hash_of,
    hs256,
    rs256,
)

INSTALLED = "/connect/installed"
UNINSTALLED = "/connect/uninstalled"
ORIGINS = ("https://*.atlassian.net",)


@dataclass(frozen=True)
class Site:
    """A Confluence site as Atlassian knows it."""

    client_key: str
    secret: str
    base_url: str = "https://ours.atlassian.net/wiki"

    def body(self, **changes: Any) -> dict[str, Any]:
        usual = {
            "key": "plumbline",
            "clientKey": self.client_key,
            "sharedSecret": self.secret,
            "baseUrl": self.base_url,
            "displayUrl": self.base_url,
            "productType": "confluence",
            "oauthClientId": f"client-of-{self.client_key}",
            "eventType": "installed",
            "publicKey": "deprecated",
            "somethingNew": {"x": 1},
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}


OURS = Site("ours", "the secret of our own site, 32 bytes and more")
THEIRS = Site(
    "theirs", "the secret of another site, 32 bytes and more", "https://theirs.atlassian.net/wiki"
)


@dataclass
class Confluence:
    """Confluence before our door: it installs, loads pages and calls, truly signed."""

    http: httpx.AsyncClient
    door: ConnectDoor
    lifecycle: Lifecycle
    database: Database
    keyring: Keyring
    atlassian: Atlassian
    clock: Clock

    def install_token(self, issuer: str, path: str = INSTALLED, **changes: Any) -> str:
        usual = {"aud": [BASE_URL]} | changes
        return rs256(claims(issuer, hash_of("POST", path), self.clock.now, **usual), INSTALL_KEY)

    async def post(self, path: str, token: str, body: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"JWT {token}", "Content-Type": "application/json"}
        return await self.http.post(path, content=content, headers=headers)

    async def install(self, site: Site, **changes: Any) -> httpx.Response:
        token = self.install_token(site.client_key)
        return await self.post(INSTALLED, token, site.body(**changes))

    async def uninstall(self, site: Site) -> httpx.Response:
        token = self.install_token(site.client_key, UNINSTALLED)
        body = site.body(sharedSecret=None, eventType="uninstalled")
        return await self.post(UNINSTALLED, token, body)

    async def notify(self, site: Site, event: str) -> httpx.Response:
        path = f"/connect/{event}"
        signed = claims(site.client_key, hash_of("POST", path), self.clock.now, sub=None)
        return await self.post(path, hs256(signed, site.secret), site.body(sharedSecret=None))

    def page_url(self, site: Site, target: str = "/pages/posture", **changes: Any) -> str:
        signed = claims(site.client_key, hash_of("GET", target), self.clock.now, **changes)
        return f"{target}{'&' if '?' in target else '?'}jwt={hs256(signed, site.secret)}"

    def context_token(self, site: Site, **changes: Any) -> str:
        return hs256(claims(site.client_key, CONTEXT_HASH, self.clock.now, **changes), site.secret)

    async def call(self, site: Site, **changes: Any) -> httpx.Response:
        headers = {"Authorization": f"JWT {self.context_token(site, **changes)}"}
        return await self.http.get("/api/posture", headers=headers)

    async def known(self, site: Site) -> Installation | None:
        return await LookingUp(self.database, self.keyring).find(site.client_key)

    async def works(self, site: Site) -> bool:
        """Tell whether a page of this site loads and its script's calls are taken."""
        page = await self.http.get(self.page_url(site))
        return (page.status_code, (await self.call(site)).status_code) == (200, 200)


def thin_app(door: ConnectDoor, lifecycle: Lifecycle) -> Starlette:
    """Return routes of each kind that say whom the door let in."""

    async def installed(request: Request) -> Response:
        await lifecycle.installed(await door.install(request), await request.body())
        return Response(status_code=204)

    async def uninstalled(request: Request) -> Response:
        await lifecycle.uninstalled(await door.install(request), await request.body())
        return Response(status_code=204)

    async def enabled(request: Request) -> Response:
        await lifecycle.enabled((await door.callback(request)).site_id)
        return Response(status_code=204)

    async def disabled(request: Request) -> Response:
        await lifecycle.disabled((await door.callback(request)).site_id)
        return Response(status_code=204)

    async def page(request: Request) -> Response:
        return said(await door.url(request))

    async def macro(request: Request) -> Response:
        return said(await door.callback(request))

    async def api(request: Request) -> Response:
        return said(await door.context(request))

    app = Starlette(
        routes=[
            Route("/connect/installed", installed, methods=["POST"]),
            Route("/connect/uninstalled", uninstalled, methods=["POST"]),
            Route("/connect/enabled", enabled, methods=["POST"]),
            Route("/connect/disabled", disabled, methods=["POST"]),
            Route("/pages/{name:path}", page),
            Route("/macros/{name:path}", macro),
            Route("/api/{name:path}", api),
        ],
        exception_handlers={NotAuthenticated: refused, BadValue: bad_value},
    )
    app.router.redirect_slashes = False
    return app


def said(caller: Caller) -> Response:
    return JSONResponse(
        {
            "site_id": caller.site_id,
            "account_id": caller.account_id,
            "space_id": caller.space_id,
            "space_key": caller.space_key,
            "frames": caller.frame_origins,
            "rest_base": caller.rest_base,
            "may_ask": caller.rest_auth is not None,
        }
    )


async def refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotAuthenticated)
    return JSONResponse({"message": error.message}, status_code=401)


async def bad_value(_: Request, error: Exception) -> Response:
    assert isinstance(error, BadValue)
    return JSONResponse({"fields": error.fields}, status_code=422)


@pytest.fixture
def atlassian() -> Atlassian:
    return Atlassian()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def base_url() -> str:
    return BASE_URL


@pytest.fixture
async def confluence(
    database: Database, keyring: Keyring, atlassian: Atlassian, clock: Clock, base_url: str
) -> AsyncIterator[Confluence]:
    async with atlassian.client() as outside:
        door = ConnectDoor(
            database=database,
            keyring=keyring,
            http=outside,
            base_url=base_url,
            install_keys_url=KEYS_URL,
            oauth_url=OAUTH_URL,
            clock=clock,
        )
        lifecycle = Lifecycle(
            database=database,
            keyring=keyring,
            user_tokens=door.user_tokens,
            known_sites=door.known_sites,
            app_key="plumbline",
            confluence_origins=ORIGINS,
            uninstall_retention=timedelta(days=30),
            clock=clock,
        )
        transport = httpx.ASGITransport(thin_app(door, lifecycle))
        async with httpx.AsyncClient(transport=transport, base_url="https://test") as http:
            yield Confluence(http, door, lifecycle, database, keyring, atlassian, clock)


def site_id_of(installation: Installation | None) -> SiteId:
    assert installation is not None
    return installation.site_id
