"""What Confluence's server does with macros: render them for an export, make one of a pasted address."""

import asyncio
import re
import time
import uuid
from dataclasses import dataclass

import httpx
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import frames, signing, standin
from sandbox.host_pages import nothing, show
from sandbox.sites import CONTEXT_PATH, Installation, Macro, Page, Site

OUTPUTS = ("pdf", "word", "email")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A macro in storage format as the app answered it; `milliseconds` is what Confluence waited."""

    name: str
    status: int
    milliseconds: int
    markup: Markup


async def rendered(
    http: httpx.AsyncClient,
    site: Site,
    installed: Installation,
    page: Page,
    macro: Macro,
    output: str,
) -> Rendered | None:
    """Ask the app for a macro's static form by a signed server call; None once its app is gone."""
    found = installed.module(macro.key)
    if found is None:
        return None
    module = found[1]
    context = frames.macro_context(page, macro, output)
    url = installed.app_url + frames.fill(frames.template_of(module, output), context)
    token = signing.callback_token(site, "GET", installed.app_url, url)
    started = time.monotonic()
    answer = await http.get(url, headers={"Authorization": f"JWT {token}"})
    spent = round((time.monotonic() - started) * 1000)
    markup = Markup(answer.text) if answer.status_code == 200 else Markup("Error")
    return Rendered(module["name"]["value"], answer.status_code, spent, markup)


async def show_export(request: Request) -> Response:
    """Show a page as it would be exported, its macros in their static form."""
    visitor = standin.visitor(request)
    page = visitor.site.pages.get(request.path_params["id"])
    output = request.path_params["output"]
    if page is None or output not in OUTPUTS or not visitor.may_view(page.space):
        return nothing(request, "This page does not exist, or you may not see it.")
    installed, http = visitor.site.installation, standin.of(request).http
    calls = [
        rendered(http, visitor.site, installed, page, macro, output)
        for macro in (page.macros if installed else [])
        if installed
    ]
    macros = [found for found in await asyncio.gather(*calls) if found]
    title = f"{page.title} ({output})"
    return show(request, "export.html", space=page.space, title=title, macros=macros)


def matches(pattern: str, url: str) -> bool:
    """Tell whether an address fits an autoconvert pattern, in which `{}` stands for one part."""
    parts = [re.escape(part) for part in pattern.split("{}")]
    return re.fullmatch("[^/?#]+".join(parts), url) is not None


def converted(installed: Installation, url: str) -> Macro | None:
    """Return the macro that a pasted address becomes, or None where it stays a link."""
    for module in installed.modules("dynamicContentMacros"):
        rule = module.get("autoconvert", {})
        if any(matches(matcher["pattern"], url) for matcher in rule.get("matchers", [])):
            return Macro(str(uuid.uuid4()), module["key"], {rule["urlParameter"]: url})
    return None


async def paste(request: Request) -> Response:
    """Take an address that was pasted into a page: `{page, url}`."""
    body, visitor = await request.json(), standin.visitor(request)
    page, installed = visitor.site.pages.get(str(body["page"])), visitor.site.installation
    if page is None or page.space.right(visitor.role) not in {"editor", "admin"}:
        return JSONResponse({"error": "You may not edit this page."}, 403)
    macro = converted(installed, str(body["url"])) if installed else None
    if macro is not None:
        page.macros.append(macro)
        page.version += 1
    return JSONResponse({"id": macro.id if macro else None})


routes = [
    Route(CONTEXT_PATH + "/pages/{id}/export/{output}", show_export),
    Route(CONTEXT_PATH + "/_host/paste", paste, methods=["POST"]),
]
