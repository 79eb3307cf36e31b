"""The pages inside Confluence: signed loads, about the signed space."""

from datetime import UTC, datetime

from starlette.responses import HTMLResponse

from app.caller import Right, TokenKind
from app.store.posture_rows import Filter
from app.web import rendering, sentences
from app.web.dependencies import Admin, App, SpaceCaller, Viewer, Visitor
from app.web.judging.reading import shown_judging
from app.web.posture.reading import posture_view
from app.web.routing import guard, protected_router
from app.web.settings.audit_reading import shown_audit
from app.web.settings.reading import shown_settings
from app.web.state import Services

router = protected_router()


@router.get("/pages/posture")
@guard(token=TokenKind.URL, right=Right.VIEWER)
async def show_posture(viewer: Viewer, app: App) -> HTMLResponse:
    """Show the posture tab, unfiltered: the host's address reaches the script alone."""
    view = await posture_view(app, viewer, Filter(), datetime.now(UTC))
    return rendering.html("posture.html", {**in_space(app, viewer), "view": view})


@router.get("/pages/settings")
@guard(token=TokenKind.URL, right=Right.ADMIN)
async def show_settings(admin: Admin, app: App) -> HTMLResponse:
    """Show the space's connection as a form, its secret left out."""
    view = await shown_settings(app, admin)
    log = await shown_audit(app, admin, 1)
    judging = await shown_judging(app, admin)
    kept = sentences.kept(app.kept_days, app.kept_days_when_gone)
    shown = {"view": view, "audit": log, "judging": judging, "kept": kept}
    return rendering.html("settings.html", {**in_space(app, admin), **shown})


@router.get("/pages/start")
@guard(token=TokenKind.URL, right=Right.NONE)
async def show_start(visitor: Visitor, app: App) -> HTMLResponse:
    """Show what to do after the installation; it has no space and no data."""
    del visitor
    return HTMLResponse(rendering.fixed("start.html", tuple(anywhere(app).items())))


def anywhere(services: Services) -> dict[str, object]:
    """Return what every page is given."""
    return rendering.frame(services.base_url, services.connect_script_url, services.static)


def in_space(services: Services, viewer: SpaceCaller) -> dict[str, object]:
    """Return what a page about a space is given."""
    return {
        **anywhere(services),
        "space_id": viewer.space_id,
        "space_key": viewer.caller.space_key or "",
        "host_base": viewer.caller.rest_base,
    }
