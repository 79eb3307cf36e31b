"""The whole app as it is served, on a real database, between vendors that answer at the wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import orjson
from starlette.requests import Request

from app.anypoint.auth import Credentials
from app.anypoint.client import AnypointClient
from app.anypoint.limiter import Limiter
from app.caller import Right, TokenKind
from app.confluence import people, permissions, spaces
from app.connect.descriptor import app_key, descriptor
from app.connect.door import ConnectDoor
from app.connect.lifecycle import Lifecycle
from app.connect.removed_spaces import RemovedSpaces
from app.forge.door import ForgeDoor
from app.forge.keys import ForgeKeys
from app.forge.lifecycle import ForgeLifecycle
from app.forge.page_token import PageTokens
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.key_care import KeyCheck
from app.store.pipeline_tokens import PREFIX
from app.sync.connecting import ConnectionService
from app.sync.queue import Queue
from app.sync.refreshing import RefreshService
from app.sync.service import SyncService
from app.web.assembly import bare_app, install_web
from app.web.pipeline_door import PipelineDoor
from app.web.refusals import note_refusal
from app.web.rights import Rights
from app.web.routing import manifest
from app.web.schemes import by_prefix, by_scheme
from app.web.state import Services
from sandbox.anypoint import create_app as anypoint_stand_in
from sandbox.estate import build
from sandbox.estate_model import Estate
from tests.connect.atlassian import (
    BASE_URL,
    CONTEXT_HASH,
    INSTALL_KEY,
    KEYS_URL,
    OAUTH_URL,
    Atlassian,
    claims,
    hash_of,
    hs256,
    rs256,
)
from tests.forge import atlassian as forge
from tests.postgres import FreshDatabase
from tests.store.estate import SPACE

PLANE = "https://anypoint.example.com"
PLANES = {"us": PLANE}

OPERATIONS = {
    Right.NONE: (),
    Right.VIEWER: (("read", "space"),),
    Right.EDITOR: (("read", "space"), ("create", "page")),
    Right.ADMIN: (("read", "space"), ("create", "page"), ("administer", "space")),
}


def secret_of(issuer: str) -> str:
    return f"the secret that {issuer} signs with, 32 bytes and more"


def now() -> datetime:
    return datetime.now(UTC)


class Anypoint:
    """Anypoint's wire: the stand-in's estate, or whatever a test puts in its place."""

    def __init__(self) -> None:
        self.estate: Estate = build(seed=1, apis=2, environments=2)
        self._stand_in = httpx.ASGITransport(anypoint_stand_in(self.estate))
        self.reply: httpx.Response | Exception | None = None
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply or await self._stand_in.handle_async_request(request)

    def client(self) -> httpx.AsyncClient:
        transport = httpx.MockTransport(self.handle_async_request)
        return httpx.AsyncClient(transport=transport)


@dataclass
class Product:
    """The app, and what the browser and the vendors do around it."""

    http: httpx.AsyncClient
    services: Services
    atlassian: Atlassian
    anypoint: Anypoint
    issuer: str = "ours"
    routes: list[dict[str, str]] = field(default_factory=list)
    of_pipelines: dict[str, str] = field(default_factory=dict)

    def may(self, right: Right) -> None:
        """Say what Confluence answers about every space from now on."""
        said = [{"operation": do, "targetType": what} for do, what in OPERATIONS[right]]
        self.atlassian.operations = said

    def token(self, kind: str, method: str, path: str, **changes: Any) -> str:
        """Return a sound token of a kind for a request."""
        if kind == "install":
            usual = {"aud": [BASE_URL], "sub": None} | changes
            return rs256(claims(self.issuer, hash_of(method, path), now(), **usual), INSTALL_KEY)
        bound = CONTEXT_HASH if kind == "context" else hash_of(method, path)
        return hs256(claims(self.issuer, bound, now(), **changes), secret_of(self.issuer))

    def invocation(self, *, of_site: bool = False, **changes: Any) -> str:
        """Return Forge's sound token for a call of the shell, or of the site itself."""
        said = forge.event_claims if of_site else forge.claims
        return forge.signed(said(self.issuer, now(), **changes))

    async def page_token(self, page: str, **changes: Any) -> str:
        """Return a sound page token of our Forge site for a page."""
        # A little in the future, which is tolerated: also good after a removal a moment ago.
        ahead = {"iat": int(now().timestamp()) + 3}
        said = forge.claims(self.issuer, now(), **ahead | changes)
        token = forge.signed(said)
        headers = {"Authorization": f"Bearer {token}", "X-Forge-OAuth-User": "user-token"}
        scope = {
            "type": "http",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        invoker = await self.services.forge.invocation(Request(scope))
        return (await self.services.forge.opened(invoker, page)).token

    async def forge_headers(self, kind: str, path: str) -> dict[str, str]:
        """Return what a request of a Forge kind carries."""
        if kind == "page":
            return {"Authorization": f"Bearer {await self.page_token(path)}"}
        of_site = path != "/forge/open"
        token = self.invocation(of_site=of_site)
        return {"Authorization": f"Bearer {token}", "X-Forge-OAuth-User": "user-token"}

    async def pipeline_token(self) -> str:
        """Return the token of our space's pipeline, made by an administrator when first asked for."""
        if self.issuer not in self.of_pipelines:
            made = await self.call("POST", "pipeline-tokens", {"name": "Release"})
            assert made.status_code == 201, made.text
            self.of_pipelines[self.issuer] = made.json()["token"]
        return self.of_pipelines[self.issuer]

    def lifecycle_body(self, **changes: Any) -> dict[str, Any]:
        """Return what Confluence posts when our site installs or removes the app."""
        base_url = f"https://{self.issuer}.atlassian.net/wiki"
        usual = {
            "key": app_key(),
            "clientKey": self.issuer,
            "sharedSecret": secret_of(self.issuer),
            "baseUrl": base_url,
            "displayUrl": base_url,
            "productType": "confluence",
            "oauthClientId": "oauth-client",
        }
        return usual | changes

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Call the JSON API of our space as its script does."""
        token = more.pop("token", None) or self.token("context", method, path)
        headers = {"Authorization": f"JWT {token}", **more.pop("headers", {})}
        place = path if path.startswith("/") else f"/api/spaces/{SPACE}/{path}"
        return await self.http.request(method, place, json=body, headers=headers, **more)

    async def get(self, path: str) -> Any:
        """Return what the JSON API says of our space."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def served(
    addresses: FreshDatabase, database: Database, keyring: Keyring
) -> AsyncIterator[Product]:
    """Serve the app; jobs are written down and nobody works on them."""
    atlassian, anypoint = Atlassian(), Anypoint()
    atlassian.replies[forge.JWKS_HOST] = lambda _: httpx.Response(200, json=forge.key_set())
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    async with atlassian.client() as outside, anypoint.client() as anypoint_http:
        services = joined(database, keyring, queue, outside, anypoint_http)
        app = bare_app()
        transport = httpx.ASGITransport(install_web(app, services))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            product = Product(http, services, atlassian, anypoint, routes=manifest(app))
            product.may(Right.ADMIN)
            yield product
    await queue.close()


def joined(
    database: Database,
    keyring: Keyring,
    queue: Queue,
    outside: httpx.AsyncClient,
    anypoint_http: httpx.AsyncClient,
) -> Services:
    """Join the real parts; only the two clients end at a vendor's wire of ours."""
    door = ConnectDoor(
        database=database,
        keyring=keyring,
        http=outside,
        base_url=BASE_URL,
        install_keys_url=KEYS_URL,
        oauth_url=OAUTH_URL,
        clock=now,
    )
    syncs = SyncService(database, queue, now)

    def client(base_url: str, client_id: str, secret: str, key: bytes) -> AnypointClient:
        return AnypointClient(
            anypoint_http,
            base_url,
            Credentials(client_id, secret),
            limiter=Limiter(4),
            fingerprint_key=key,
            retry_wait_cap=0.01,
        )

    sites_of_forge = ForgeLifecycle(
        database=database,
        keyring=keyring,
        uninstall_retention=timedelta(days=30),
        silence=timedelta(days=90),
        began_at=now() - timedelta(days=2),
        clock=now,
    )
    forge_door = ForgeDoor(
        database=database,
        keyring=keyring,
        keys=ForgeKeys(outside, forge.JWKS_URL, now),
        page_tokens=PageTokens({"test": b"p" * 32}),
        lifecycle=sites_of_forge,
        space_id=partial(spaces.id_of, outside),
        app_ids=[forge.APP_ID],
        api_origins=(),
        clock=now,
    )
    context = by_scheme({"jwt": door.context, "bearer": forge_door.context})
    pipelines = PipelineDoor(database, now)
    return Services(
        base_url=BASE_URL,
        connect_script_url="https://connect-cdn.atl-paas.net/all.js",
        confluence_origins=("https://*.atlassian.net",),
        control_planes=PLANES,
        descriptor=orjson.dumps(descriptor(BASE_URL)),
        database=database,
        keyring=keyring,
        keys=KeyCheck(database, keyring),
        doors={
            TokenKind.INSTALL: door.install,
            TokenKind.URL: door.url,
            TokenKind.CALLBACK: door.callback,
            TokenKind.CONTEXT: context,
            TokenKind.INVOCATION: forge_door.invocation,
            TokenKind.PAGE: forge_door.page,
            TokenKind.PIPELINE: by_prefix(PREFIX, pipelines.pipeline, context),
        },
        forge=forge_door,
        forge_lifecycle=sites_of_forge,
        removed_spaces=RemovedSpaces(
            database=database,
            keyring=keyring,
            http=outside,
            app_key=app_key(),
            retention=timedelta(days=30),
            clock=now,
        ),
        lifecycle=Lifecycle(
            database=database,
            keyring=keyring,
            user_tokens=door.user_tokens,
            known_sites=door.known_sites,
            app_key=app_key(),
            confluence_origins=("https://*.atlassian.net",),
            uninstall_retention=timedelta(days=30),
            clock=now,
        ),
        rights=Rights(partial(permissions.rights, outside), seconds=0),
        note_refusal=partial(note_refusal, database),
        spaces=partial(spaces.space, outside),
        names=partial(people.names, outside),
        syncs=syncs,
        connections=ConnectionService(
            database=database,
            keyring=keyring,
            control_planes=PLANES,
            client=client,
            syncs_service=syncs,
            now=now,
        ),
        kept_days=400,
        kept_days_when_gone=30,
        refreshes=RefreshService(
            database=database,
            keyring=keyring,
            control_planes=PLANES,
            client=client,
            now=now,
        ),
    )
