"""Who may call a route, as arguments: `Viewer`, `Editor`, `Admin`, `Visitor`.

All are coroutines, though none of them waits: FastAPI sends a plain function to another thread,
which costs a request more than everything else about it.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from app.caller import AccountId, Caller, Origin, Right, SiteId, SpaceId
from app.errors import NotAuthenticated
from app.web.state import Services, services_of


@dataclass(frozen=True, slots=True)
class SpaceCaller:
    """A person in a space, with the right that Confluence gave for this very space.

    For viewing the right may be some seconds old: good for showing a button, never for obeying it.
    """

    site_id: SiteId
    space_id: SpaceId
    account_id: AccountId
    right: Right
    caller: Caller
    request_id: str = ""

    @property
    def origin(self) -> Origin:
        """Where the person's request came from, for the audit log."""
        return Origin(self.caller.door, self.request_id)


async def viewer(request: Request) -> SpaceCaller:
    """Return who asks; the route has already asked for the right to view."""
    space_caller: SpaceCaller = request.state.space_caller
    return space_caller


async def editor(request: Request) -> SpaceCaller:
    """Return who asks; the route has already asked for the right to create pages."""
    return await viewer(request)


async def admin(request: Request) -> SpaceCaller:
    """Return who asks; the route has already asked for the right to administer the space."""
    return await viewer(request)


async def visitor(request: Request) -> Caller:
    """Return the verified caller of a route that asks about no space."""
    caller = request.state.caller
    if not isinstance(caller, Caller):
        raise NotAuthenticated("this kind of token names no caller")
    return caller


async def services(request: Request) -> Services:
    """Return what the routes work with."""
    return services_of(request)


RIGHT_OF = {viewer: Right.VIEWER, editor: Right.EDITOR, admin: Right.ADMIN}
"""The right that each dependency speaks of; a route must declare the same."""

Viewer = Annotated[SpaceCaller, Depends(viewer)]
Editor = Annotated[SpaceCaller, Depends(editor)]
Admin = Annotated[SpaceCaller, Depends(admin)]
Visitor = Annotated[Caller, Depends(visitor)]
App = Annotated[Services, Depends(services)]
