"""What the routes work with: made in `main`, kept once per app."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from app.caller import TokenKind
from app.web.repeats import Repeats
from app.web.rights import Rights
from app.web.static_files import StaticTree
from app.web.turns import Turns

if TYPE_CHECKING:
    from app.connect.lifecycle import Lifecycle
    from app.store.database import Database
    from app.store.encryption import Keyring
    from app.sync.connecting import ConnectionService
    from app.sync.service import SyncService
    from app.web.answers import StartedAnswer

Knock = Callable[[Request], Awaitable[object]]
"""A door's answer to one kind of token: a `Caller` (an `InstallToken` at `install`), or it raises."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a route may reach; values of settings, never the settings."""

    base_url: str
    connect_script_url: str
    confluence_origins: tuple[str, ...]
    control_planes: Mapping[str, str]
    descriptor: bytes
    database: "Database"
    keyring: "Keyring"
    doors: Mapping[TokenKind, Knock]
    lifecycle: "Lifecycle"
    rights: Rights
    syncs: "SyncService"
    connections: "ConnectionService"
    static: StaticTree = field(default_factory=StaticTree.read)
    turns: Turns = field(default_factory=Turns)
    started_syncs: "Repeats[StartedAnswer]" = field(default_factory=Repeats)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def services_of(request: Request) -> Services:
    """Return the services of the app that serves a request."""
    services: Services = request.app.state.services
    return services
