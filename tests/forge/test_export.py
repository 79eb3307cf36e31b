"""Exports through Forge: what a signed space allows, and one sentence for all else."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from app.caller import Right
from tests.forge.atlassian import SPACE, context_part
from tests.forge.conftest import USER_TOKEN, Forge

NOT_AVAILABLE = "Not available here."
NOTHING_YET = {"module": "plumbline-overview", "parameters": {"mode": "live"}}


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and node.get("type") == "text":
        yield node["text"]
    for child in node.get("content", []):
        yield from texts(child)


async def exported(forge: Forge, token: str, body: Any = NOTHING_YET) -> str:
    answer = await forge.call(token, "/forge/export", body)
    assert answer.status_code == 200, answer.text
    document = answer.json()["adf"]
    assert (document["type"], document["version"]) == ("doc", 1)
    return " ".join(texts(document))


async def test_without_a_signed_space_there_is_one_sentence(forge: Forge) -> None:
    token = forge.product.invocation(of_site=True)
    assert await exported(forge, token) == NOT_AVAILABLE
    assert await exported(forge, token, {"module": "another"}) == NOT_AVAILABLE


async def test_who_may_see_the_signed_space_exports_it(forge: Forge) -> None:
    token = forge.product.invocation(context=context_part("ours", moduleKey="plumbline-overview"))
    assert await exported(forge, token) != NOT_AVAILABLE


async def test_a_reader_who_is_not_signed_in_exports_nothing(forge: Forge) -> None:
    """Their shell's calls have a signed place and no person, and may name any path of ours."""
    place = context_part("ours", moduleKey="plumbline-overview")
    token = forge.product.invocation(principal=None, context=place)
    for user_token in (None, USER_TOKEN):
        answer = await forge.call(token, "/forge/export", NOTHING_YET, user_token=user_token)
        assert " ".join(texts(answer.json()["adf"])) == NOT_AVAILABLE
    assert (await forge.call(token)).status_code == 401


async def test_a_person_who_may_not_see_the_space_gets_the_same_sentence(forge: Forge) -> None:
    forge.product.may(Right.NONE)
    token = forge.product.invocation(context=context_part("ours", moduleKey="plumbline-overview"))
    assert await exported(forge, token) == NOT_AVAILABLE


FUNCTIONS = NOTHING_YET | {"space": "ORD"}


def listing(forge: Forge, *keys: str) -> list[str]:
    """Let Confluence list the spaces of these keys to whoever asks, and note who that is."""
    asked: list[str] = []
    usual = forge.product.atlassian.confluence

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["authorization"])
        if not request.url.path.endswith("/api/v2/spaces"):
            return usual(request)
        found = [{"id": SPACE, "key": key} for key in keys if key == request.url.params["keys"]]
        return httpx.Response(200, json={"results": found})

    forge.product.atlassian.replies["api.atlassian.com"] = reply
    return asked


async def test_a_function_names_the_space_and_the_persons_token_says_what_may_be_seen(
    forge: Forge,
) -> None:
    """As "Invoke Remote API" says: Forge passes no context and no person for a function's call."""
    asked = listing(forge, "ORD")
    token = forge.product.invocation(of_site=True)
    assert await exported(forge, token, FUNCTIONS) != NOT_AVAILABLE
    assert set(asked) == {f"Bearer {USER_TOKEN}"}
    assert await exported(forge, token, FUNCTIONS | {"space": "OTHER"}) == NOT_AVAILABLE
    assert await exported(forge, token, FUNCTIONS | {"space": "../x"}) == NOT_AVAILABLE


async def test_a_function_without_a_persons_token_shows_nothing(forge: Forge) -> None:
    asked = listing(forge, "ORD")
    token = forge.product.invocation(of_site=True)
    answer = await forge.call(token, "/forge/export", FUNCTIONS, user_token=None)
    assert " ".join(texts(answer.json()["adf"])) == NOT_AVAILABLE
    assert asked == []


async def test_a_person_who_may_not_view_the_named_space_gets_the_same_sentence(
    forge: Forge,
) -> None:
    listing(forge, "ORD")
    forge.product.may(Right.NONE)
    assert await exported(forge, forge.product.invocation(of_site=True), FUNCTIONS) == NOT_AVAILABLE


async def test_a_token_that_is_over_exports_one_sentence(forge: Forge) -> None:
    forge.product.atlassian.replies["api.atlassian.com"] = lambda _: httpx.Response(401)
    assert await exported(forge, forge.product.invocation(of_site=True), FUNCTIONS) == NOT_AVAILABLE


async def test_a_shell_cannot_name_another_space_than_its_own(forge: Forge) -> None:
    asked = listing(forge, "ORD")
    place = context_part("ours", moduleKey="plumbline-overview", extension={"type": "macro"})
    token = forge.product.invocation(context=place)
    assert await exported(forge, token, FUNCTIONS) == NOT_AVAILABLE
    assert asked == []


async def test_odd_parameters_break_nothing(forge: Forge) -> None:
    token = forge.product.invocation(context=context_part("ours", moduleKey="plumbline-api"))
    odd = {"api": ["x"], "mode": {"a": 1}, "snapshot": None}
    answer = await exported(forge, token, {"module": "plumbline-api", "parameters": odd})
    assert json.dumps(odd) not in answer
