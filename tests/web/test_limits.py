"""What is refused before a route is looked for."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.responses import JSONResponse, Response

from app.caller import Right, TokenKind
from app.web import limits
from app.web.dependencies import Admin
from app.web.routing import guard, protected_router
from tests.web.small import World, client_of

router = protected_router()
NOTES = "/api/spaces/42/notes"
JSON = {"Content-Type": "application/json"}


@router.put("/api/spaces/{space_id}/notes")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def save_note(admin: Admin, note: dict[str, str]) -> Response:
    return JSONResponse(note)


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1024


async def test_a_body_over_the_limit_is_refused_announced_or_not():
    world = World()
    async with client_of([router], world) as http:
        announced = await http.put(NOTES, content=b" " * 65_537, headers=JSON)
        in_pieces = await http.put(NOTES, content=pieces(65), headers=JSON)
    for answer in (announced, in_pieces):
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_a_body_at_the_limit_is_read():
    body = b'{"text": "' + b"a" * (65_536 - 12) + b'"}'
    async with client_of([router], World()) as http:
        assert (await http.put(NOTES, content=body, headers=JSON)).status_code == 200


async def test_a_body_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.05)

    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    async with client_of([router], World()) as http:
        answer = await http.put(NOTES, content=endless(), headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (408, "timed_out")


@pytest.mark.parametrize(
    "path",
    [
        "/api/spaces/42%2fnotes",
        "/api//spaces/42/notes",
        "/api/spaces/42/notes/",
        "/API/spaces/42/notes",
        "/api/spaces/42/notes;x",
        "/api/spaces/%34%32/notes",
    ],
)
async def test_another_spelling_of_a_path_reaches_nothing(path):
    world = World()
    async with client_of([router], world) as http:
        answer = await http.put(path, json={})
    assert answer.status_code == 404
    assert world.asked == []


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("a=" + "b" * 16_400, {}, 414),
        ("&".join(["a=1"] * 201), {}, 400),
        ("search=%ff", {}, 400),
        ("search=%ed%a0%80", {}, 400),
        ("", {"X-Long": "b" * 16_400}, 431),
    ],
)
async def test_too_much_of_a_query_or_one_that_is_no_text_is_refused(query, headers, status):
    async with client_of([router], World()) as http:
        answer = await http.get(f"{NOTES}?{query}", headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("prefix", ["", "/plumb"])
async def test_a_base_url_with_a_path_is_served_under_it(prefix):
    base = "https://plumbline.example/plumb"
    async with client_of([router], World(), base_url=base) as http:
        answer = await http.put(f"{prefix}{NOTES}", json={"text": "a"})
        beside = await http.put(f"/plumbed{NOTES}", json={"text": "a"})
    assert answer.status_code == 200
    assert beside.status_code == 404


async def test_head_leaves_the_servers_own_scope_as_it_was():
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope["method"])

    scope = {"type": "http", "method": "HEAD", "headers": [], "query_string": b""}
    await limits.Limits(inner, "https://plumbline.example")(scope, None, None)
    assert (seen, scope["method"]) == (["GET"], "HEAD")
