"""What the Forge app calls, the document it frames, and the pages that the document shows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.caller import Right, SpaceId, TokenKind
from app.errors import NotAuthenticated, NotThere
from app.exports import adf, storage_format
from app.forge import modules
from app.forge.door import FRAMES, Invoker
from app.web import pages, rendering
from app.web.dependencies import App, Viewer
from app.web.drilldown import pages as drilldown
from app.web.macros import editor as macro_editor
from app.web.macros import pages as macros
from app.web.macros.asked import MacroKind, asked
from app.web.macros.reading import read
from app.web.routing import ProtectedRoute, guard, protected_router
from app.web.state import Services

router = protected_router()

KINDS = {f"plumbline-{kind.value}": kind for kind in MacroKind}


class Asked(BaseModel):
    """Which page of its module the shell wants to frame."""

    model_config = ConfigDict(extra="forbid")

    route: str = Field(default=modules.PAGE, max_length=40)
    parameters: dict[str, Annotated[str, Field(max_length=4000)]] = Field(
        default_factory=dict, max_length=50
    )
    """A macro's, for where Forge does not sign them: whoever edited the page has chosen them."""


class Handover(BaseModel):
    """What stood in the fragment of the frame's address."""

    model_config = ConfigDict(extra="forbid")

    handover: str = Field(max_length=2048, repr=False)


async def invoker(request: Request) -> Invoker:
    """Return the verified call."""
    found = request.state.caller
    if not isinstance(found, Invoker):
        raise NotAuthenticated("no call of the Forge app")
    return found


Invocation = Annotated[Invoker, Depends(invoker)]


@router.post("/forge/open")
@guard(token=TokenKind.INVOCATION, right=Right.VIEWER)
async def open_page(viewer: Viewer, call: Invocation, app: App, wanted: Asked) -> dict[str, str]:
    """Answer where the page is and the token to it, once Confluence grants the page's own right."""
    said = call.invocation
    found = modules.opening(said.module_key, wanted.route) if said else None
    if said is None or found is None:
        raise NotAuthenticated("a route of another module")
    if found.right is not Right.VIEWER:
        await app.rights.checked(call, SpaceId(viewer.space_id), found.right)
    is_macro = said.module_key in KINDS and wanted.route == modules.PAGE
    page = modules.address(found.path, (said.parameters or wanted.parameters) if is_macro else {})
    opened = await app.forge.opened(call, page)
    return {
        "frame_url": f"{app.base_url}/forge/frame#{opened.handover}",
        "token": opened.token,
        "expires_at": opened.expires_at.isoformat().replace("+00:00", "Z"),
    }


@router.post("/forge/exchange")
@guard(token=TokenKind.NONE, right=Right.NONE)
async def exchange_handover(app: App, given: Handover) -> dict[str, str]:
    """Answer the page token behind a handover; the handover is the proof, and is good once."""
    exchanged = await app.forge.exchanged(given.handover)
    return {
        "token": exchanged.token,
        "page": exchanged.page,
        "expires_at": exchanged.expires_at.isoformat().replace("+00:00", "Z"),
    }


@router.get("/forge/frame")
@guard(token=TokenKind.NONE, right=Right.NONE)
async def show_frame(app: App) -> HTMLResponse:
    """Show the document that fetches a page: the same for everybody, without data."""
    frames = " ".join(dict.fromkeys((*FRAMES, *app.confluence_origins)))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors {frames}"
    )
    answer = rendering.html("forge_frame.html", pages.anywhere(app))
    answer.headers["Content-Security-Policy"] = policy
    return answer


@router.post("/forge/lifecycle", status_code=204)
@guard(token=TokenKind.INVOCATION, right=Right.NONE)
async def note_installation(call: Invocation) -> Response:
    """Take the word that the app was installed or upgraded: the verified call has told all."""
    _of_the_site(call)
    return Response(status_code=204)


@router.post("/forge/tick", status_code=204)
@guard(token=TokenKind.INVOCATION, right=Right.NONE)
async def note_life(call: Invocation) -> Response:
    """Take the hourly sign of life."""
    _of_the_site(call)
    return Response(status_code=204)


@router.post("/forge/uninstalled", status_code=204)
@guard(token=TokenKind.INVOCATION, right=Right.NONE)
async def note_removal(call: Invocation, app: App) -> Response:
    """Take the word that the app is about to be removed."""
    _of_the_site(call)
    await app.forge_lifecycle.gone(call.site_id)
    return Response(status_code=204)


class Exported(BaseModel):
    """A macro that Confluence exports: module, parameters and the key of its space, all mere input."""

    model_config = ConfigDict(extra="forbid")

    module: str = Field(max_length=60)
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=50)
    space: str = Field(default="", max_length=255)


@router.post("/forge/export")
@guard(token=TokenKind.INVOCATION, right=Right.NONE)
async def export_macro(call: Invocation, app: App, wanted: Exported) -> dict[str, Any]:
    """Answer a macro as a document; one sentence where it belongs to no space that may be seen."""
    kind = KINDS.get(wanted.module)
    space_id = await _exported_space(app, call, wanted.space) if kind else None
    if kind is None or space_id is None:
        said = storage_format.sentence(storage_format.NOT_AVAILABLE)
        return {"adf": adf.document(said)}
    wish = asked(kind, {name: str(value) for name, value in wanted.parameters.items()})
    found = await read(app.database, call.site_id, space_id, wish)
    if isinstance(found, str):
        return {"adf": adf.document(storage_format.sentence(found))}
    return {"adf": adf.document(macros.static_form(wish, found, datetime.now(UTC)))}


async def _exported_space(services: Services, call: Invoker, key: str) -> SpaceId | None:
    """Return the signed space, else the named one, each only if whoever exports may view it."""
    if call.space_id is not None:
        return call.space_id if await _may_export(services, call, call.space_id) else None
    try:
        named = await services.forge.named_space(call, key)
        if named and await services.rights.may_view(call.rest_base, named[1], named[0]):
            return named[0]
    except NotAuthenticated:
        # The person's token is over: the function has no way to a fresh one.
        return None
    return None


async def _may_export(services: Services, call: Invoker, space_id: SpaceId) -> bool:
    """Tell whether a person who asks may see the signed space.

    Without a person it is a reader who is not signed in: functions get no signed place from Forge.
    """
    try:
        await services.rights.checked(call, space_id, Right.VIEWER)
    except (NotAuthenticated, NotThere):
        return False
    return True


def _of_the_site(call: Invoker) -> None:
    # A person's shell can name any path to the proxy: what a site says must come from no person.
    if call.account_id is not None or (call.invocation and call.invocation.has_context):
        raise NotAuthenticated("a person's call on the site's route")


def _framed(endpoint: Callable[..., Any], right: Right) -> Callable[..., Any]:
    @wraps(endpoint)
    async def page(*args: Any, **kwargs: Any) -> Any:
        return await endpoint(*args, **kwargs)

    return guard(token=TokenKind.PAGE, right=right)(page)


def _signed_pages(source: APIRouter) -> Iterator[ProtectedRoute]:
    for route in source.routes:
        if isinstance(route, ProtectedRoute) and route.guard.token is TokenKind.URL:
            yield route


def _add_framed(source: APIRouter) -> None:
    """Serve a router's signed pages to frames too, from the same functions and templates."""
    for route in _signed_pages(source):
        if route.guard.right is not Right.NONE:
            endpoint = _framed(route.endpoint, route.guard.right)
            router.add_api_route(f"/forge{route.path}", endpoint, methods=["GET"])


for _source in (pages.router, drilldown.pages, macros.router, macro_editor.pages):
    _add_framed(_source)
