"""The stand-in as a process of its own: over real sockets, with all that can be made to fail."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app import outgoing
from app.anypoint.auth import Credentials
from app.anypoint.client import AnypointClient
from app.anypoint.errors import Away, BadAnswer, CutShort
from app.anypoint.limiter import Limiter
from app.posture.model import Environment
from tests.anypoint.conftest import KEY


@pytest.fixture(scope="module")
def process() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "sandbox.anypoint", "--apis", "14", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())
        running.terminate()


@dataclass
class StandIn:
    """The process with a client that reads it."""

    announced: dict[str, Any]
    http: httpx.AsyncClient
    client: AnypointClient

    async def set_up(self, **wish: Any) -> None:
        await self.http.post(f"{self.announced['url']}/_control", json=wish)

    async def told(self, what: str) -> Any:
        return (await self.http.get(f"{self.announced['url']}/_control/{what}")).json()

    async def test_environment(self) -> Environment:
        found = await self.client.environments(self.announced["organization_id"])
        return next(item for item in found if item.name == "Test")

    async def instances(self) -> list[Any]:
        test = await self.test_environment()
        pages = self.client.instances(self.announced["organization_id"], test)
        return [item async for page in pages for item in page]

    async def policies(self, instance_id: int) -> list[Any]:
        test = await self.test_environment()
        organization_id = self.announced["organization_id"]
        return list(await self.client.policies(organization_id, test, instance_id))


@pytest.fixture
async def stand_in(process: dict[str, Any]) -> AsyncIterator[StandIn]:
    async with outgoing.client(timeout=5, operator_origins=[process["url"]]) as http:
        client = AnypointClient(
            http,
            process["url"],
            Credentials(process["client_id"], process["client_secret"]),
            limiter=Limiter(16),
            fingerprint_key=KEY,
        )
        made = StandIn(process, http, client)
        await made.set_up(reset=True, rate_limit=None)
        yield made


@pytest.mark.parametrize("action", ["reset", "truncate", "html", "empty"])
async def test_an_answer_that_arrives_damaged_once_is_read_all_the_same(
    stand_in: StandIn, action: str
) -> None:
    await stand_in.set_up(faults=[{"action": action, "path": "/apis", "times": 1}])
    assert len(await stand_in.instances()) >= 14


@pytest.mark.parametrize(
    ("action", "problem"), [("reset", Away), ("html", BadAnswer), ("cut", CutShort)]
)
async def test_a_list_that_always_arrives_damaged_is_not_read(
    stand_in: StandIn, action: str, problem: type[Exception]
) -> None:
    await stand_in.set_up(faults=[{"action": action, "path": "/apis"}])
    with pytest.raises(problem):
        await stand_in.instances()


@pytest.mark.parametrize("header", ["retry-after", "reset"])
async def test_a_limit_on_calls_is_kept_and_everything_is_read(
    stand_in: StandIn, header: str
) -> None:
    listed = await stand_in.instances()
    await stand_in.set_up(rate_limit={"calls": 30, "seconds": 1, "header": header})
    reads = (stand_in.policies(item.instance_id) for item in listed[:20])
    assert all(await asyncio.gather(*reads))


async def test_a_change_is_seen_by_the_next_reading(stand_in: StandIn) -> None:
    kinds = {item["kind"] for item in (await stand_in.told("truth"))["truth"]}
    assert "policy_config" in kinds
    listed = [item for item in await stand_in.instances() if item.facts["asset_id"]]
    reads = [await stand_in.policies(item.instance_id) for item in listed]
    limited = [[x["asset_id"] for x in read].count("rate-limiting") == 1 for read in reads]
    instance, before = listed[limited.index(True)], reads[limited.index(True)]
    asset_id = instance.facts["asset_id"]
    change = {"api": asset_id, "environment": "Test", "policy": "rate-limiting"}
    value = {"op": "set", **change, "path": "rateLimits.0.maximumRequests", "value": 7}
    await stand_in.set_up(mutate=[value, {"op": "add_api", "name": "Fresh Orders Process API"}])
    after = await stand_in.policies(instance.instance_id)
    assert len(after) == len(before)
    assert after != before
    await stand_in.set_up(mutate=[{"op": "remove_policy", **change}])
    assert len(await stand_in.policies(instance.instance_id)) == len(before) - 1
    names = {item.facts["name"] for item in await stand_in.instances()}
    assert "Fresh Orders Process API" in names


async def test_what_was_asked_is_counted(stand_in: StandIn) -> None:
    await stand_in.set_up(latency_ms=20)
    listed = await stand_in.instances()
    await asyncio.gather(*(stand_in.policies(item.instance_id) for item in listed))
    stats = await stand_in.told("stats")
    assert stats["calls"]["policies"] == len(listed)
    assert 1 < stats["peak"] <= 16
    await stand_in.set_up(latency_ms=0)
