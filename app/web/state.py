"""What the routes work with: made in `main`, kept once per app."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from starlette.requests import Request

from app.caller import AccountId, SpaceId, TokenKind
from app.web.downloads import Slots
from app.web.refusals import NoteRefusal
from app.web.remembered import Remembered
from app.web.rights import Rights
from app.web.static_files import StaticTree
from app.web.turns import Turns

if TYPE_CHECKING:
    from app.confluence.spaces import Space
    from app.connect.lifecycle import Lifecycle
    from app.connect.removed_spaces import RemovedSpaces
    from app.forge.door import ForgeDoor
    from app.forge.lifecycle import ForgeLifecycle
    from app.store.database import Database
    from app.store.encryption import Keyring
    from app.store.key_care import KeyCheck
    from app.sync.connecting import ConnectionService
    from app.sync.refreshing import RefreshService
    from app.sync.service import SyncService

Knock = Callable[[Request], Awaitable[object]]
"""A door's answer to one kind of token: a `Caller` (an `InstallToken` at `install`), or it raises."""


AskSpace = Callable[[str, httpx.Auth, SpaceId], Awaitable["Space | None"]]
"""`confluence.spaces.space` with its client: REST base, the person's sign-in, the space."""

AskNames = Callable[
    [str, httpx.Auth | None, Iterable[AccountId]], Awaitable[Mapping[AccountId, str]]
]
"""`confluence.people.names` with its client: REST base, the person's sign-in, the accounts."""


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
    keys: "KeyCheck"
    doors: Mapping[TokenKind, Knock]
    lifecycle: "Lifecycle"
    removed_spaces: "RemovedSpaces"
    forge: "ForgeDoor"
    forge_lifecycle: "ForgeLifecycle"
    rights: Rights
    note_refusal: NoteRefusal
    spaces: AskSpace
    names: AskNames
    syncs: "SyncService"
    connections: "ConnectionService"
    refreshes: "RefreshService"
    kept_days: int
    kept_days_when_gone: int
    static: StaticTree = field(default_factory=StaticTree.read)
    turns: Turns = field(default_factory=Turns)
    remembered: Remembered = field(default_factory=Remembered)
    downloads: Slots = field(default_factory=Slots)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def services_of(request: Request) -> Services:
    """Return the services of the app that serves a request."""
    services: Services = request.app.state.services
    return services
