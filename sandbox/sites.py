"""The stand-in's Confluence sites: spaces, pages, persons, and what each may do where."""

import secrets
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CONTEXT_PATH = "/wiki"

ROLES = ("admin", "editor", "viewer", "stranger")
"""The persons, who are roles; `anonymous` is nobody at all."""

NAMES = {
    "admin": "Space administrator",
    "editor": "Editor",
    "viewer": "Viewer",
    "stranger": "Stranger",
}

OPERATIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "none": (),
    "viewer": (("read", "space"), ("create", "comment"), ("export", "space")),
    "editor": (
        ("read", "space"),
        ("create", "comment"),
        ("export", "space"),
        ("create", "page"),
        ("create", "blogpost"),
        ("archive", "page"),
    ),
    "admin": (
        ("read", "space"),
        ("create", "comment"),
        ("export", "space"),
        ("create", "page"),
        ("create", "blogpost"),
        ("archive", "page"),
        ("administer", "space"),
        ("restrict_content", "space"),
    ),
}
"""What a right in a space allows, in the words of Confluence's REST answer."""


@dataclass(slots=True)
class Space:
    """A space and the right that each role has in it."""

    id: str
    key: str
    name: str
    rights: dict[str, str]

    def right(self, role: str) -> str:
        """Return the role's right here, `none` for whoever has none."""
        return self.rights.get(role, "none")


@dataclass(slots=True)
class Macro:
    """One app macro on a page."""

    id: str
    key: str
    parameters: dict[str, str]
    body: str = ""


@dataclass(slots=True)
class Page:
    """A page that can hold macros."""

    id: str
    space: Space
    title: str
    version: int = 1
    macros: list[Macro] = field(default_factory=list)


@dataclass(slots=True)
class Installation:
    """The app as this site knows it: where it is, and its descriptor."""

    app_url: str
    descriptor: dict[str, Any]

    @property
    def key(self) -> str:
        """The app's key."""
        return str(self.descriptor["key"])

    def modules(self, kind: str) -> list[dict[str, Any]]:
        """Return the descriptor's modules of a kind, single-object kinds as a list of one."""
        found = self.descriptor.get("modules", {}).get(kind, [])
        return found if isinstance(found, list) else [found]

    def every_module(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each module that has a key, with its kind."""
        for kind in self.descriptor.get("modules", {}):
            for module in self.modules(kind):
                if "key" in module:
                    yield kind, module

    def module(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """Return the kind and the module of that key, or None."""
        return next(((k, m) for k, m in self.every_module() if m["key"] == key), None)


@dataclass(slots=True)
class Site:
    """One Confluence site, with the secret that it shares with the app."""

    origin: str
    client_key: str
    oauth_client_id: str
    spaces: tuple[Space, ...]
    pages: dict[str, Page]
    shared_secret: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    installation: Installation | None = None

    @property
    def base_url(self) -> str:
        """The site's base URL, which for Confluence holds the context path."""
        return self.origin + CONTEXT_PATH

    def space(self, id_or_key: str) -> Space | None:
        """Return the space of that id or key, or None."""
        return next((s for s in self.spaces if id_or_key in {s.id, s.key}), None)


def account_id(role: str) -> str:
    """Return the Atlassian account id of a role; the same on every site, as in life."""
    return "712020:" + str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{role}.plumbline.example"))


def role_of(account: str) -> str | None:
    """Return the role behind an account id, or None if it is nobody's."""
    return next((role for role in ROLES if account_id(role) == account), None)


def make_site(number: int, origin: str) -> Site:
    """Return a fresh site; its client key depends on the number alone, so that it can return."""
    governance = Space("98306", "APIGOV", "API governance", {role: role for role in ROLES[:3]})
    payments = Space("131074", "PAY", "Payments platform", {"admin": "admin", "editor": "editor"})
    pages = (
        Page("98400", governance, "API security audit"),
        Page("131200", payments, "Payments API audit"),
    )
    identity = uuid.uuid5(uuid.NAMESPACE_DNS, f"site-{number}.plumbline.example")
    return Site(
        origin=origin,
        client_key=str(identity),
        oauth_client_id="client" + identity.hex,
        spaces=(governance, payments),
        pages={page.id: page for page in pages},
    )
