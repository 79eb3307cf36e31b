"""Pieces of the pages, fetched with a fresh token: filtering, progress, the settings form."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from starlette.responses import HTMLResponse

from app.caller import Right, TokenKind
from app.web import rendering
from app.web.dependencies import Admin, App, Viewer
from app.web.judging.reading import shown_judging
from app.web.posture.reading import posture_view, progress_view
from app.web.queries import PostureQuery, TurnQuery
from app.web.routing import guard, space_router
from app.web.settings.audit_reading import shown_audit
from app.web.settings.reading import shown_settings

router = space_router("/fragments")


@router.get("/posture")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_filtered_posture(
    viewer: Viewer, app: App, wanted: Annotated[PostureQuery, Query()]
) -> HTMLResponse:
    """Show the parts of the posture tab through a filter."""
    view = await posture_view(app, viewer, wanted.filter(), datetime.now(UTC))
    return rendering.html("fragments/posture.html", {"view": view})


@router.get("/progress")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_progress(viewer: Viewer, app: App) -> HTMLResponse:
    """Show the sync that is under way; an empty part when there is none."""
    view = await progress_view(app, viewer, datetime.now(UTC))
    return rendering.html("fragments/progress.html", {"view": view})


@router.get("/settings")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def show_settings_form(admin: Admin, app: App) -> HTMLResponse:
    """Show the settings form as it is stored now."""
    view = await shown_settings(app, admin)
    judging = await shown_judging(app, admin)
    return rendering.html("fragments/settings.html", {"view": view, "judging": judging})


@router.get("/audit")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def show_audit(admin: Admin, app: App, wanted: Annotated[TurnQuery, Query()]) -> HTMLResponse:
    """Show a page of the audit log."""
    log = await shown_audit(app, admin, wanted.page)
    return rendering.html("fragments/audit.html", {"audit": log})
