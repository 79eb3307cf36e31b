"""What the parts of the Confluence stand-in share: its sites, keys, granted tokens and faults."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from starlette.requests import Request

from sandbox.frames import Visitor
from sandbox.signing import InstallKey
from sandbox.sites import ROLES, Site

PERSON_COOKIE = "person"


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token that acts as a person on one site."""

    client_key: str
    role: str
    expires_at: float
    scopes: frozenset[str] | None = None
    """What a Forge app was granted, None for a Connect app, whose READ is good for all that is here."""


@dataclass(slots=True)
class Faults:
    """How Confluence misbehaves: a status for every REST answer, HTML instead of JSON, a delay."""

    rest_status: int | None = None
    rest_html: bool = False
    rest_delay_seconds: float = 0
    key_status: int | None = None


@dataclass(slots=True)
class StandIn:
    """The whole stand-in; each site has a port of its own, the first one also serves the keys."""

    sites: tuple[Site, ...]
    node_modules: Path
    http: httpx.AsyncClient
    install_key: InstallKey = field(default_factory=InstallKey)
    forge_key: InstallKey = field(default_factory=InstallKey)
    grants: dict[str, Grant] = field(default_factory=dict, repr=False)
    faults: Faults = field(default_factory=Faults)

    @property
    def origin(self) -> str:
        """The first site's origin."""
        return self.sites[0].origin

    def site(self, request: Request) -> Site:
        """Return the site that was addressed, by its port; the first one for any other."""
        port = request.url.port
        return next((s for s in self.sites if s.origin.endswith(f":{port}")), self.sites[0])

    def grant(
        self, site: Site, role: str, expires_at: float, scopes: frozenset[str] | None = None
    ) -> str:
        """Return a new access token for a person."""
        token = secrets.token_urlsafe(32)
        self.grants[token] = Grant(site.client_key, role, expires_at, scopes)
        return token


def of(request: Request) -> StandIn:
    """Return the stand-in behind a request."""
    standin = request.app.state.standin
    assert isinstance(standin, StandIn)
    return standin


def visitor(request: Request) -> Visitor:
    """Return who looks: by `?as=`, else as last chosen, else the administrator."""
    chosen = request.query_params.get("as") or request.cookies.get(PERSON_COOKIE, "")
    role = chosen if chosen in {*ROLES, "anonymous"} else "admin"
    return Visitor(of(request).site(request), role)
