"""Which routes are called without FastAPI's search for arguments: those that want none."""

from typing import Annotated, Any

import pytest
from fastapi import Query
from fastapi.dependencies.utils import get_dependant
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.caller import Caller, Door, SiteId
from app.web.dependencies import Visitor
from app.web.direct import direct

CALLER = Caller(SiteId("11111111-1111-4111-8111-111111111111"), Door.CONNECT)


async def page(visitor: Visitor) -> HTMLResponse:
    return HTMLResponse(visitor.site_id)


async def with_query(visitor: Visitor, page: Annotated[int, Query()] = 1) -> Response:
    return Response(f"{visitor.site_id} {page}")


async def with_path(visitor: Visitor, name: str) -> Response:
    return Response(name + visitor.site_id)


async def with_request(request: Request, visitor: Visitor) -> Response:
    return Response(request.method + visitor.site_id)


async def with_answer_of_its_own(visitor: Visitor, response: Response) -> Response:
    return response


async def with_a_model(visitor: Visitor) -> dict[str, str]:
    return {"site": visitor.site_id}


async def test_a_page_is_called_with_who_calls():
    handler = direct(get_dependant(path="/pages/x", call=page))
    assert handler is not None
    request = Request({"type": "http", "method": "GET", "headers": [], "state": {}})
    request.state.caller = CALLER
    assert (await handler(request)).body == CALLER.site_id.encode()


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/pages/x", with_query),
        ("/pages/{name}", with_path),
        ("/pages/x", with_request),
        ("/pages/x", with_answer_of_its_own),
        ("/pages/x", with_a_model),
    ],
)
def test_a_route_that_wants_more_is_left_to_fastapi(path: str, endpoint: Any):
    assert direct(get_dependant(path=path, call=endpoint)) is None
