"""Publishing: assess what changed, then put all of it in force in one transaction."""

from datetime import datetime

from app.caller import SiteId, SpaceId
from app.errors import Conflict
from app.store import (
    agenda,
    connections,
    findings,
    judging,
    posture_rows,
    publishing,
    readings,
    syncs,
)
from app.store.database import DB, Database
from app.sync import exceptions_ending
from app.sync.scope import scope_of
from app.sync.weighing import Ground, Work, weigh


async def publish(
    database: Database,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    now: datetime,
) -> int:
    """Publish a sync whose environments are all finished; return its number.

    What an administrator changed while it was assessed is not lost: it is assessed once more then.
    """
    async with database.transaction(site_id) as db:
        version = await judging.version(db, site_id, space_id)
        work = await _assessed(db, site_id, space_id, sync_id, now)
    async with database.transaction(site_id) as db:
        await judging.hold(db, site_id, space_id)
        if await judging.version(db, site_id, space_id) != version:
            work = await _assessed(db, site_id, space_id, sync_id, now)
        rows = work.rows
        number = await publishing.publish(db, site_id, space_id, sync_id, attempt, rows, now)
        await exceptions_ending.end(db, site_id, space_id, work.changed, now)
        await agenda.published(db, site_id, space_id, now)
    return number


async def _assessed(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, now: datetime
) -> Work:
    """Assess every API whose input changed; the others keep their rows."""
    sync = await syncs.one(db, site_id, space_id, sync_id)
    connection = await connections.current(db, site_id, space_id)
    if sync is None or connection is None:
        raise Conflict("The connection was removed.")
    assert all(item.finished for item in sync.environments)
    ground = Ground(
        sync=sync,
        scope=await scope_of(db, site_id, space_id, sync, connection, now),
        known=await posture_rows.input_digests(db, site_id, space_id),
        earlier=await findings.current(db, site_id, space_id),
    )
    return await weigh(db, site_id, ground, readings.merged(db, site_id, space_id, sync_id))
