"""Putting the web part together: routes, error answers and the wrappers around all of it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Receive, Scope, Send

from app.web import forge, fragments, lifecycle, pages, public, rendering
from app.web.api import apis as api_apis
from app.web.api import audit as api_audit
from app.web.api import connection as api_connection
from app.web.api import exceptions as api_exceptions
from app.web.api import expected_differences as api_expected
from app.web.api import exports as api_exports
from app.web.api import history as api_history
from app.web.api import pipeline_tokens as api_pipeline_tokens
from app.web.api import posture as api_posture
from app.web.api import readiness as api_readiness
from app.web.api import snapshots as api_snapshots
from app.web.api import syncs as api_syncs
from app.web.drilldown import pages as drilldown
from app.web.errors import install_error_handlers
from app.web.headers import PagePolicy, SecurityHeaders
from app.web.history import pages as history_pages
from app.web.judging import fragments as judging_fragments
from app.web.limits import Limits
from app.web.macros import editor as macro_editor
from app.web.macros import pages as macros
from app.web.request_log import RequestLog
from app.web.routing import ProtectedRoute, protected_routes
from app.web.state import Services

# In the order in which a request is compared with them: pages first, then what their scripts fetch.
ROUTERS = (
    pages.router,
    fragments.router,
    judging_fragments.router,
    macros.router,
    macro_editor.pages,
    macro_editor.router,
    history_pages.router,
    drilldown.pages,
    drilldown.router,
    api_connection.router,
    api_syncs.router,
    api_posture.router,
    api_exports.router,
    api_snapshots.router,
    api_history.router,
    api_apis.router,
    api_audit.router,
    api_readiness.router,
    api_expected.router,
    api_exceptions.router,
    api_pipeline_tokens.router,
    public.router,
    lifecycle.router,
    forge.router,
)

# We log and count ourselves; no variable of the environment shall send anything anywhere.
NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def bare_app(lifespan: Lifespan | None = None) -> FastAPI:
    """Return an app without a single route: no documentation, no redirects, refusal by default."""
    app = FastAPI(
        title="Plumbline",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry=NO_TELEMETRY,
    )
    app.router.route_class = ProtectedRoute
    return app


def install_web(app: FastAPI, services: Services) -> ASGIApp:
    """Add the routes and error answers, and return the app inside its wrappers: that is what is served."""
    app.state.services = services
    _add_routes(app)
    page = rendering.error_page(services.base_url, services.connect_script_url, services.static)
    install_error_handlers(app, page)
    return wrapped(app, services)


def _add_routes(app: FastAPI) -> None:
    for router in ROUTERS:
        # Not `include_router`: it matches each request twice.
        app.router.routes.extend(router.routes)


def wrapped(app: FastAPI, services: Services) -> ASGIApp:
    """Return an app as it is served: checked at the start, limited, with headers, logged."""
    policy = PagePolicy(services.connect_script_url, services.confluence_origins)
    checked = CheckedAtStart(app)
    return RequestLog(SecurityHeaders(Limits(checked, services.base_url), policy))


class CheckedAtStart:
    """Refuses to start when a route passes by the checks, wherever it came from."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        protected_routes(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; before the first request look at the routes once more."""
        if scope["type"] == "lifespan":
            protected_routes(self._app)
        await self._app(scope, receive, send)
