"""Names as Confluence tells them: one question for all, and nobody renamed by a failure."""

import json
from collections.abc import Callable

import httpx
import pytest

from app.caller import AccountId
from app.confluence.people import names
from app.errors import Unavailable
from app.forge.acting import UserToken

BASE = "https://api.atlassian.com/ex/confluence/cloud/wiki"
ALICE, BOB = AccountId("712020:alice"), AccountId("712020:bob")

# As "Confluence Cloud REST API v2, Create bulk user lookup using ids" shows a user.
USER = {
    "displayName": "Alice Auditor",
    "timeZone": "Europe/Berlin",
    "personalSpaceId": "65539",
    "isExternalCollaborator": False,
    "accountStatus": "active",
    "accountId": ALICE,
    "email": "",
    "accountType": "atlassian",
    "publicName": "alice",
    "profilePicture": {"path": "/wiki/aa-avatar/1", "isDefault": False},
}

Reply = Callable[[httpx.Request], httpx.Response]


async def named(reply: Reply | httpx.Response, *accounts: AccountId) -> dict[AccountId, str]:
    answer = reply if callable(reply) else lambda _: reply
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return dict(await names(http, BASE, UserToken("token"), accounts or (ALICE, BOB)))


async def test_all_are_asked_about_at_once() -> None:
    asked: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"results": [USER], "_links": {}})

    assert await named(reply, ALICE, BOB, ALICE) == {ALICE: "Alice Auditor"}
    [request] = asked
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/api/v2/users-bulk")
    assert json.loads(request.content) == {"accountIds": [ALICE, BOB]}
    assert request.headers["content-type"] == "application/json"


async def test_without_a_display_name_the_public_one_is_shown() -> None:
    hidden = USER | {"displayName": None}
    answer = httpx.Response(200, json={"results": [hidden]})
    assert await named(answer) == {ALICE: "alice"}


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
async def test_whoever_may_not_ask_is_told_of_nobody_that_they_left(status: int) -> None:
    with pytest.raises(Unavailable):
        await named(
            httpx.Response(status, json={"code": status, "message": "scope does not match"})
        )


@pytest.mark.parametrize("body", [{}, {"results": {}}, {"results": [1]}, {"results": [{"a": 1}]}])
async def test_an_odd_answer_names_nobody(body: dict[str, object]) -> None:
    with pytest.raises(Unavailable):
        await named(httpx.Response(200, json=body))
