"""What Confluence puts into an app's frame: the filled URL template, signed, and its context."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from sandbox import signing
from sandbox.sites import CONTEXT_PATH, Installation, Macro, Page, Site, Space, account_id

VARIABLE = re.compile(r"\{([^{}]+)\}")

Context = dict[str, str]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page of which site; `anonymous` has no account."""

    site: Site
    role: str

    @property
    def account(self) -> str | None:
        """The visitor's account id, or None."""
        return None if self.role == "anonymous" else account_id(self.role)

    def may_view(self, space: Space) -> bool:
        """Tell whether the visitor may read the space."""
        return space.right(self.role) != "none"


def space_context(space: Space) -> Context:
    """Return the variables that name a space."""
    return {"space.id": space.id, "space.key": space.key}


def page_context(page: Page) -> Context:
    """Return the variables that name a page and its space."""
    return {
        **space_context(page.space),
        "page.id": page.id,
        "page.title": page.title,
        "page.type": "page",
        "page.version": str(page.version),
        "content.id": page.id,
    }


def macro_context(page: Page, macro: Macro, output: str) -> Context:
    """Return the variables of a macro on a page, its own parameters among them."""
    return {
        **macro.parameters,
        **page_context(page),
        "macro.id": macro.id,
        "macro.body": macro.body[:128],
        "macro.truncated": str(len(macro.body) > 128).lower(),
        "output.type": output,
    }


def visible(visitor: Visitor, context: Mapping[str, str]) -> Context:
    """Return the context without the space, page and content that the visitor may not view."""
    kept = dict(context)
    space = visitor.site.space(kept.get("space.id") or kept.get("space.key") or "")
    if space is None or not visitor.may_view(space):
        kept = {k: v for k, v in kept.items() if not k.startswith("space.")}
    page = visitor.site.pages.get(kept.get("page.id") or "")
    if page is None or not visitor.may_view(page.space):
        kept = {k: v for k, v in kept.items() if not k.startswith(("page.", "content."))}
    return kept


def fill(template: str, context: Mapping[str, str]) -> str:
    """Return a URL template with its variables encoded in place, unknown ones empty."""
    return VARIABLE.sub(lambda found: quote(context.get(found[1], ""), safe=""), template)


def template_of(module: Mapping[str, Any], mode: str) -> str:
    """Return the URL template of a module: its own, its editor's, or that of a render mode."""
    if mode == "editor":
        return str(module["editor"]["url"])
    modes = module.get("renderModes", {})
    if mode != "display" and modes:
        return str(modes.get(mode, modes["default"])["url"])
    return str(module["url"])


def host_parameters(site: Site, installed: Installation, module_key: str) -> str:
    """Return the parameters that the host adds to every frame's URL."""
    return urlencode(
        {
            "lic": "none",
            "cp": CONTEXT_PATH,
            "xdm_e": site.origin,
            "xdm_c": f"channel-{installed.key}__{module_key}",
            "cv": "1001.0.0-SNAPSHOT",
        }
    )


def frame_url(
    visitor: Visitor,
    installed: Installation,
    module: Mapping[str, Any],
    context: Mapping[str, str],
    mode: str = "display",
) -> str:
    """Return the signed URL of a module's frame with exactly this context."""
    filled = fill(template_of(module, mode), context)
    joint = "&" if "?" in filled else "?"
    added = host_parameters(visitor.site, installed, str(module["key"]))
    url = f"{installed.app_url}{filled}{joint}{added}"
    return signing.signed_url(visitor.site, installed.app_url, url, visitor.account)


def token_context(kind: str, context: Mapping[str, str]) -> dict[str, Any]:
    """Return the context of a context token; a general page's token names no space."""
    if kind == "generalPages" or "space.id" not in context:
        return {"confluence": {}}
    named: dict[str, Any] = {"space": {"id": context["space.id"], "key": context["space.key"]}}
    if "page.id" in context:
        named["content"] = {"id": context["page.id"], "type": "page"}
    return {"confluence": named}
