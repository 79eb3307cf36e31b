"""The macros' pages: in a reader's browser, and static for PDF, Word and e-mail."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.caller import Caller, Right, TokenKind
from app.exports import storage_format
from app.web import rendering
from app.web.dependencies import App, SpaceCaller, Viewer, Visitor
from app.web.macros import output as macro_output
from app.web.macros.asked import Asked, MacroKind, asked
from app.web.macros.people import names_of
from app.web.macros.reading import Seen, read
from app.web.macros.view import macro_view
from app.web.macros.words import MACROS
from app.web.pages import in_space
from app.web.routing import guard, protected_router
from app.web.state import Services

router = protected_router()


@router.get("/macros/api")
@guard(token=TokenKind.URL, right=Right.VIEWER)
async def show_api(request: Request, viewer: Viewer, app: App) -> HTMLResponse:
    """Show one API on somebody's page, or one sentence in its place."""
    return await _page(app, viewer, asked(MacroKind.API, request.query_params))


@router.get("/macros/overview")
@guard(token=TokenKind.URL, right=Right.VIEWER)
async def show_overview(request: Request, viewer: Viewer, app: App) -> HTMLResponse:
    """Show a filtered table on somebody's page, or one sentence in its place."""
    return await _page(app, viewer, asked(MacroKind.OVERVIEW, request.query_params))


@router.get("/macros/trend")
@guard(token=TokenKind.URL, right=Right.VIEWER)
async def show_trend(request: Request, viewer: Viewer, app: App) -> HTMLResponse:
    """Show the trend on somebody's page, or one sentence in its place."""
    return await _page(app, viewer, asked(MacroKind.TREND, request.query_params))


@router.get("/macros/api/static")
@guard(token=TokenKind.CALLBACK, right=Right.NONE)
async def export_api(request: Request, site: Visitor, app: App) -> Response:
    """Answer one API in storage format, to Confluence itself."""
    return await _static(app, site, asked(MacroKind.API, request.query_params))


@router.get("/macros/overview/static")
@guard(token=TokenKind.CALLBACK, right=Right.NONE)
async def export_overview(request: Request, site: Visitor, app: App) -> Response:
    """Answer a filtered table in storage format, to Confluence itself."""
    return await _static(app, site, asked(MacroKind.OVERVIEW, request.query_params))


@router.get("/macros/trend/static")
@guard(token=TokenKind.CALLBACK, right=Right.NONE)
async def export_trend(request: Request, site: Visitor, app: App) -> Response:
    """Answer the trend in storage format, to Confluence itself."""
    return await _static(app, site, asked(MacroKind.TREND, request.query_params))


async def _page(services: Services, viewer: SpaceCaller, wanted: Asked) -> HTMLResponse:
    context = {**in_space(services, viewer), **await shown(services, viewer, wanted)}
    return rendering.html("macro.html", {**context, "title": MACROS[wanted.kind]})


async def shown(services: Services, viewer: SpaceCaller, wanted: Asked) -> dict[str, object]:
    """Return what a macro's template is given: its view, or the sentence in its place."""
    found = await read(services.database, viewer.site_id, viewer.space_id, wanted)
    if isinstance(found, str):
        hint = found == storage_format.NOTHING_CHOSEN
        return {"view": None, "said": found, "can_choose": hint}
    taken_by = [found.snapshot.taken_by] if found.snapshot else []
    names = await names_of(services, viewer.caller, taken_by)
    bases = services.control_planes.values()
    view = macro_view(wanted, found, names, bases, datetime.now(UTC))
    return {"view": view, "said": "", "can_choose": False}


async def _static(services: Services, site: Caller, wanted: Asked) -> Response:
    """Answer in storage format; 200 with a sentence for every miss, as Confluence prints errors."""
    said = storage_format.NOT_AVAILABLE
    if site.space_id is None:
        return HTMLResponse(storage_format.sentence(said))
    found = await read(services.database, site.site_id, site.space_id, wanted)
    if isinstance(found, str):
        return HTMLResponse(storage_format.sentence(found))
    return HTMLResponse(static_form(wanted, found, datetime.now(UTC)))


def static_form(wanted: Asked, found: Seen, now: datetime) -> str:
    """Return a macro in storage format; nobody is asked for names, so accounts are named by id."""
    content, title = found.content, MACROS[wanted.kind]
    if wanted.kind is MacroKind.API and content.rows:
        title = f"{title}: {content.rows[0].name}"
    if found.snapshot is None:
        connected = found.is_connected
        head = macro_output.live_head(content, title, now, is_connected=connected)
    else:
        head = macro_output.frozen_head(content, found.snapshot, "", title)
    if wanted.kind is MacroKind.TREND:
        return macro_output.static_trend(head, content.days)
    if wanted.kind is MacroKind.API:
        return macro_output.static_api(head, content, wanted.display)
    return macro_output.static_overview(head, content)
