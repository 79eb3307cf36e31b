"""What Confluence tells the app about its installation; the descriptor names these addresses."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from app.caller import Door, Origin, Right, TokenKind
from app.connect.door import InstallToken
from app.web.dependencies import App, Visitor
from app.web.request_log import record_of
from app.web.routing import guard, protected_router

router = protected_router()


async def _install_token(request: Request) -> InstallToken:
    token: InstallToken = request.state.caller
    return token


def origin_of(request: Request) -> Origin:
    """Return where a callback came from, for the audit log."""
    return Origin(Door.CONNECT, record_of(request).request_id)


Installer = Annotated[InstallToken, Depends(_install_token)]


@router.post("/connect/installed", status_code=204)
@guard(token=TokenKind.INSTALL, right=Right.NONE)
async def installed(request: Request, token: Installer, app: App) -> Response:
    """Take a site's secret and addresses, on Atlassian's signature alone."""
    await app.lifecycle.installed(token, await request.body(), origin_of(request))
    return Response(status_code=204)


@router.post("/connect/uninstalled", status_code=204)
@guard(token=TokenKind.INSTALL, right=Right.NONE)
async def uninstalled(request: Request, token: Installer, app: App) -> Response:
    """End a site's tokens and destroy its secrets, on Atlassian's signature alone."""
    await app.lifecycle.uninstalled(token, await request.body(), origin_of(request))
    return Response(status_code=204)


@router.post("/connect/enabled", status_code=204)
@guard(token=TokenKind.CALLBACK, right=Right.NONE)
async def enabled(site: Visitor, app: App) -> Response:
    """Note that the site switched the app on."""
    await app.lifecycle.enabled(site.site_id)
    return Response(status_code=204)


@router.post("/connect/disabled", status_code=204)
@guard(token=TokenKind.CALLBACK, right=Right.NONE)
async def disabled(site: Visitor, app: App) -> Response:
    """Note that the site switched the app off."""
    await app.lifecycle.disabled(site.site_id)
    return Response(status_code=204)


@router.post("/connect/space-removed", status_code=204)
@guard(token=TokenKind.CALLBACK, right=Right.NONE)
async def space_removed(request: Request, site: Visitor, app: App) -> Response:
    """Take the hint that a space is gone."""
    await app.removed_spaces.told(site.site_id, await request.body())
    return Response(status_code=204)
