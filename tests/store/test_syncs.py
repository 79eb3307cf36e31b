"""One sync at a time per space, held by one worker, whatever happens to the others."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.caller import AccountId, SpaceId
from app.errors import Conflict
from app.posture.model import Environment
from app.store import agenda, asking, connections, leases, marks, syncs
from app.store.syncs import Outcome
from tests.store.estate import ENVIRONMENTS, NOW, SPACE, TEST, Read, values


async def request(home, by=None):
    async with home.database.transaction(home.site_id) as db:
        return await asking.request(db, home.site_id, SPACE, by, NOW)


async def begin(home, sync_id, seconds=30.0):
    async with home.database.transaction(home.site_id) as db:
        return await leases.begin(db, home.site_id, SPACE, sync_id, seconds)


async def state(home, sync_id):
    async with home.database.transaction(home.site_id) as db:
        sync = await syncs.one(db, home.site_id, SPACE, sync_id)
    assert sync is not None
    return sync


async def test_fifty_requests_at_once_get_the_same_sync(ours):
    asked = await asyncio.gather(*(request(ours, AccountId("someone")) for _ in range(50)))
    assert len({sync.id for sync, _ in asked}) == 1
    assert sum(created for _, created in asked) == 1


async def test_a_request_meets_the_running_sync(ours):
    sync_id, _ = await ours.begun()
    sync, created = await request(ours)
    assert (sync.id, created, sync.state) == (sync_id, False, "running")


async def test_a_space_without_a_connection_has_no_sync(ours):
    async with ours.database.transaction(ours.site_id) as db:
        with pytest.raises(Conflict):
            await asking.request(db, ours.site_id, SpaceId("99"), None, NOW)
        await connections.remove(db, ours.site_id, SPACE, NOW)
        with pytest.raises(Conflict):
            await asking.request(db, ours.site_id, SPACE, None, NOW)


async def test_a_changed_connection_ends_the_running_sync_and_starts_another(ours, keyring):
    sync_id, attempt = await ours.begun()
    async with ours.database.transaction(ours.site_id) as db:
        await connections.save(db, ours.site_id, SPACE, values(), keyring, by=None, now=NOW)
    sync, created = await request(ours)
    assert (created, sync.connection_version) == (True, 2)
    assert (await state(ours, sync_id)).reason == "The connection was changed."
    with pytest.raises(leases.Fenced):
        await ours.read(sync_id, attempt, [])


async def test_a_connection_changed_in_mid_publishing_publishes_nothing(ours, keyring):
    sync_id, attempt = await ours.begun()
    await ours.read(sync_id, attempt, [])
    async with ours.database.transaction(ours.site_id) as db:
        await connections.save(db, ours.site_id, SPACE, values(), keyring, by=None, now=NOW)
    with pytest.raises(leases.Fenced):
        await ours.publish(sync_id, attempt, rows=_nothing())
    assert (await state(ours, sync_id)).state == "running"


def _nothing():
    from app.store.publishing import PublishedRows

    return PublishedRows(())


async def test_a_second_sync_does_not_begin_beside_a_running_one(ours):
    sync_id, _ = await ours.begun()
    async with ours.database.transaction(ours.site_id) as db:
        await db.execute(text("UPDATE syncs SET state = 'queued' WHERE false"))
        await db.execute(
            text(
                "INSERT INTO syncs (site_id, space_id, sync_id, state, attempt, connection_version,"
                " requested_at, done, requests) SELECT site_id, space_id, gen_random_uuid(),"
                " 'queued', 0, 1, now(), 0, 0 FROM syncs"
            )
        )
        queued = await db.scalar(text("SELECT sync_id::text FROM syncs WHERE state = 'queued'"))
    assert await begin(ours, queued) is None
    assert await begin(ours, sync_id) is None


async def test_a_dead_workers_sync_is_taken_over_with_what_was_finished(ours):
    sync_id, attempt = await ours.begun()
    await ours.read(sync_id, attempt, [Read(TEST, 1, "g/a")])
    async with ours.database.transaction(ours.site_id) as db:
        assert await leases.beat(db, ours.site_id, SPACE, sync_id, attempt, -1)
    assert await begin(ours, sync_id) == attempt + 1
    sync = await state(ours, sync_id)
    assert [item.finished for item in sync.environments] == [True, True]
    async with ours.database.transaction(ours.site_id) as db:
        await marks.save_environments(db, ours.site_id, SPACE, sync_id, attempt + 1, ENVIRONMENTS)
    assert (await state(ours, sync_id)).environments == sync.environments


async def test_an_environment_that_was_added_before_others_stands_before_them(ours):
    sync_id, attempt = await ours.begun()
    await ours.read(sync_id, attempt, [Read(TEST, 1, "g/a")])
    added = Environment("env-zero", "New", "production")
    async with ours.database.transaction(ours.site_id) as db:
        place = (db, ours.site_id, SPACE, sync_id, attempt)
        await marks.save_environments(*place, (added, *ENVIRONMENTS))
    found = (await state(ours, sync_id)).environments
    assert [item.name for item in found] == ["New", "Test", "Production"]
    assert [item.finished for item in found] == [False, True, True]


async def test_a_worker_that_was_only_asleep_can_write_nothing(ours):
    sync_id, attempt = await ours.begun()
    async with ours.database.transaction(ours.site_id) as db:
        await leases.release(db, ours.site_id, SPACE, sync_id, attempt)
    assert await begin(ours, sync_id) == attempt + 1
    late = (ours.site_id, SPACE, sync_id, attempt)
    async with ours.database.transaction(ours.site_id) as db:
        assert not await leases.beat(db, *late, 30)
        writes = [
            leases.progress(db, *late, done=1, total=2, requests=3),
            leases.park(db, *late, "later"),
            leases.fail(db, *late, "no"),
            marks.save_environments(db, *late, ENVIRONMENTS),
            marks.finish_environment(db, *late, TEST.id, outcome=Outcome.OK),
        ]
        for write in writes:
            with pytest.raises(leases.Fenced):
                await write


async def test_a_take_over_waits_for_a_write_that_is_under_way(ours):
    sync_id, attempt = await ours.begun()
    async with ours.database.transaction(ours.site_id) as db:
        await leases.release(db, ours.site_id, SPACE, sync_id, attempt)
    async with ours.database.transaction(ours.site_id) as db:
        await leases.fence(db, ours.site_id, SPACE, sync_id, attempt)
        taking_over = asyncio.create_task(begin(ours, sync_id))
        await asyncio.sleep(0.1)
        assert not taking_over.done()
    assert await taking_over == attempt + 1


async def test_progress_and_parking_are_seen_by_people(ours):
    sync_id, attempt = await ours.begun()
    async with ours.database.transaction(ours.site_id) as db:
        mine = (ours.site_id, SPACE, sync_id, attempt)
        await leases.progress(db, *mine, done=3, total=None, requests=12)
        await leases.park(db, *mine, "Rate limited until 12:04 UTC.")
    sync = await state(ours, sync_id)
    assert (sync.done, sync.total, sync.requests) == (3, None, 12)
    assert (sync.state, sync.reason) == ("running", "Rate limited until 12:04 UTC.")
    assert await begin(ours, sync_id) == attempt + 1


async def test_a_failed_sync_leaves_the_published_one(ours):
    await ours.published()
    sync_id, attempt = await ours.begun()
    await ours.read(sync_id, attempt, [Read(TEST, 1, "g/a")])
    async with ours.database.transaction(ours.site_id) as db:
        await leases.fail(db, ours.site_id, SPACE, sync_id, attempt, "Anypoint is away.")
        assert await db.scalar(text("SELECT count(*) FROM readings")) == 0
        published = await syncs.published(db, ours.site_id, SPACE)
        assert await syncs.unfinished(db, ours.site_id, SPACE) is None
    assert published is not None
    assert published.number == 1
    assert (await state(ours, sync_id)).reason == "Anypoint is away."


async def test_a_cancelled_sync_takes_no_more_writes(ours):
    sync_id, attempt = await ours.begun()
    async with ours.database.transaction(ours.site_id) as db:
        assert await asking.cancel(db, ours.site_id, SPACE, sync_id, "Cancelled.")
        assert not await asking.cancel(db, ours.site_id, SPACE, sync_id, "Cancelled.")
    with pytest.raises(leases.Fenced):
        await ours.read(sync_id, attempt, [])
    _, created = await request(ours)
    assert created


async def test_syncs_are_listed_newest_first(ours):
    for day in range(3):
        await ours.published(now=NOW + timedelta(days=day))
    async with ours.database.transaction(ours.site_id) as db:
        first, total = await syncs.newest(db, ours.site_id, SPACE, 1, 2)
        second, _ = await syncs.newest(db, ours.site_id, SPACE, 2, 2)
        numbered = await syncs.before(db, ours.site_id, SPACE, 2)
    assert total == 3
    assert [sync.number for sync in (*first, *second)] == [3, 2, 1]
    assert [item.name for item in first[0].environments] == ["Test", "Production"]
    assert numbered == second[0]


async def test_a_due_time_is_claimed_by_one_worker(ours):
    later = NOW + timedelta(hours=24)
    async with ours.database.transaction(ours.site_id) as db:
        await agenda.schedule(db, ours.site_id, SPACE, NOW)
        claims = [await agenda.claim(db, ours.site_id, SPACE, NOW, later) for _ in range(2)]
    assert claims == [True, False]
    async with ours.database.agenda() as db:
        assert await agenda.due_syncs(db, NOW) == ()
        assert await agenda.all_sites(db) == (ours.site_id,)
