"""Connections, credentials and sites that change under a running sync; starts that come at once."""

import asyncio
import signal
from datetime import timedelta

from app.caller import SpaceId
from app.store import audit, connections, sites, syncs
from app.store.syncs import State
from tests.faults import invariants
from tests.faults.machines import EDITOR, SPACE, Machines, send, utc_now

SECONDS_UNTIL_SILENCE = 5


async def silent(machines: Machines) -> None:
    """Fail unless the calls to Anypoint end within seconds."""
    await asyncio.sleep(SECONDS_UNTIL_SILENCE)
    before = (await machines.stats())["requests"]
    await asyncio.sleep(1)
    assert (await machines.stats())["requests"] == before


async def test_an_uninstallation_ends_the_calls_and_nothing_is_written(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.worker()
    sync_id = await machines.start(site)
    await machines.until(site, sync_id, lambda s: s.done > 0, "some progress")
    async with machines.database.transaction(site) as db:
        await sites.uninstall(db, site, utc_now(), utc_now())
    before = machines.rows("SELECT * FROM syncs")
    await silent(machines)
    assert machines.rows("SELECT * FROM syncs") == before
    assert machines.rows("SELECT 1 FROM posture_rows") == []


async def test_a_site_that_is_gone_leaves_no_job(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.start(site)
    async with machines.database.transaction(site) as db:
        await sites.uninstall(db, site, utc_now(), utc_now())
        await audit.purge(db, site, timedelta(days=1))
        await sites.purge(db, site)
    await machines.worker()
    await invariants.check(machines, apis=0)


async def test_another_connection_fences_the_sync_of_the_one_before(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.worker()
    old = await machines.start(site)
    await machines.until(site, old, lambda s: s.done > 0, "some progress")
    await machines.connect(site, ignored_application_suffixes=("-x",))
    new = await machines.start(site)
    assert new != old
    assert (await machines.ended(site, new)).state is State.PUBLISHED
    assert (await machines.seen(site, old)).state is State.CANCELLED
    await invariants.check(machines, apis=8)


async def test_refused_credentials_stop_the_schedule_after_two_questions_at_most(
    machines: Machines,
) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.worker()
    assert (await machines.ended(site, await machines.start(site))).state is State.PUBLISHED
    await machines.trouble(reset=True, refuse_credentials=True, revoke=True)
    ended = await machines.ended(site, await machines.start(site))
    assert ended.state is State.FAILED
    assert (await machines.stats())["calls"]["token"] <= 2
    async with machines.database.transaction(site) as db:
        connection = await connections.current(db, site, SPACE)
    assert connection
    assert connection.refused_at is not None
    assert machines.rows("SELECT next_sync_at FROM agenda WHERE space_id <> ''") == [
        {"next_sync_at": None}
    ]


async def test_fifty_starts_at_once_are_one_sync_that_survives_its_worker(
    machines: Machines,
) -> None:
    site = await machines.site()
    await machines.connect(site)
    first = await machines.worker("first")
    ids = await asyncio.gather(*(machines.start(site) for _ in range(50)))
    assert len(set(ids)) == 1
    await machines.until(site, ids[0], lambda s: s.state is State.RUNNING, "its beginning")
    assert set(await asyncio.gather(*(machines.start(site) for _ in range(50)))) == set(ids)
    send(first, signal.SIGKILL)
    await machines.worker("second")
    assert (await machines.ended(site, ids[0])).state is State.PUBLISHED
    assert machines.rows("SELECT count(*) AS n FROM syncs") == [{"n": 1}]
    await invariants.check(machines, apis=8)


async def test_the_same_key_has_the_same_answer_long_after_the_sync(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.trouble(latency_ms=0)
    await machines.worker()
    started = await asyncio.gather(
        *(machines.syncs.start_once(site, SPACE, EDITOR, "once") for _ in range(5))
    )
    sync_id = str(started[0]["id"])
    await machines.ended(site, sync_id)
    started.append(await machines.syncs.start_once(site, SPACE, EDITOR, "once"))
    assert {answer["id"] for answer in started} == {sync_id}
    other = await machines.syncs.start_once(site, SPACE, EDITOR, "twice")
    assert other["id"] != sync_id
    await machines.ended(site, str(other["id"]))


async def test_many_syncs_of_one_site_do_not_hold_up_another_ones(machines: Machines) -> None:
    crowd, other = await machines.site("crowd"), await machines.site("other")
    spaces = [SpaceId(str(1000 + n)) for n in range(16)]
    for space in spaces:
        await machines.connect(crowd, space)
        await machines.start(crowd, space)
    await machines.connect(other)
    sync_id = await machines.start(other)
    await machines.trouble(latency_ms=30)
    await machines.worker(jobs=2)
    await machines.ended(other, sync_id)
    done = machines.rows("SELECT count(*) AS n FROM syncs WHERE state = 'published'")
    assert done[0]["n"] <= 6


async def test_a_cancelled_sync_falls_silent(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.worker()
    sync_id = await machines.start(site)
    await machines.until(site, sync_id, lambda s: s.done > 0, "some progress")
    await machines.syncs.cancel(site, SPACE, sync_id)
    await silent(machines)
    assert (await machines.seen(site, sync_id)).state is State.CANCELLED
    async with machines.database.transaction(site) as db:
        assert await syncs.unfinished(db, site, SPACE) is None


async def test_a_sync_whose_job_was_lost_is_mended_by_asking_again(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    sync_id = await machines.start(site)
    async with machines.database.agenda() as db:
        await db.exec_driver_sql("DELETE FROM procrastinate_jobs")
    assert await machines.start(site) == sync_id
    await machines.trouble(latency_ms=0)
    await machines.worker()
    assert (await machines.ended(site, sync_id)).state is State.PUBLISHED
    await invariants.check(machines, apis=8)
