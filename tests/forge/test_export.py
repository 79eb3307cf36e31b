"""Exports through Forge: what a signed space allows, and one sentence for all else."""

import json
from collections.abc import Iterator
from typing import Any

from app.caller import Right
from tests.forge.atlassian import context_part
from tests.forge.conftest import Forge

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


async def test_a_signed_space_without_a_person_is_confluences_own_export(forge: Forge) -> None:
    place = context_part("ours", moduleKey="plumbline-overview")
    token = forge.product.invocation(principal=None, context=place)
    assert await exported(forge, token) != NOT_AVAILABLE
    assert (await forge.call(token)).status_code == 401


async def test_a_person_who_may_not_see_the_space_gets_the_same_sentence(forge: Forge) -> None:
    forge.product.may(Right.NONE)
    token = forge.product.invocation(context=context_part("ours", moduleKey="plumbline-overview"))
    assert await exported(forge, token) == NOT_AVAILABLE


async def test_odd_parameters_break_nothing(forge: Forge) -> None:
    place = context_part("ours", moduleKey="plumbline-api")
    token = forge.product.invocation(principal=None, context=place)
    odd = {"api": ["x"], "mode": {"a": 1}, "snapshot": None}
    answer = await exported(forge, token, {"module": "plumbline-api", "parameters": odd})
    assert json.dumps(odd) not in answer
