"""Rights as Confluence tells them, and "no" for everything that it does not say clearly."""

import asyncio
import contextlib
import json
from collections.abc import Callable

import httpx
import pytest

from app import outgoing
from app.caller import Right, SpaceId
from app.confluence import client
from app.confluence.permissions import rights
from app.confluence.spaces import Space, space
from app.errors import NotPermitted, Unavailable

BASE = "https://ours.atlassian.net/wiki"
SPACE = SpaceId("98305")
READ = {"operation": "read", "targetType": "space"}
CREATE = {"operation": "create", "targetType": "page"}
ADMINISTER = {"operation": "administer", "targetType": "space"}

Reply = Callable[[httpx.Request], httpx.Response]


def asking(reply: Reply | httpx.Response) -> httpx.AsyncClient:
    answer = reply if callable(reply) else lambda _: reply
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def right_given(reply: Reply | httpx.Response, space_id: str = SPACE) -> Right:
    async with asking(reply) as http:
        return await rights(http, BASE, httpx.Auth(), SpaceId(space_id))


def operations(*listed: object) -> httpx.Response:
    return httpx.Response(200, json={"operations": list(listed)})


@pytest.mark.parametrize(
    ("listed", "right"),
    [
        ([], Right.NONE),
        ([READ], Right.VIEWER),
        ([READ, CREATE], Right.EDITOR),
        ([READ, ADMINISTER], Right.ADMIN),
        ([ADMINISTER, CREATE, READ], Right.ADMIN),
        ([CREATE, ADMINISTER], Right.NONE),
        ([READ, {"operation": "create", "targetType": "comment"}], Right.VIEWER),
        ([READ, {"operation": "administer", "targetType": "page"}], Right.VIEWER),
        ([{"operation": "read", "targetType": "page"}], Right.NONE),
        ([{"operation": "READ", "targetType": "space"}], Right.NONE),
        ([READ | {"more": {"x": 1}}], Right.VIEWER),
    ],
)
async def test_a_right_is_what_confluence_lists(listed, right):
    assert await right_given(operations(*listed)) is right


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_space_that_a_person_cannot_see_gives_no_right(status):
    assert await right_given(httpx.Response(status, json={"operations": [READ]})) is Right.NONE


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(500),
        httpx.Response(502, html="<html>Bad gateway</html>"),
        httpx.Response(204),
        httpx.Response(206, json={"operations": [READ]}),
        httpx.Response(302, headers={"Location": f"{BASE}/login"}),
        httpx.Response(400, json={}),
        httpx.Response(200, html="<html>Log in</html>"),
        httpx.Response(200, text='{"operations": []}'),
        httpx.Response(200, content=b"", headers={"Content-Type": "application/json"}),
        httpx.Response(
            200, content=b'{"operations": [', headers={"Content-Type": "application/json"}
        ),
        httpx.Response(200, content=b"[" * 9999, headers={"Content-Type": "application/json"}),
        httpx.Response(200, json=[READ]),
        httpx.Response(200, json=None),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"operations": None}),
        httpx.Response(200, json={"operations": {"read": "space"}}),
        httpx.Response(200, json={"operations": "read space"}),
        httpx.Response(200, json={"operations": [READ, "administer"]}),
        httpx.Response(200, json={"operations": [READ, None]}),
        httpx.Response(
            200, json={"operations": [READ, {"operation": True, "targetType": "space"}]}
        ),
        httpx.Response(200, json={"operations": [READ, {"operation": "administer"}]}),
        httpx.Response(200, json={"operations": [READ], "x": "y" * 2_000_000}),
    ],
)
async def test_an_odd_answer_gives_nothing_at_all(reply):
    with pytest.raises(Unavailable):
        await right_given(reply)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.DecodingError])
async def test_confluence_away_gives_nothing_at_all(error):
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("away")

    with pytest.raises(Unavailable):
        await right_given(fail)


async def test_confluence_slow_gives_nothing_at_all(monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 0.05)

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10)
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as http:
        with pytest.raises(Unavailable):
            await rights(http, BASE, httpx.Auth(), SPACE)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 1), ("99999", 120), ("9999999999", 10), ("soon", 10), ("-5", 10), ("²", 10)],
)
async def test_confluence_says_when_to_ask_again(header, seconds):
    reply = httpx.Response(429, headers={"Retry-After": header.encode()})
    with pytest.raises(Unavailable) as caught:
        await right_given(reply)
    assert caught.value.retry_after == seconds


async def test_the_question_is_about_the_very_space():
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return operations(READ)

    await right_given(answer)
    assert asked == [f"{BASE}/api/v2/spaces/98305/operations"]


@pytest.mark.parametrize(
    "space_id", ["", "x", "1/../2", "-1", "1 ", "1\n", "１２", "9" * 20, "1?x", "1%2f2"]
)
async def test_what_is_no_space_id_never_enters_a_url(space_id):
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError

    assert await right_given(answer, space_id) is Right.NONE


async def test_without_a_way_to_ask_as_the_person_there_is_no_right():
    async with asking(operations(READ, ADMINISTER)) as http:
        assert await rights(http, BASE, None, SPACE) is Right.NONE


class RefusedGrant(httpx.Auth):
    """A person for whom Atlassian grants nothing."""

    async def async_auth_flow(self, request):
        raise NotPermitted
        yield request


async def test_a_person_for_whom_no_token_is_granted_has_no_right():
    async with asking(operations(READ, ADMINISTER)) as http:
        assert await rights(http, BASE, RefusedGrant(), SPACE) is Right.NONE


async def space_given(reply: httpx.Response) -> Space | None:
    async with asking(reply) as http:
        return await space(http, BASE, httpx.Auth(), SPACE)


async def test_a_space_has_its_key_and_name():
    reply = httpx.Response(200, json={"id": "98305", "key": "ORD", "name": "Orders"})
    assert await space_given(reply) == Space(SPACE, "ORD", "Orders")


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_space_that_cannot_be_seen_is_none(status):
    assert await space_given(httpx.Response(status)) is None


@pytest.mark.parametrize(
    "body", [{}, {"id": "1", "key": "A", "name": "B"}, {"id": "98305", "key": 1, "name": "B"}]
)
async def test_an_odd_space_is_no_space(body):
    with pytest.raises(Unavailable):
        await space_given(httpx.Response(200, json=body))


async def test_a_kept_line_that_is_hung_up_as_it_is_used_again_costs_nobody_the_page() -> None:
    """Servers let idle lines go after some seconds, and cannot see that a question is on its way."""
    said = json.dumps({"operations": [READ]}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    lines: list[asyncio.Task[None] | None] = []

    async def hang_up_on_the_second(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        lines.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head % len(said) + said)
            await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up_on_the_second, "127.0.0.1") as server:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with outgoing.client(timeout=20, operator_origins=[origin]) as http:
            for _ in range(2):
                assert await rights(http, origin, httpx.Auth(), SPACE) is Right.VIEWER
        await asyncio.gather(*(line for line in lines if line))
    assert len(lines) == 2
