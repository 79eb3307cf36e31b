"""A small app behind the real wrappers and routes, with a door and a Confluence made of plain values."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import APIRouter, Request

from app.caller import AccountId, Caller, Door, Right, SiteId, SpaceId, TokenKind
from app.errors import NotAuthenticated
from app.store.audit import Act
from app.web.assembly import bare_app, wrapped
from app.web.errors import install_error_handlers
from app.web.rights import Rights
from app.web.state import Services
from app.web.turns import Turns

SITE = SiteId("3f0c8a52-6a1f-4a5e-9a60-0b6f6a4f6d01")


@dataclass
class World:
    """Who knocks and what Confluence says; a test changes it as it goes."""

    caller: Caller | None = field(
        default_factory=lambda: Caller(
            SITE, Door.CONNECT, AccountId("alice"), None, rest_auth=httpx.Auth()
        )
    )
    right: Right = Right.ADMIN
    asked: list[str] = field(default_factory=list)
    refused: list[Act] = field(default_factory=list)
    now: float = 1000.0

    async def knock(self, request: Request) -> Caller:
        if self.caller is None:
            raise NotAuthenticated("no token at all")
        return self.caller

    async def ask(self, base: str, auth: httpx.Auth, space_id: SpaceId) -> Right:
        self.asked.append(space_id)
        return self.right

    async def note(self, site_id: SiteId, space_id: SpaceId, act: Act) -> None:
        self.refused.append(act)


def services(world: World, **changes: Any) -> Services:
    """Services in which only what a small app uses is real."""
    given: dict[str, Any] = {
        "base_url": "https://plumbline.example",
        "connect_script_url": "https://connect-cdn.atl-paas.net/all.js",
        "confluence_origins": ("https://*.atlassian.net",),
        "control_planes": {},
        "descriptor": b"{}",
        "database": None,
        "keyring": None,
        "keys": None,
        "doors": dict.fromkeys(TokenKind, world.knock),
        "rights": Rights(world.ask, seconds=60, clock=lambda: world.now),
        "note_refusal": world.note,
        "spaces": None,
        "names": None,
        "lifecycle": None,
        "removed_spaces": None,
        "forge": None,
        "forge_lifecycle": None,
        "syncs": None,
        "connections": None,
        "refreshes": None,
        "kept_days": 400,
        "kept_days_when_gone": 30,
        "turns": Turns(clock=lambda: world.now),
    }
    return Services(**given | changes)


@asynccontextmanager
async def client_of(
    routers: Iterable[APIRouter], world: World, **changes: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app with these routers, served as the product is."""
    app = bare_app()
    app.state.services = services(world, **changes)
    for router in routers:
        app.router.routes.extend(router.routes)
    install_error_handlers(app)
    transport = httpx.ASGITransport(wrapped(app, app.state.services), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="https://plumbline.example") as http:
        yield http
