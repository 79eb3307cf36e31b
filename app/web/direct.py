"""Routes that want to know who calls, and nothing else of a request: called without a search.

FastAPI looks for the arguments of a route in query, headers, cookies and path with each request,
once for the route and once for each dependency. Pages have none there.
"""

from collections.abc import Awaitable, Callable, Coroutine
from inspect import iscoroutinefunction, signature
from typing import Any

from fastapi.dependencies.models import Dependant
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.bodies import StrictRequest

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def direct(dependant: Dependant) -> Handler | None:
    """Return what calls the route's function with its dependencies, or None if it takes more."""
    endpoint = dependant.call
    below = dependant.dependencies
    if endpoint is None or not _answers(endpoint) or not _takes_nothing(dependant):
        return None
    if dependant.request_param_name or not all(map(_takes_the_request, below)):
        return None
    givers = [(each.name, each.call) for each in below]

    async def handler(request: Request) -> Response:
        given = {name: await call(request) for name, call in givers if name and call}
        answer: Response = await endpoint(**given)
        return answer

    return handler


def answering(handler: Callable[[StrictRequest], Awaitable[Response]]) -> ASGIApp:
    """Return a handler as an app, without what FastAPI keeps for dependencies that end later.

    An error gets its answer where every error of the app does.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await handler(StrictRequest(scope, receive))
        await answer(scope, receive, send)

    return app


def _answers(endpoint: Callable[..., Any]) -> bool:
    """Tell whether a function makes its answer itself, so that nothing has to be made of it."""
    kind = signature(endpoint).return_annotation
    return iscoroutinefunction(endpoint) and isinstance(kind, type) and issubclass(kind, Response)


def _takes_the_request(dependant: Dependant) -> bool:
    is_leaf = not dependant.dependencies and iscoroutinefunction(dependant.call)
    return (
        is_leaf
        and bool(dependant.name)
        and bool(dependant.request_param_name)
        and _takes_nothing(dependant)
    )


def _takes_nothing(dependant: Dependant) -> bool:
    parameters = (
        *dependant.path_params,
        *dependant.query_params,
        *dependant.header_params,
        *dependant.cookie_params,
        *dependant.body_params,
    )
    injected = (
        dependant.websocket_param_name,
        dependant.http_connection_param_name,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
    )
    return not parameters and not any(injected)
