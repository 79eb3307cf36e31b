"""A sync as a job: read everything, publish it whole, say what could not be read."""

import asyncio
from datetime import timedelta

import pytest

from app.errors import Conflict
from app.store import agenda, connections, findings, jobs, leases, posture_rows, sites, syncs
from app.store.posture_rows import Filter
from app.store.syncs import Outcome, State
from sandbox import anypoint, estate
from tests.sync.world import ADMIN, SPACE, World


async def test_the_first_sync_publishes_every_api_of_every_environment(world: World) -> None:
    await world.connect()
    ended = await world.sync()
    assert ended.state is State.PUBLISHED
    assert [item.outcome for item in ended.environments] == [Outcome.OK] * 3
    async with world.database.transaction(world.site_id) as db:
        page = await posture_rows.page(db, world.site_id, SPACE, 1, Filter(size=100))
    assert {row.api_key for row in page.rows} == {api.key for api in world.estate.apis}


async def test_progress_ends_at_the_number_of_instances(world: World) -> None:
    await world.connect()
    ended = await world.sync()
    instances = sum(len(api.instances) for api in world.estate.apis)
    assert (ended.done, ended.total) == (instances, instances)


async def test_how_many_there_are_is_known_while_most_are_still_to_be_read(world: World) -> None:
    world.estate = estate.build(seed=1, apis=40, environments=3)
    world.standin = anypoint.create_app(world.estate, latency_ms=60)
    await world.connect()
    queued = await world.syncs.start(world.site_id, SPACE, ADMIN)
    running = asyncio.create_task(world.jobs.run(world.site_id, SPACE, queued.id))
    seen = queued
    while seen.total is None and not running.done():
        await asyncio.sleep(0.05)
        async with world.database.transaction(world.site_id) as db:
            seen = await syncs.one(db, world.site_id, SPACE, queued.id) or queued
    assert seen.total == sum(len(api.instances) for api in world.estate.apis)
    assert seen.done < seen.total / 2
    await running


async def test_a_sync_asks_no_more_than_it_needs(world: World) -> None:
    await world.connect()
    ended = await world.sync()
    instances = sum(len(api.instances) for api in world.estate.apis)
    assert ended.requests <= 3 + 3 * 2 + 3 * instances


async def test_asking_again_answers_the_sync_that_waits(world: World) -> None:
    await world.connect()
    first = await world.syncs.start(world.site_id, SPACE, ADMIN)
    again = await world.syncs.start(world.site_id, SPACE, ADMIN)
    assert first.id == again.id


async def test_asking_again_mends_a_running_sync_that_lost_its_worker_and_its_job(
    world: World,
) -> None:
    await world.connect()
    sync = await world.syncs.start(world.site_id, SPACE, ADMIN)
    async with world.database.transaction(world.site_id) as db:
        attempt = await leases.begin(db, world.site_id, SPACE, sync.id, 30)
        assert attempt == 1
        await db.exec_driver_sql("DELETE FROM procrastinate_jobs")
    assert await _is_queued_after_asking(world, sync.id) is False  # its worker may well live
    async with world.database.transaction(world.site_id) as db:
        await leases.release(db, world.site_id, SPACE, sync.id, attempt)
    assert await _is_queued_after_asking(world, sync.id) is True


async def _is_queued_after_asking(world: World, sync_id: str) -> bool:
    assert (await world.syncs.start(world.site_id, SPACE, ADMIN)).id == sync_id
    async with world.database.transaction(world.site_id) as db:
        return await jobs.waits(db, world.site_id, sync_id)


async def test_an_unchanged_estate_changes_no_row(world: World) -> None:
    await world.connect()
    await world.sync()
    before = await _current_rows(world)
    ended = await world.sync()
    assert ended.number == 2
    assert await _current_rows(world) == before


async def test_findings_keep_their_first_date_and_move_their_last(world: World) -> None:
    await world.connect()
    first = await world.sync()
    second = await world.sync()
    async with world.database.transaction(world.site_id) as db:
        page = await findings.listed(db, world.site_id, SPACE, 2, Filter(), 1, 500)
    assert page.total > 0
    assert {row.first_seen_at for row in page.rows} == {first.finished_at}
    assert {row.last_seen_at for row in page.rows} == {second.finished_at}


async def test_saved_credentials_are_tried_against_the_stand_in(world: World) -> None:
    saved = await world.connect()
    assert [item.name for item in saved.environments] == [
        item.name for item in world.estate.environments
    ]
    assert saved.organization_id == world.estate.organization_id


async def test_a_cancelled_sync_is_left_alone_by_its_job(world: World) -> None:
    await world.connect()
    queued = await world.syncs.start(world.site_id, SPACE, ADMIN)
    await world.syncs.cancel(world.site_id, SPACE, queued.id)
    await world.jobs.run(world.site_id, SPACE, queued.id)
    async with world.database.transaction(world.site_id) as db:
        ended = await syncs.one(db, world.site_id, SPACE, queued.id)
        assert await connections.current(db, world.site_id, SPACE)
    assert ended
    assert ended.state is State.CANCELLED


async def _current_rows(world: World) -> list[object]:
    async with world.database.transaction(world.site_id) as db:
        found = await posture_rows.input_digests(db, world.site_id, SPACE)
        page = await posture_rows.page(db, world.site_id, SPACE, 1, Filter(size=100))
    return [found, page]


async def test_credentials_that_work_again_bring_the_schedule_back(world: World) -> None:
    """Anypoint refused them for a while, and somebody has asked for a sync since."""
    saved = await world.connect()
    async with world.database.transaction(world.site_id) as db:
        await connections.mark_refused(db, world.site_id, SPACE, saved.version, world.now)
    await world.schedule.set_next(world.site_id, SPACE)
    assert not await _is_scheduled(world)
    assert (await world.sync()).state is State.PUBLISHED
    works = await world.connection()
    assert works is not None
    assert works.refused_at is None
    assert await _is_scheduled(world)


async def test_a_site_that_left_and_came_back_is_connected_anew(world: World) -> None:
    """Its secret is destroyed, so that nothing says that it is connected, and nothing is begun."""
    await world.connect()
    await world.sync()
    async with world.database.transaction(world.site_id) as db:
        later = world.now + timedelta(days=30)
        await sites.uninstall(db, world.site_id, world.now, later)
    # A sync that was published at this very moment sets the date of the next one.
    await world.schedule.set_next(world.site_id, SPACE)
    assert not await _is_scheduled(world)
    assert await world.connection() is None
    with pytest.raises(Conflict):
        await world.syncs.start(world.site_id, SPACE, ADMIN)
    await world.connect()
    assert (await world.sync()).state is State.PUBLISHED


async def _is_scheduled(world: World) -> bool:
    async with world.database.agenda() as db:
        return bool(await agenda.due_syncs(db, world.now + timedelta(days=9)))
