"""What Anypoint does wrong while a sync reads it, and what people then see."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from app.store import posture_rows, syncs
from app.store.encryption import Keyring
from app.store.posture_rows import Filter
from app.store.syncs import Outcome, State, Sync, SyncEnvironment
from tests.postgres import FreshDatabase
from tests.sync.world import ADMIN, SPACE, World

FAULTS: dict[str, dict[str, Any]] = {
    "403": {"action": "status", "status": 403, "body": '{"message":"Unauthorized"}'},
    "404": {"action": "status", "status": 404, "body": '{"name":"NotFoundError"}'},
    "500 again and again": {"action": "status", "status": 500},
    "a web page": {"action": "html"},
    "half an answer": {"action": "truncate"},
    "null": {"action": "null"},
}


def trouble(world: World, **wish: Any) -> None:
    world.standin.control.post(wish)


def environment(sync: Sync, name: str) -> SyncEnvironment:
    return next(item for item in sync.environments if item.name == name)


async def verdicts(world: World, number: int) -> set[str]:
    async with world.database.transaction(world.site_id) as db:
        page = await posture_rows.page(db, world.site_id, SPACE, number, Filter(size=100))
    return {row.verdict.value for row in page.rows}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_one_environment_that_cannot_be_read_is_unknown_and_the_others_are_fresh(
    world: World, fault: dict[str, Any]
) -> None:
    await world.connect()
    first = await world.sync()
    trouble(world, faults=[{**fault, "path": r"/apis(\?|$)", "environment": "Test"}])
    second = await world.sync()
    assert second.state is State.PUBLISHED
    failed = environment(second, "Test")
    assert failed.outcome is Outcome.FAILED
    assert failed.reason
    assert failed.read_at == environment(first, "Test").read_at
    fresh = [environment(second, name) for name in ("Development", "Production")]
    assert {item.outcome for item in fresh} == {Outcome.OK}
    assert {item.read_at for item in fresh} == {world.now}
    assert "aligned" not in await verdicts(world, 2)


async def test_what_is_read_again_after_trouble_is_fresh_again(world: World) -> None:
    await world.connect()
    await world.sync()
    before = await verdicts(world, 1)
    trouble(world, forbid=[{"scope": "View APIs Configuration", "environment": "Test"}])
    await world.sync()
    trouble(world, reset=True)
    third = await world.sync()
    assert {item.outcome for item in third.environments} == {Outcome.OK}
    assert await verdicts(world, 3) == before


async def test_an_environment_that_is_empty_now_is_read_and_empty(world: World) -> None:
    await world.connect()
    await world.sync()
    test = next(item for item in world.estate.environments if item.name == "Test")
    for api in world.estate.apis:
        api.instances[:] = [item for item in api.instances if item.environment_id != test.id]
    world.standin.control.answers.refresh()
    shrunk = environment(await world.sync(), "Test")
    assert (shrunk.outcome, shrunk.instances) == (Outcome.OK, 0)


POISON = {
    "lone surrogate": '[{"policyTemplateId":"\\ud800","configuration":{"a":"\\udfff"}}]',
    "nul": '[{"policyTemplateId":"a\\u0000b","configuration":{"\\u0000":"\\u0000"}}]',
    "numbers": "[1,2,3]",
    "deep": '{"policies":[{"configuration":' + "[" * 900 + "]" * 900 + "}]}",
    "huge number": '[{"policyTemplateId":"x","order":1e999}]',
    "wrong shapes": '{"policies":[{"configuration":[],"template":7,"order":{}}]}',
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON)
async def test_one_bad_item_is_one_bad_item(world: World, body: str) -> None:
    await world.connect()
    instance = world.estate.apis[0].instances[0]
    path = rf"/apis/{instance.instance_id}/policies"
    trouble(world, faults=[{"action": "status", "status": 200, "body": body, "path": path}])
    ended = await world.sync()
    assert ended.state is State.PUBLISHED
    assert {item.outcome for item in ended.environments} <= {Outcome.OK, Outcome.PARTIAL}


@pytest.mark.parametrize("header", ["retry-after", "reset", "none"])
@pytest.mark.parametrize("status", [429, 503])
async def test_waiting_is_not_failing(world: World, header: str, status: int) -> None:
    await world.connect()
    trouble(world, rate_limit={"calls": 40, "seconds": 0.5, "status": status, "header": header})
    ended = await world.sync()
    assert (ended.state, ended.attempt) == (State.PUBLISHED, 1)
    instances = sum(len(api.instances) for api in world.estate.apis)
    assert ended.requests <= (3 + 3 * 2 + 3 * instances) * 1.5 + 20


async def test_a_long_wait_frees_the_worker_and_says_until_when(world: World) -> None:
    await world.connect()
    queued = await world.syncs.start(world.site_id, SPACE, ADMIN)
    limited = {"action": "status", "status": 429, "headers": {"Retry-After": "600"}}
    trouble(world, faults=[{**limited, "path": "/policies", "environment": "Production"}])
    await world.jobs.run(world.site_id, SPACE, queued.id)
    parked = await seen(world, queued.id)
    assert parked.state is State.RUNNING
    assert parked.reason
    assert parked.reason.startswith("Anypoint limits the number of calls until")
    again = await world.syncs.start(world.site_id, SPACE, ADMIN)
    assert again.id == queued.id
    trouble(world, reset=True)
    await world.jobs.run(world.site_id, SPACE, queued.id)
    ended = await seen(world, queued.id)
    assert ended.state is State.PUBLISHED
    assert ended.reason is None
    done = {item.id for item in parked.environments if item.finished}
    assert not done & world.standin.control.stats.places.keys()


async def test_a_parked_sync_is_queued_for_when_the_wait_is_over(world: World) -> None:
    await world.connect()
    queued = await world.syncs.start(world.site_id, SPACE, ADMIN)
    limited = {"action": "status", "status": 429, "headers": {"Retry-After": "600"}}
    trouble(world, faults=[{**limited, "path": "/policies", "environment": "Production"}])
    async with world.database.agenda() as db:
        await db.exec_driver_sql("DELETE FROM procrastinate_jobs")
    await world.jobs.run(world.site_id, SPACE, queued.id)
    async with world.database.agenda() as db:
        later = "scheduled_at > clock_timestamp() + interval '1 minute'"
        rows = await db.exec_driver_sql(f"SELECT status, {later} FROM procrastinate_jobs")
        assert [tuple(row) for row in rows] == [("todo", True)]


async def test_what_was_read_before_a_wait_is_not_read_again_after_it(world: World) -> None:
    """Also in the environment that had to wait: one instance of it was throttled, the last one."""
    await world.connect()
    every = [item for api in world.estate.apis for item in api.instances]
    last = max(every, key=lambda item: item.instance_id)
    there = sum(item.environment_id == last.environment_id for item in every)
    limited = {"action": "status", "status": 429, "headers": {"Retry-After": "600"}}
    trouble(world, faults=[{**limited, "path": f"/{last.instance_id}/policies"}])
    queued = await world.syncs.start(world.site_id, SPACE, ADMIN)
    await world.jobs.run(world.site_id, SPACE, queued.id)
    trouble(world, reset=True)
    await world.jobs.run(world.site_id, SPACE, queued.id)
    assert (await seen(world, queued.id)).state is State.PUBLISHED
    calls = world.standin.control.stats.places[last.environment_id]
    assert calls < 3 * there  # policies, tiers and contracts of each, and the lists


async def test_a_sync_that_waited_too_long_has_failed(
    world: World, addresses: FreshDatabase
) -> None:
    await world.connect()
    queued = await world.syncs.start(world.site_id, SPACE, ADMIN)
    limited = {"action": "status", "status": 429, "headers": {"Retry-After": "600"}}
    trouble(world, faults=[{**limited, "path": "/apis"}])
    await world.jobs.run(world.site_id, SPACE, queued.id)
    with psycopg.connect(addresses.superuser_url) as db:
        db.execute("UPDATE plumbline.syncs SET started_at = started_at - interval '7 hours'")
    await world.jobs.run(world.site_id, SPACE, queued.id)
    ended = await seen(world, queued.id)
    assert ended.state is State.FAILED
    assert ended.reason == "Anypoint was not read to the end within 6 hours."


async def test_anypoint_away_altogether_fails_the_sync_and_keeps_what_was_published(
    world: World,
) -> None:
    await world.connect()
    await world.sync()
    trouble(world, faults=[{"action": "status", "status": 403}])
    ended = await world.sync()
    assert ended.state is State.FAILED
    assert ended.reason
    async with world.database.transaction(world.site_id) as db:
        published = await syncs.published(db, world.site_id, SPACE)
    assert published
    assert published.number == 1


async def test_a_missing_list_of_environments_does_not_lose_what_could_be_read(
    world: World,
) -> None:
    await world.connect()
    await world.sync()
    trouble(world, forbid=[{"scope": "View Environment"}])
    ended = await world.sync()
    assert ended.state is State.PUBLISHED
    assert {item.outcome for item in ended.environments} == {Outcome.OK}


async def test_a_secret_whose_key_is_gone_fails_the_sync_in_words(world: World) -> None:
    await world.connect()
    world.keyring = Keyring({"other": b"o" * 32})
    world.__post_init__()
    ended = await world.sync()
    assert ended.state is State.FAILED
    assert ended.reason
    assert "keys" in ended.reason


async def test_a_connection_is_due_again_after_its_interval(world: World) -> None:
    await world.connect()
    await world.sync()
    await world.schedule.start_due()
    assert await unfinished(world) is None
    world.now += timedelta(hours=25)
    await world.schedule.start_due()
    await world.schedule.start_due()
    due = await unfinished(world)
    assert due
    assert due.requested_by is None


async def test_a_first_sync_that_was_cancelled_leaves_a_schedule(world: World) -> None:
    await world.connect()
    first = await world.syncs.start(world.site_id, SPACE, ADMIN)
    await world.syncs.cancel(world.site_id, SPACE, first.id)
    world.now += timedelta(hours=25)
    await world.schedule.start_due()
    assert await unfinished(world)


async def seen(world: World, sync_id: str) -> Sync:
    async with world.database.transaction(world.site_id) as db:
        found = await syncs.one(db, world.site_id, SPACE, sync_id)
    assert found is not None
    return found


async def unfinished(world: World) -> Sync | None:
    async with world.database.transaction(world.site_id) as db:
        return await syncs.unfinished(db, world.site_id, SPACE)
