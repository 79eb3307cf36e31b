"""Routes that refuse by default: each declares its token and right, and is checked before its body."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar, get_origin
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, FastAPI, Path
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from app.caller import AccountId, Caller, Origin, Pipeline, Right, SpaceId, TokenKind
from app.errors import BadConfiguration, BadValue, NotAuthenticated, NotPermitted, NotThere
from app.store.audit import Act, Action, Outcome
from app.web.bodies import StrictRequest, check_body
from app.web.dependencies import RIGHT_OF, SpaceCaller
from app.web.direct import answering, direct
from app.web.request_log import record_of
from app.web.state import services_of

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

MOST_DIGITS = 19
SPEAKABLE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""Names of fields, headers and parameters; also an environment's id, which is one in `values`."""

PARAMETER = re.compile(r"\{[^}]*\}")

PAGES = frozenset({TokenKind.URL, TokenKind.PAGE})
"""Kinds whose answers are read by a person, errors included."""

SIGNED_PLACE = PAGES | {TokenKind.INVOCATION}
"""Kinds that are about the space that stands in the token."""

OF_SCRIPTS = frozenset({TokenKind.CONTEXT, TokenKind.PIPELINE})
"""Kinds with which scripts ask, ours or a pipeline's: with what the route knows, and no more."""

NOBODY = AccountId("")
"""Who asks with a pipeline's token."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a route asks for before anything else happens."""

    token: TokenKind
    right: Right


_guards: WeakKeyDictionary[Callable[..., Any], Guard] = WeakKeyDictionary()


def guard(*, token: TokenKind, right: Right) -> Callable[[Endpoint], Endpoint]:
    """Declare what a route asks for; stands below the `@router.get(…)` line."""

    def declared(endpoint: Endpoint) -> Endpoint:
        _guards[endpoint] = Guard(token, right)
        return endpoint

    return declared


class ProtectedRoute(APIRoute):
    """A route that checks token, right and query before FastAPI reads the body.

    It cannot be made without a guard, nor with a dependency that speaks of another right.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        declared = _guards.get(endpoint)
        if declared is None:
            raise BadConfiguration(f"The route {path} declares no token and right.")
        if declared.token is TokenKind.PIPELINE and declared.right is not Right.VIEWER:
            raise BadConfiguration(f"The route {path} lets pipelines do more than look.")
        self.guard = declared
        super().__init__(path, endpoint, **options)
        self._fixed_part = fixed_part(self.path_format)
        inner = direct(self.dependant)
        if inner:
            self.app = answering(partial(self._checked, inner=inner))
        self.query_names = query_names(self.dependant)
        spoken = {RIGHT_OF[call] for call in _calls(self.dependant) if call in RIGHT_OF}
        if spoken - {declared.right}:
            raise BadConfiguration(f"The route {path} declares another right than it uses.")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Compare a request with this route; most are told apart without the regular expression."""
        if self._fixed_part not in scope["path"]:
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Handler:
        """Return the handler: who, may they, what was asked, and only then FastAPI's own work."""
        inner = super().get_route_handler()

        async def handler(plain: Request) -> Response:
            return await self._checked(StrictRequest(plain.scope, plain.receive), inner)

        return handler

    async def _checked(self, request: StrictRequest, inner: Handler) -> Response:
        self._note(request)
        if self.guard.token is TokenKind.NONE:
            return await inner(request)
        proof = await services_of(request).doors[self.guard.token](request)
        request.state.caller = proof
        if isinstance(proof, Caller):
            return await self._served(request, proof, inner)
        await self._check_content(request)
        return await inner(request)

    def _note(self, request: Request) -> None:
        record = record_of(request)
        record.route = self.path_format
        record.token = self.guard.token.value
        record.is_page = self.guard.token in PAGES

    async def _served(self, request: StrictRequest, caller: Caller, inner: Handler) -> Response:
        record = record_of(request)
        record.site_id, record.door = caller.site_id, caller.door.value
        record.frame_origins = caller.frame_origins
        with services_of(request).turns.taken(caller, is_command=request.method != "GET"):
            if self.guard.right is not Right.NONE:
                await self._authorise(request, caller)
            await self._check_content(request)
            return await inner(request)

    async def _check_content(self, request: StrictRequest) -> None:
        # Confluence adds parameters and fields of its own to what it signs; our script does not.
        is_ours = self.guard.token in OF_SCRIPTS
        if is_ours:
            check_query(request, self.query_names)
        if request.method != "GET":
            await check_body(request, wants_body=self.body_field is not None or not is_ours)

    async def _authorise(self, request: Request, caller: Caller) -> None:
        space_id = asked_space(request, caller, self.guard.token)
        is_pipeline = isinstance(caller, Pipeline) and self.guard.token is TokenKind.PIPELINE
        if caller.account_id is None and not is_pipeline:
            raise NotAuthenticated("no sign of a user")
        request.state.space_caller = SpaceCaller(
            caller.site_id,
            space_id,
            caller.account_id or NOBODY,
            Right.VIEWER if is_pipeline else await self._right(request, caller, space_id),
            caller,
            record_of(request).request_id,
        )

    async def _right(self, request: Request, caller: Caller, space_id: SpaceId) -> Right:
        try:
            return await services_of(request).rights.checked(caller, space_id, self.guard.right)
        except NotPermitted:
            await self._note_refusal(request, caller, space_id)
            raise

    async def _note_refusal(self, request: Request, caller: Caller, space_id: SpaceId) -> None:
        """Keep in the audit log that a person who sees the space tried to change something in it."""
        if request.method == "GET":
            return
        act = Act(
            Action.WRITE_REFUSED,
            caller.account_id,
            Origin(caller.door, record_of(request).request_id),
            f"{request.method} {self.path_format}",
            outcome=Outcome.REFUSED,
        )
        await services_of(request).note_refusal(caller.site_id, space_id, act)


def fixed_part(path: str) -> str:
    """Return the last part of a route's path that is the same in all its requests."""
    return [part for part in PARAMETER.split(path) if part][-1]


def asked_space(request: Request, caller: Caller, token: TokenKind) -> SpaceId:
    """Return the space that a request is about: a page's signed one, else the path's.

    A space that the token names must be the path's; what is no id of a space is `NotThere`.
    """
    if token in SIGNED_PLACE:
        space_id: str = caller.space_id or ""
    else:
        space_id = request.path_params.get("space_id", "")
    if not is_space_id(space_id) or caller.space_id not in {None, space_id}:
        raise NotThere
    return SpaceId(space_id)


def is_space_id(text: str) -> bool:
    """Tell whether a text is a space's id in its one spelling: ASCII digits, no leading zero."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and text[0] != "0"


def check_query(request: Request, known: dict[str, bool]) -> None:
    """Refuse parameters that the route does not know, and a second value where one is meant."""
    given = [name for name, _ in request.query_params.multi_items()]
    fields = {}
    for name in given:
        if name not in known:
            fields[speakable(name)] = "There is no parameter of this name."
        elif not known[name] and given.count(name) > 1:
            fields[name] = "This parameter may be given once."
    if fields:
        raise BadValue(fields)


def speakable(name: str) -> str:
    """Return a name as it may stand in an answer: a sender's own words are not repeated."""
    return name if SPEAKABLE.fullmatch(name) else "(unknown)"


def query_names(dependant: Dependant) -> dict[str, bool]:
    """Return the query parameters of a route, each with whether it may be repeated."""
    names: dict[str, bool] = {}
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = annotation.model_fields.items()
            names |= {
                item.alias or name: get_origin(item.annotation) is list for name, item in fields
            }
        else:
            names[field.alias] = get_origin(annotation) is list
    for below in dependant.dependencies:
        names |= query_names(below)
    return names


def _calls(dependant: Dependant) -> set[Callable[..., Any]]:
    own = {dependant.call} if dependant.call else set()
    return own.union(*(_calls(below) for below in dependant.dependencies))


def protected_router() -> APIRouter:
    """Return a router whose every route must declare its token and right."""
    return APIRouter(route_class=ProtectedRoute, redirect_slashes=False)


def space_router(root: str) -> APIRouter:
    """Return a router for what stands below one space: `/api` or `/fragments`."""
    return APIRouter(
        prefix=root + "/spaces/{space_id}",
        route_class=ProtectedRoute,
        redirect_slashes=False,
        dependencies=[Depends(_named_space)],
    )


async def _named_space(space_id: Annotated[str, Path(pattern=r"^[1-9][0-9]{0,18}$")]) -> None:
    # Tells OpenAPI of the parameter. It was checked by `asked_space` before.
    del space_id


def protected_routes(app: FastAPI) -> list[ProtectedRoute]:
    """Return every route that the app serves; raise `BadConfiguration` for one that is not ours."""
    found = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, ProtectedRoute):
            raise BadConfiguration(f"The route {context.path} passes by the checks.")
        found.append(route)
    return found


def manifest(app: FastAPI) -> list[dict[str, str]]:
    """Return every route with its method, token and right, ordered by path."""
    rows = [
        {
            "method": method,
            "path": route.path_format,
            "token": route.guard.token.value,
            "right": route.guard.right.value,
        }
        for route in protected_routes(app)
        for method in route.methods or ()
    ]
    return sorted(rows, key=lambda row: (row["path"], row["method"]))
