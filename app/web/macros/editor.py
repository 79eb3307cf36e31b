"""The macros' editors: choosing what a macro shows, and seeing it before it is inserted."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query as QueryParameters
from starlette.responses import HTMLResponse

from app.caller import Right, SiteId, SpaceId, TokenKind
from app.store import connections, posture_rows, snapshots, syncs
from app.store.database import DB
from app.store.posture_rows import Filter, PosturePage, Sort
from app.web import rendering
from app.web.dependencies import App, Editor, SpaceCaller, Viewer
from app.web.fields import Id, Query, Text
from app.web.macros.asked import MacroKind, asked, instance_of
from app.web.macros.editor_view import EditorView, editor_view, options_of, snapshot_options
from app.web.macros.pages import shown
from app.web.macros.reading import api_of
from app.web.macros.words import MACROS
from app.web.pages import in_space
from app.web.routing import guard, protected_router, space_router
from app.web.state import Services

pages = protected_router()
router = space_router("/fragments")

MOST_OPTIONS = 12
MOST_SNAPSHOTS = 100
LONGEST = 4000
NO_API = "none"


class OptionsQuery(Query):
    """Which APIs are offered."""

    search: Text = ""
    api: Text = ""
    instance: Annotated[str, QueryParameters(max_length=LONGEST)] = ""


class PreviewQuery(Query):
    """A macro's parameters as they would be saved."""

    kind: MacroKind
    mode: Text = ""
    snapshot: Text = ""
    api: Text = ""
    instance: Annotated[str, QueryParameters(max_length=LONGEST)] = ""
    display: Text = ""
    filter: Annotated[str, QueryParameters(max_length=LONGEST)] = ""
    days: Text = ""


@pages.get("/macros/api/editor")
@guard(token=TokenKind.URL, right=Right.EDITOR)
async def edit_api(editor: Editor, app: App) -> HTMLResponse:
    """Show the editor of one API; what is edited, its script alone is told."""
    return await _page(app, editor, MacroKind.API)


@pages.get("/macros/overview/editor")
@guard(token=TokenKind.URL, right=Right.EDITOR)
async def edit_overview(editor: Editor, app: App) -> HTMLResponse:
    """Show the editor of the filtered table."""
    return await _page(app, editor, MacroKind.OVERVIEW)


@pages.get("/macros/trend/editor")
@guard(token=TokenKind.URL, right=Right.EDITOR)
async def edit_trend(editor: Editor, app: App) -> HTMLResponse:
    """Show the editor of the trend."""
    return await _page(app, editor, MacroKind.TREND)


@router.get("/api-options")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_api_options(
    viewer: Viewer, app: App, wanted: Annotated[OptionsQuery, QueryParameters()]
) -> HTMLResponse:
    """List the APIs that a search finds, by name; or the one of an id or of an instance."""
    place = (viewer.site_id, viewer.space_id)
    async with app.database.transaction(viewer.site_id) as db:
        sync = await syncs.published(db, *place)
        connection = await connections.current(db, *place)
        number = sync.number if sync and sync.number else 0
        api_id = wanted.api or await _api_of_instance(db, *place, number, wanted.instance)
        if api_id:
            one = await posture_rows.one(db, *place, number, api_id)
            found = PosturePage((one,), 1) if one else PosturePage((), 0)
        else:
            wish = Filter(search=wanted.search.strip(), sort=Sort.NAME, size=MOST_OPTIONS)
            found = await posture_rows.page(db, *place, number, wish)
    names = connection.group_names if connection else {}
    view = options_of(found.rows, found.total, names)
    return rendering.html("macros/_options.html", {"view": view})


async def _api_of_instance(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, url: str
) -> str:
    """Return the id of the API that an address of API Manager leads to, '' for no address.

    An address of nothing that is known gets an id of no API.
    """
    if not url:
        return ""
    instance = instance_of(url)
    found = instance and await api_of(db, site_id, space_id, number, instance)
    return found or NO_API


@router.get("/snapshot-options")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_snapshot_options(
    viewer: Viewer, app: App, kind: MacroKind, api: Id | None = None
) -> HTMLResponse:
    """List the snapshots that a macro can show: those of an API, or those of lists."""
    async with app.database.transaction(viewer.site_id) as db:
        found, _ = await snapshots.newest(
            db, viewer.site_id, viewer.space_id, size=MOST_SNAPSHOTS, api_id=api
        )
    options = snapshot_options(found, is_api=kind is MacroKind.API)
    return rendering.html("macros/_snapshots.html", {"options": options})


@router.get("/macro-preview")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_preview(
    viewer: Viewer, app: App, given: Annotated[PreviewQuery, QueryParameters()]
) -> HTMLResponse:
    """Show a macro as it would look on the page."""
    parameters = {name: str(value) for name, value in given.model_dump().items()}
    wanted = asked(given.kind, parameters)
    return rendering.html("macros/_macro.html", await shown(app, viewer, wanted))


async def _page(services: Services, editor: SpaceCaller, kind: MacroKind) -> HTMLResponse:
    view = await _view(services, editor, kind)
    context = {**in_space(services, editor), "view": view, "title": MACROS[kind]}
    return rendering.html("macro_editor.html", context)


async def _view(services: Services, editor: SpaceCaller, kind: MacroKind) -> EditorView:
    place = (editor.site_id, editor.space_id)
    async with services.database.transaction(editor.site_id) as db:
        connection = await connections.current(db, *place)
        sync = await syncs.published(db, *place)
        if sync is None or sync.number is None:
            return editor_view(kind, None, (), {})
        _, groups = await posture_rows.counted(db, *place, sync.number)
    names = connection.group_names if connection else {}
    return replace(editor_view(kind, sync, tuple(groups), names), now=datetime.now(UTC))
