"""Who is calling, and from where: what every door produces and every page asks for."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

import httpx

SiteId = NewType("SiteId", str)
"""A site's own id: a UUID as text, given by us when it is first installed."""

SpaceId = NewType("SpaceId", str)
"""A Confluence space's id: digits. The key can change, the id cannot."""

AccountId = NewType("AccountId", str)
"""An Atlassian account id, as verified by a door."""


class Door(StrEnum):
    """The two ways in."""

    CONNECT = "connect"
    FORGE = "forge"


class TokenKind(StrEnum):
    """What proves a request; each route accepts exactly one kind per door."""

    NONE = "none"
    INSTALL = "install"
    URL = "url"
    CALLBACK = "callback"
    CONTEXT = "context"
    INVOCATION = "invocation"
    PAGE = "page"
    PIPELINE = "pipeline"


class Right(StrEnum):
    """What a person may do in a space; each right includes those before it."""

    NONE = "none"
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


RIGHTS = tuple(Right)
"""The rights from the least to the greatest."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Through which door and in which request something was asked; neither is the app's own work."""

    door: Door | None = None
    request_id: str | None = None


INSIDE = Origin()


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified request: its site, its person if there is one, its signed space if there is one.

    `rest_base` and `rest_auth` are how to ask the site's Confluence as this very person;
    the base has no trailing slash and takes `/api/v2/…` behind it.
    """

    site_id: SiteId
    door: Door
    account_id: AccountId | None = None
    space_id: SpaceId | None = None
    space_key: str | None = None
    frame_origins: tuple[str, ...] = ()
    rest_base: str = ""
    rest_auth: httpx.Auth | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Pipeline(Caller):
    """A verified pipeline token: no person; its space's admin let it read the readiness there."""

    token_id: str = ""
