"""The tab's other views: the history, and one snapshot by its link."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import HTMLResponse

from app.caller import Right, TokenKind
from app.errors import NotThere
from app.exports.storage_format import Display
from app.store import snapshots
from app.store.snapshots import Frozen
from app.web import rendering
from app.web.api.syncs import known_id
from app.web.dependencies import App, Viewer
from app.web.fields import Id, PageNumber
from app.web.history.reading import Wanted, history_view
from app.web.macros.asked import MacroKind, asked
from app.web.macros.people import names_of
from app.web.macros.reading import Seen
from app.web.macros.view import macro_view
from app.web.posture import filters as posture_filters
from app.web.posture.reading import person
from app.web.routing import guard, space_router
from app.web.threads import in_thread

router = space_router("/fragments")

From = Annotated[Id | None, Query(alias="from")]
To = Annotated[Id | None, Query(alias="to")]


@router.get("/history")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_history(
    viewer: Viewer,
    app: App,
    earlier: From = None,
    later: To = None,
    days: Literal["30", "90", "365"] = "90",
    sync: Id | None = None,
    page: PageNumber = 1,
    snapshots: PageNumber = 1,
) -> HTMLResponse:
    """Show what changed between two, the trend, the syncs and the snapshots."""
    wanted = Wanted(earlier or "", later or "", int(days), sync or "", page, snapshots)
    view = await history_view(app, viewer, wanted, datetime.now(UTC))
    return rendering.html("fragments/history.html", {"view": view})


@router.get("/snapshots/{snapshot_id}")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_snapshot(viewer: Viewer, app: App, snapshot_id: str) -> HTMLResponse:
    """Show one snapshot as it was taken; 404 in another space, 409 if it does not match its hash."""
    async with app.database.transaction(viewer.site_id) as db:
        found = await snapshots.one(db, viewer.site_id, viewer.space_id, known_id(snapshot_id))
    if found is None:
        raise NotThere
    names = await names_of(app, viewer.caller, [found.snapshot.taken_by])
    kind = MacroKind.OVERVIEW if found.snapshot.api_id is None else MacroKind.API
    wanted = replace(asked(kind, {}), display=Display.FULL)
    seen = Seen(found.content, found.snapshot)
    bases = app.control_planes.values()
    context = {
        "view": macro_view(wanted, seen, names, bases, datetime.now(UTC)),
        "snapshot": found.snapshot,
        "again": again(found),
        "can_edit": person(viewer).can_edit,
    }
    # A snapshot may hold thousands of rows, which other sites must not wait for.
    return await in_thread(viewer.site_id, rendering.html, "fragments/snapshot.html", context)


def again(found: Frozen) -> str:
    """Return what to take the same snapshot again by, as a query string."""
    wanted = found.snapshot.wanted
    # Of one API the filter picks environments alone.
    return posture_filters.encoded(replace(wanted, api_id=found.snapshot.api_id or ""))
