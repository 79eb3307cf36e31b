"""The stand-in's remote control: real signed lifecycle calls to the app, tokens, rights, faults."""

import asyncio
import dataclasses
import json
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import frames, signing, standin, static_macros
from sandbox.frames import Visitor
from sandbox.sites import NAMES, Installation, Macro, Site, account_id
from sandbox.standin import Faults, StandIn


def lifecycle_body(site: Site, installed: Installation, event: str) -> dict[str, Any]:
    """Return what Confluence sends with a lifecycle event; only `installed` carries the secret."""
    body = {
        "key": installed.key,
        "clientKey": site.client_key,
        "oauthClientId": site.oauth_client_id,
        "baseUrl": site.base_url,
        "displayUrl": site.base_url,
        "productType": "confluence",
        "description": "Plumbline's Confluence stand-in",
        "eventType": event,
    }
    return {**body, "sharedSecret": site.shared_secret} if event == "installed" else body


async def call_lifecycle(here: StandIn, site: Site, installed: Installation, event: str) -> int:
    """Send one signed lifecycle event to the app and return its status."""
    path = installed.descriptor.get("lifecycle", {}).get(event)
    if path is None:
        return 0
    url = installed.app_url + path
    if event in {"installed", "uninstalled"}:
        token = signing.install_token(here.install_key, site, installed.app_url, url)
    else:
        token = signing.callback_token(site, "POST", installed.app_url, url)
    answer = await here.http.post(
        url,
        content=json.dumps(lifecycle_body(site, installed, event)),
        headers={"Authorization": f"JWT {token}", "Content-Type": "application/json"},
    )
    return answer.status_code


def chosen_site(here: StandIn, body: dict[str, Any]) -> Site:
    """Return the site that a control call names by number, the first one by default."""
    return here.sites[int(body.get("site", 0))]


async def install(request: Request) -> Response:
    """Read the app's descriptor and install it: `{app_url, site?, rotate_secret?}`."""
    body, here = await request.json(), standin.of(request)
    site = chosen_site(here, body)
    app_url = str(body["app_url"]).rstrip("/")
    descriptor = await here.http.get(app_url + "/atlassian-connect.json")
    if descriptor.status_code != 200:
        return JSONResponse({"descriptor": descriptor.status_code}, 502)
    if body.get("rotate_secret"):
        site.shared_secret = secrets.token_urlsafe(48)
    installed = Installation(app_url, descriptor.json())
    statuses = {"installed": await call_lifecycle(here, site, installed, "installed")}
    if statuses["installed"] not in {200, 204}:
        return JSONResponse(statuses, 502)
    site.installation = installed
    statuses["enabled"] = await call_lifecycle(here, site, installed, "enabled")
    return JSONResponse(statuses)


async def uninstall(request: Request) -> Response:
    """Uninstall the app: `disabled` and `uninstalled` at once, as Confluence does."""
    here = standin.of(request)
    site = chosen_site(here, await request.json())
    if site.installation is None:
        return JSONResponse({"error": "The app is not installed there."}, 409)
    events = ("disabled", "uninstalled")
    answers = await asyncio.gather(
        *(call_lifecycle(here, site, site.installation, event) for event in events)
    )
    site.installation = None
    return JSONResponse(dict(zip(events, answers, strict=True)))


async def lifecycle(request: Request) -> Response:
    """Send one lifecycle event as it is: `{event, site?}`."""
    body, here = await request.json(), standin.of(request)
    site = chosen_site(here, body)
    if site.installation is None:
        return JSONResponse({"error": "The app is not installed there."}, 409)
    status = await call_lifecycle(here, site, site.installation, str(body["event"]))
    return JSONResponse({str(body["event"]): status})


async def token(request: Request) -> Response:
    """Answer a context token: `{as, space?, site?}`; with a space the token names it."""
    body = await request.json()
    visitor = control_visitor(standin.of(request), body)
    context = named_context(visitor.site, body)
    claims = frames.token_context("spaceToolsTabs", context)
    return JSONResponse({"token": signing.context_token(visitor.site, visitor.account, claims)})


async def url(request: Request) -> Response:
    """Answer a signed frame URL: `{as, module, space?, page?, mode?, parameters?, filtered?, site?}`.

    `parameters` are those of a macro. `filtered: false` keeps a space that the person may not view, as when a right was lost later.
    """
    body = await request.json()
    visitor = control_visitor(standin.of(request), body)
    installed = visitor.site.installation
    found = installed.module(str(body["module"])) if installed else None
    if installed is None or found is None:
        return JSONResponse({"error": "There is no such module."}, 404)
    context = named_context(visitor.site, body)
    if body.get("filtered", True):
        context = frames.visible(visitor, context)
    context |= {str(name): str(value) for name, value in body.get("parameters", {}).items()}
    mode = str(body.get("mode", "display"))
    return JSONResponse({"url": frames.frame_url(visitor, installed, found[1], context, mode)})


async def static(request: Request) -> Response:
    """Render a macro as for an export: `{module, page, parameters, output?, site?}`."""
    body, here = await request.json(), standin.of(request)
    site = chosen_site(here, body)
    page, installed = site.pages.get(str(body["page"])), site.installation
    if page is None or installed is None:
        return JSONResponse({"error": "There is no such page, or no app."}, 404)
    macro = Macro("control", str(body["module"]), body["parameters"])
    output = str(body.get("output", "pdf"))
    found = await static_macros.rendered(here.http, site, installed, page, macro, output)
    if found is None:
        return JSONResponse({"error": "There is no such module."}, 404)
    answer = {"status": found.status, "text": str(found.markup)}
    return JSONResponse({**answer, "milliseconds": found.milliseconds})


async def clear_page(request: Request) -> Response:
    """Take every macro from a page: `{page, site?}`."""
    body = await request.json()
    chosen_site(standin.of(request), body).pages[str(body["page"])].macros.clear()
    return JSONResponse({"done": True})


async def rights(request: Request) -> Response:
    """Change what a role may do in a space: `{space, as, right, site?}`."""
    body = await request.json()
    space = chosen_site(standin.of(request), body).space(str(body["space"]))
    if space is None:
        return JSONResponse({"error": "There is no such space."}, 404)
    space.rights[str(body["as"])] = str(body["right"])
    return JSONResponse({"rights": space.rights})


async def faults(request: Request) -> Response:
    """Set how Confluence misbehaves from now on; `{}` heals it."""
    here = standin.of(request)
    wished = await request.json()
    here.faults = Faults(**{k: v for k, v in wished.items() if k != "site"})
    return JSONResponse(dataclasses.asdict(here.faults))


async def state(request: Request) -> Response:
    """Answer the sites with their spaces, pages, persons and secrets: all that a test may need."""
    return JSONResponse(described(standin.of(request)))


def control_visitor(here: StandIn, body: dict[str, Any]) -> Visitor:
    """Return the visitor that a control call names."""
    return Visitor(chosen_site(here, body), str(body.get("as", "admin")))


def named_context(site: Site, body: dict[str, Any]) -> frames.Context:
    """Return the context of the space or page that a control call names."""
    page = site.pages.get(str(body.get("page", "")))
    if page:
        return frames.page_context(page)
    space = site.space(str(body.get("space", "")))
    return frames.space_context(space) if space else {}


def described(here: StandIn) -> dict[str, Any]:
    """Return the stand-in's addresses, sites and persons."""
    return {
        "url": here.origin,
        "install_keys_url": here.origin + "/install-keys",
        "oauth_url": here.origin,
        "forge_jwks_url": here.origin + "/forge/jwks.json",
        "script_url": here.origin + "/atlassian-connect/all.js",
        "persons": {role: account_id(role) for role in NAMES},
        "sites": [described_site(site) for site in here.sites],
    }


def described_site(site: Site) -> dict[str, Any]:
    """Return one site with its spaces and pages."""
    return {
        "origin": site.origin,
        "base_url": site.base_url,
        "client_key": site.client_key,
        "shared_secret": site.shared_secret,
        "oauth_client_id": site.oauth_client_id,
        "spaces": [{"id": s.id, "key": s.key, "name": s.name} for s in site.spaces],
        "pages": [{"id": p.id, "space_id": p.space.id} for p in site.pages.values()],
    }


routes = [
    Route("/_control/install", install, methods=["POST"]),
    Route("/_control/uninstall", uninstall, methods=["POST"]),
    Route("/_control/lifecycle", lifecycle, methods=["POST"]),
    Route("/_control/token", token, methods=["POST"]),
    Route("/_control/url", url, methods=["POST"]),
    Route("/_control/static", static, methods=["POST"]),
    Route("/_control/clear-page", clear_page, methods=["POST"]),
    Route("/_control/rights", rights, methods=["POST"]),
    Route("/_control/faults", faults, methods=["POST"]),
    Route("/_control/state", state),
]
