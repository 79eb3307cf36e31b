"""The drilldown: a dialog's page, and the pieces of one API that it fetches."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query as QueryParameters
from starlette.responses import HTMLResponse

from app.caller import Right, TokenKind
from app.errors import NotThere
from app.posture.model import SectionName
from app.store.connections import Connection
from app.web import rendering
from app.web.dependencies import App, Editor, SpaceCaller, Viewer
from app.web.drilldown.columns import COMPARED
from app.web.drilldown.finding_view import Said
from app.web.drilldown.matrix import Wanted
from app.web.drilldown.said_reading import said_of
from app.web.drilldown.view import drilldown, one_section
from app.web.fields import PageNumber, Query, Text
from app.web.pages import in_space
from app.web.posture.reading import person
from app.web.published_api import PublishedApi, live_api, published_with_connection
from app.web.routing import guard, protected_router, space_router
from app.web.state import Services
from app.web.threads import in_thread

pages = protected_router()
router = space_router("/fragments")


class SectionQuery(Query):
    """Which rows of a long section."""

    all: bool = False
    search: Text = ""
    page: PageNumber = 1


@pages.get("/pages/drilldown")
@guard(token=TokenKind.URL, right=Right.VIEWER)
async def show_dialog(viewer: Viewer, app: App) -> HTMLResponse:
    """Show the dialog without an API: which one it is, its script alone is told."""
    who = person(viewer)
    rights = {"can_edit": who.can_edit, "can_configure": who.can_configure}
    return rendering.html("drilldown.html", {**in_space(app, viewer), **rights})


@router.get("/apis/{api_id}")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_drilldown(viewer: Viewer, app: App, api_id: str) -> HTMLResponse:
    """Show one API of the published sync; 404 for one that is not in it."""
    api, connection = await published_with_connection(
        app.database, viewer.site_id, viewer.space_id, api_id
    )
    said = await said_of(app, viewer, api.findings)
    # With thousands of contracts this takes its time, which is not that of other sites.
    return await in_thread(viewer.site_id, _drilldown, app, viewer, api, connection, said)


def _drilldown(
    app: Services, viewer: SpaceCaller, api: PublishedApi, connection: Connection, said: Said
) -> HTMLResponse:
    who = person(viewer)
    view = drilldown(
        api,
        connection.group_names,
        app.control_planes.values(),
        datetime.now(UTC),
        can_edit=who.can_edit,
        can_configure=who.can_configure,
        said=said,
    )
    return rendering.html("drilldown/_api.html", {"view": view})


@router.get("/apis/{api_id}/{name}")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_section(
    viewer: Viewer,
    app: App,
    api_id: str,
    name: str,
    wanted: Annotated[SectionQuery, QueryParameters()],
) -> HTMLResponse:
    """Show a page of one section; 404 for a name that is none."""
    if name not in COMPARED:
        raise NotThere
    api, _ = await published_with_connection(app.database, viewer.site_id, viewer.space_id, api_id)
    rows = Wanted(wanted.all, wanted.search, wanted.page)
    bases = tuple(app.control_planes.values())
    shown = await in_thread(viewer.site_id, one_section, api, SectionName(name), bases, rows)
    context = {"section": shown, "is_live": False}
    return rendering.html("drilldown/_section.html", context)


@router.post("/apis/{api_id}/refresh")
@guard(token=TokenKind.CONTEXT, right=Right.EDITOR)
async def show_live(editor: Editor, app: App, api_id: str) -> HTMLResponse:
    """Read one API live and show it; nothing is published."""
    live = await app.refreshes.refresh(editor.site_id, editor.space_id, api_id)
    api = await in_thread(editor.site_id, live_api, live)
    said = await said_of(app, editor, api.findings)
    return await in_thread(editor.site_id, _live, app, api, live.group_names, said)


def _live(
    app: Services, api: PublishedApi, group_names: Mapping[str, str], said: Said
) -> HTMLResponse:
    bases, now = app.control_planes.values(), datetime.now(UTC)
    view = drilldown(api, group_names, bases, now, can_edit=True, said=said)
    return rendering.html("drilldown/_api.html", {"view": view})
