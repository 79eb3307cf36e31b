"""Refusal by default, and the order in which a request is looked at."""

import re
from inspect import iscoroutinefunction
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Query
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from app.caller import AccountId, Caller, Door, Right, SpaceId, TokenKind
from app.errors import BadConfiguration
from app.web.assembly import ROUTERS, bare_app, wrapped
from app.web.dependencies import Admin, Editor, Viewer, Visitor
from app.web.routing import ProtectedRoute, guard, manifest, protected_router
from tests.web.small import SITE, World, client_of, services

router = protected_router()


class Note(BaseModel, extra="forbid", strict=True):
    """A body."""

    text: str
    count: int = 0


class Filter(BaseModel):
    """A query."""

    colour: list[str] = []
    page: int = 1


@router.get("/api/spaces/{space_id}/notes")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_notes(viewer: Viewer, wanted: Annotated[Filter, Query()]) -> Response:
    return JSONResponse({"space": viewer.space_id, "colour": wanted.colour, "page": wanted.page})


@router.put("/api/spaces/{space_id}/notes")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def save_note(admin: Admin, note: Note) -> Response:
    return JSONResponse({"text": note.text})


@router.post("/api/spaces/{space_id}/start")
@guard(token=TokenKind.CONTEXT, right=Right.EDITOR)
async def start(editor: Editor) -> Response:
    return JSONResponse({"by": editor.account_id}, 202)


@router.get("/pages/notes")
@guard(token=TokenKind.URL, right=Right.VIEWER)
async def notes_page(viewer: Viewer) -> Response:
    return Response(f"<p>{viewer.space_id}", media_type="text/html")


@router.get("/pages/start")
@guard(token=TokenKind.URL, right=Right.NONE)
async def start_page(visitor: Visitor) -> Response:
    return Response("<p>start", media_type="text/html")


NOTES = "/api/spaces/42/notes"


def signed(space: str | None) -> Caller:
    space_id = SpaceId(space) if space else None
    return Caller(SITE, Door.CONNECT, AccountId("alice"), space_id, rest_auth=httpx.Auth())


def refused_with(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_route_without_a_declared_token_cannot_be_made():
    with pytest.raises(BadConfiguration, match="/open"):
        protected_router().get("/open")(lambda: None)


def test_a_route_cannot_use_another_right_than_it_declares():
    @guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
    async def sly(admin: Admin) -> None: ...

    with pytest.raises(BadConfiguration, match="another right"):
        protected_router().get("/sly")(sly)


def test_an_app_with_a_foreign_route_does_not_start():
    app = bare_app()
    app.add_route("/plain", lambda request: Response())
    with pytest.raises(BadConfiguration, match="/plain"):
        wrapped(app, services(World()))


async def test_a_foreign_route_added_later_stops_the_start():
    app = bare_app()
    served = wrapped(app, services(World()))
    app.mount("/files", lambda scope, receive, send: None)
    with pytest.raises(BadConfiguration, match="/files"):
        await served({"type": "lifespan"}, None, None)


def test_the_manifest_names_token_and_right_of_every_route():
    app = bare_app()
    app.router.routes.extend(router.routes)
    rows = manifest(app)
    assert rows[0] == {
        "method": "GET",
        "path": "/api/spaces/{space_id}/notes",
        "token": "context",
        "right": "viewer",
    }
    assert len(rows) == 5


async def test_the_token_is_asked_for_before_the_body_is_read():
    async with client_of([router], World(caller=None)) as http:
        answer = await http.put(NOTES, content=b"{broken")
    assert refused_with(answer) == (401, "not_authenticated")


async def test_the_right_is_asked_for_before_the_body_is_read():
    world = World(right=Right.EDITOR)
    async with client_of([router], world) as http:
        answer = await http.put(NOTES, content=b"{broken")
    assert refused_with(answer) == (403, "not_permitted")
    assert [act.object_id for act in world.refused] == ["PUT /api/spaces/{space_id}/notes"]


async def test_what_is_refused_is_noted_only_where_the_space_is_seen_and_something_would_change():
    world = World(right=Right.NONE)
    async with client_of([router], world) as http:
        await http.put(NOTES, json={"text": "a"})
        world.right = Right.VIEWER
        await http.get(NOTES)
    assert world.refused == []


async def test_a_space_that_cannot_be_seen_is_not_there():
    async with client_of([router], World(right=Right.NONE)) as http:
        hidden = await http.get(NOTES)
        missing = await http.get("/api/spaces/42/nothing")
    assert refused_with(hidden) == refused_with(missing) == (404, "not_there")
    assert hidden.json()["error"]["message"] == missing.json()["error"]["message"]


@pytest.mark.parametrize("space", ["x", "0", "042", "-1", "1" * 20, "٤٢", "4%32", "42;a", "4 2"])
async def test_a_space_has_one_spelling_only(space):
    async with client_of([router], World()) as http:
        answer = await http.get(f"/api/spaces/{space}/notes")
    assert answer.status_code == 404


async def test_a_space_named_in_the_token_must_be_the_one_of_the_path():
    async with client_of([router], World(caller=signed("43"))) as http:
        assert (await http.get(NOTES)).status_code == 404
        assert (await http.get("/api/spaces/43/notes")).status_code == 200


async def test_a_page_is_about_its_signed_space_and_nothing_else():
    world = World(caller=signed("42"))
    async with client_of([router], world) as http:
        answer = await http.get("/pages/notes?spaceId=43&space_id=43")
    assert answer.text == "<p>42"
    assert world.asked == ["42"]


async def test_a_page_without_a_signed_space_is_not_there():
    async with client_of([router], World(caller=signed(None))) as http:
        assert (await http.get("/pages/notes")).status_code == 404
        assert (await http.get("/pages/start")).status_code == 200


async def test_nobody_is_refused_like_no_token():
    nobody = Caller(SITE, Door.CONNECT, None, SpaceId("42"), rest_auth=httpx.Auth())
    async with client_of([router], World(caller=nobody)) as http:
        assert (await http.get(NOTES)).status_code == 401
        assert (await http.get("/pages/notes")).status_code == 401


async def test_a_right_to_view_is_remembered_briefly_and_a_right_to_write_never():
    world = World()
    async with client_of([router], world) as http:
        await http.get(NOTES)
        await http.get(NOTES)
        assert len(world.asked) == 1
        world.right = Right.VIEWER
        assert (await http.post("/api/spaces/42/start")).status_code == 403
        world.now += 61
        await http.get(NOTES)
    assert len(world.asked) == 3


async def test_losing_the_space_forgets_the_remembered_right():
    world = World()
    async with client_of([router], world) as http:
        await http.get(NOTES)
        world.right = Right.NONE
        assert (await http.post("/api/spaces/42/start")).status_code == 404
        assert (await http.get(NOTES)).status_code == 404


BAD_BODIES: list[tuple[bytes, str]] = [
    (b'{"text": "a", "text": "b"}', "body"),
    (b'{"text": NaN}', "body"),
    (b'{"text": 1e999}', "body"),
    (b"[" * 60_000, "body"),
    (b'{"text": "a", "count": ' + b"9" * 5000 + b"}", "body"),
    (b"[]", "body"),
    (b"null", "body"),
    (b"\xff\xfe", "body"),
    (b'{"text": "\\ud800"}', "body"),
    (b'{"text": 5}', "text"),
    (b'{"text": "a", "count": true}', "count"),
    (b'{"text": "a", "site_id": "s3cret"}', "site_id"),
    (b'{"text": "a", "<s3cret>": 1}', "(unknown)"),
]


@pytest.mark.parametrize(("body", "place"), BAD_BODIES)
async def test_a_bad_body_is_told_where_and_never_repeated(body, place):
    async with client_of([router], World()) as http:
        answer = await http.put(NOTES, content=body, headers={"Content-Type": "application/json"})
    assert refused_with(answer) == (422, "bad_value")
    assert list(answer.json()["error"]["fields"]) == [place]
    assert "s3cret" not in answer.text


async def test_a_missing_body_is_told_as_such():
    async with client_of([router], World()) as http:
        answer = await http.put(NOTES)
    assert answer.json()["error"]["fields"] == {"body": "This is required."}


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "a/json"]
)
async def test_a_body_that_is_not_json_is_415(kind):
    headers = {"Content-Type": kind} if kind else {}
    async with client_of([router], World()) as http:
        answer = await http.put(NOTES, content=b'{"text": "a"}', headers=headers)
    assert refused_with(answer) == (415, "unsupported_media_type")


async def test_a_command_without_fields_takes_an_empty_body_and_no_other():
    async with client_of([router], World()) as http:
        assert (await http.post("/api/spaces/42/start")).status_code == 202
        assert (await http.post("/api/spaces/42/start", json={})).status_code == 202
        answer = await http.post("/api/spaces/42/start", json={"space_id": "43"})
    assert refused_with(answer) == (422, "bad_value")


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("colours=red", {"colours"}),
        ("page=1&page=2", {"page"}),
        ("page=x", {"page"}),
        ("<b>=1", {"(unknown)"}),
        ("colour=red&colour=blue&page=1&space_id=43", {"space_id"}),
    ],
)
async def test_parameters_that_are_unknown_repeated_or_odd_are_422(query, fields):
    async with client_of([router], World()) as http:
        answer = await http.get(f"{NOTES}?{query}")
    assert refused_with(answer) == (422, "bad_value")
    assert set(answer.json()["error"]["fields"]) == fields


async def test_repeated_values_of_a_list_arrive():
    async with client_of([router], World()) as http:
        answer = await http.get(f"{NOTES}?colour=red&colour=blue")
    assert answer.json() == {"space": "42", "colour": ["red", "blue"], "page": 1}


async def test_a_wrong_method_is_told_every_right_one():
    async with client_of([router], World()) as http:
        answer = await http.delete(NOTES)
    assert refused_with(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, PUT"


async def test_head_answers_like_get_without_a_body():
    async with client_of([router], World()) as http:
        answer = await http.head(NOTES)
        refused: Any = await http.head("/api/spaces/42/start")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert refused.status_code == 405


async def test_too_many_commands_of_one_person_wait_and_others_do_not():
    world = World()
    async with client_of([router], world) as http:
        statuses = {(await http.post("/api/spaces/42/start")).status_code for _ in range(120)}
        late = await http.post("/api/spaces/42/start")
        world.caller = Caller(SITE, Door.CONNECT, AccountId("bob"), rest_auth=httpx.Auth())
        other = await http.post("/api/spaces/42/start")
    assert statuses == {202}
    assert refused_with(late) == (429, "too_soon")
    assert int(late.headers["retry-after"]) >= 1
    assert other.status_code == 202


def test_a_path_leads_where_its_regular_expression_leads():
    routes = [route for each in ROUTERS for route in each.routes]
    paths = {re.sub(r"\{[^}]*\}", "1", route.path_format) for route in routes}
    for path in paths | {f"/base{path}" for path in paths} | {"/", "/nothing", "/pages"}:
        for root_path, method in (("", "GET"), ("/base", "POST")):
            scope = {"type": "http", "path": path, "method": method, "root_path": root_path}
            for route in routes:
                assert route.matches(scope)[0] is APIRoute.matches(route, scope)[0]


def test_no_dependency_of_any_route_is_sent_to_another_thread():
    plain = {
        call.__name__
        for served in ROUTERS
        for route in served.routes
        if isinstance(route, ProtectedRoute)
        for call in dependencies(route.dependant)
        if not iscoroutinefunction(call)
    }
    assert plain == set()


def dependencies(dependant: Dependant) -> list[Any]:
    """Return what is called for a route, the route's own function first."""
    below = [call for one in dependant.dependencies for call in dependencies(one)]
    return [dependant.call, *below]
