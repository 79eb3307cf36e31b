"""Those who are at one space at the same time: nobody ends, mixes up or holds up another."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.caller import SpaceId
from app.store import agenda, asking, exceptions, findings, holding, snapshots, syncs
from app.store.database import Database
from app.store.exceptions import ExceptionRow, Reason
from app.store.findings import FindingRow
from app.store.posture_rows import Filter
from app.store.snapshots import Taking
from app.store.syncs import State
from app.sync.assessing import assess_anew
from app.sync.schedule import Schedule
from app.sync.service import SyncService
from app.web.seeing import Wish, take_snapshot
from tests.postgres import FreshDatabase
from tests.sync.world import ADMIN, SPACE, World

EXCEPTION = "0e8f3c1e-6a52-4a0e-9a1b-3c1d5b7f9a20"
REFUSED = {"refuse_credentials": True, "revoke": True}


@pytest.mark.parametrize("trouble", [{}, REFUSED], ids=["confirming", "refused"])
async def test_who_changes_a_connection_stops_the_sync_that_is_just_writing_to_it(
    world: World, trouble: dict[str, Any]
) -> None:
    await world.connect()
    queued = await world.syncs.start(world.site_id, SPACE, ADMIN)
    world.standin.control.post(trouble)
    async with world.database.transaction(world.site_id) as db:
        await holding.connection(db, world.site_id, SPACE)
        run = asyncio.create_task(world.jobs.run(world.site_id, SPACE, queued.id))
        await somebody_waits(world)
        assert await asking.cancel_all(db, world.site_id, SPACE, "The connection was changed.")
    await run
    async with world.database.transaction(world.site_id) as db:
        ended = await syncs.one(db, world.site_id, SPACE, queued.id)
    assert ended is not None
    assert ended.state is State.CANCELLED


async def test_what_is_due_is_started_while_its_connection_is_saved(world: World) -> None:
    await _due(world)
    async with world.database.transaction(world.site_id) as db:
        await holding.connection(db, world.site_id, SPACE)
        starting = asyncio.create_task(world.schedule.start_due())
        await somebody_waits(world)
        await agenda.published(db, world.site_id, SPACE, world.now)
    await starting
    assert await _unfinished(world, SPACE) is not None


async def test_a_space_that_cannot_be_started_keeps_no_other_back(
    world: World, addresses: FreshDatabase
) -> None:
    other = SpaceId("65539")
    await _due(world)
    await world.connections.save(world.site_id, other, ADMIN, world.change())
    waiting = await _unfinished(world, other)
    assert waiting is not None
    await world.syncs.cancel(world.site_id, other, waiting.id)
    world.now += timedelta(days=2)
    impatient = Database(addresses.app_url, pool_size=2, lock_seconds=0.2)
    service = SyncService(impatient, world.queue, lambda: world.now)
    schedule = Schedule(impatient, service, lambda: world.now)
    async with world.database.transaction(world.site_id) as db:
        await holding.connection(db, world.site_id, SPACE)
        await schedule.start_due()
    await impatient.close()
    assert await _unfinished(world, SPACE) is None
    assert await _unfinished(world, other) is not None


async def test_a_snapshot_is_of_one_state_whatever_is_accepted_meanwhile(world: World) -> None:
    await world.connect()
    await world.sync()
    place = (world.site_id, SPACE)
    async with world.database.transaction(world.site_id) as db:
        found = (await findings.listed(db, *place, 1, Filter())).rows
        await db.exec_driver_sql("LOCK TABLE exceptions IN ACCESS EXCLUSIVE MODE")
        taking = asyncio.create_task(
            take_snapshot(world.database, *place, Wish(), Taking(ADMIN), world.now)
        )
        await somebody_waits(world)
        row = next(row for row in found if row.api_id)
        await exceptions.make(db, *place, [_exception(row, world.now)])
        await assess_anew(db, *place, world.now, [row.api_id or ""])
    taken = await taking
    async with world.database.transaction(world.site_id) as db:
        held = await snapshots.one(db, *place, taken.id)
    assert held is not None
    accepted = {row.accepted["exception_id"] for row in held.content.findings if row.accepted}
    assert accepted == {row.id for row in held.content.exceptions} == {EXCEPTION}


def _exception(row: FindingRow, now: datetime) -> ExceptionRow:
    return ExceptionRow(
        id=EXCEPTION,
        fingerprint=row.fingerprint,
        values_digest=row.values_digest,
        api_id=row.api_id,
        api_key=row.api_key,
        reason=Reason.PLANNED,
        note="Known.",
        made_by=ADMIN,
        made_at=now,
        until=now + timedelta(days=30),
    )


async def somebody_waits(world: World) -> None:
    """Return once a transaction waits for what another one holds."""
    question = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(10):
        while True:
            async with world.database.transaction(world.site_id) as db:
                if (await db.exec_driver_sql(question)).scalar_one():
                    return
            await asyncio.sleep(0.02)


async def _due(world: World) -> None:
    await world.connect()
    await world.sync()
    world.now += timedelta(days=2)


async def _unfinished(world: World, space_id: SpaceId) -> syncs.Sync | None:
    async with world.database.transaction(world.site_id) as db:
        return await syncs.unfinished(db, world.site_id, space_id)
