"""Deleting what is older than the retention, what nothing refers to, and sites that left.

A snapshot refers to nothing, so nothing here can break one.
"""

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, or_, select, text

from app.caller import SiteId, SpaceId
from app.store import audit, rollups, sections, sites
from app.store import syncs as syncs_store
from app.store.audit import Act, Action
from app.store.database import DB
from app.store.syncs import State
from app.store.tables import (
    agenda,
    commands,
    connections,
    findings,
    instance_versions,
    posture_rows,
    syncs,
)

OVER = (State.PUBLISHED, State.FAILED, State.CANCELLED)


async def spaces(db: DB, site_id: SiteId) -> tuple[SpaceId, ...]:
    """Return every space of the site that has a history, connected or not."""
    rows = await db.scalars(
        select(connections.c.space_id)
        .where(connections.c.site_id == site_id)
        .order_by(connections.c.space_id)
    )
    return tuple(SpaceId(space) for space in rows)


async def forget_history(db: DB, site_id: SiteId, space_id: SpaceId, before: datetime) -> None:
    """Delete the space's syncs that ended before a time, and what is of no later one.

    The published sync stays, however old it is.
    """
    first, last_gone = await _bounds(db, site_id, space_id, before)
    for table in (findings, posture_rows, instance_versions):
        of_space = and_(table.c.site_id == site_id, table.c.space_id == space_id)
        await db.execute(delete(table).where(of_space, table.c.to_number <= last_gone + 1))
    mine = syncs.c
    await db.execute(
        delete(syncs).where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.state.in_(OVER),
            func.coalesce(mine.finished_at, mine.requested_at) < before,
            or_(mine.number.is_(None), mine.number < first),
        )
    )
    await rollups.forget(db, site_id, space_id, before.date())


async def forget_sections(db: DB, site_id: SiteId) -> int:
    """Delete the bodies that nothing of the site refers to and return how many.

    None while a sync of the site runs: it counts on bodies that nothing refers to yet.
    """
    if not await sections.hold_alone(db, site_id):
        return 0
    running = select(syncs.c.sync_id).where(
        syncs.c.site_id == site_id, syncs.c.state == State.RUNNING
    )
    if await db.scalar(running.limit(1)) is not None:
        return 0
    done = await db.execute(text(UNREFERENCED), {"site_id": site_id})
    return done.rowcount


async def forget_site(db: DB, site_id: SiteId) -> bool:
    """Delete every row of a site whose time is over; False if it is not, by the database's clock.

    Whoever installs it again waits for this transaction, or keeps it.
    """
    row = await db.execute(text(DUE), {"site_id": site_id})
    if row.one_or_none() is None:
        return False
    await db.execute(text("SELECT purge_snapshots()"))
    await audit.purge(db, site_id, timedelta(days=1))
    await db.execute(text(JOBS), {"site_id": site_id})
    await sites.purge(db, site_id)
    return True


async def forget_space(db: DB, site_id: SiteId, space_id: SpaceId) -> bool:
    """Delete everything of a space whose time on the agenda is over; the site's log says so.

    False if it is not over by the database's clock, or somebody else has deleted it.
    """
    row = await db.execute(text(SPACE_DUE), {"site_id": site_id, "space_id": space_id})
    if row.one_or_none() is None:
        return False
    await db.execute(text("SELECT purge_space(:space_id)"), {"space_id": space_id})
    for table in (connections, commands, agenda):
        of_space = and_(table.c.site_id == site_id, table.c.space_id == space_id)
        await db.execute(delete(table).where(of_space))
    act = Act(Action.PURGED, object_id=space_id)
    await audit.write(db, site_id, audit.WHOLE_SITE, act)
    return True


async def _bounds(db: DB, site_id: SiteId, space_id: SpaceId, before: datetime) -> tuple[int, int]:
    """Return the number of the oldest sync that stays and of the youngest that goes, 0 for none.

    Those between are the former numbers of the one that stays: somebody may read under one of them.
    """
    young = select(func.min(syncs.c.number)).where(
        syncs.c.site_id == site_id, syncs.c.space_id == space_id, syncs.c.finished_at >= before
    )
    published = select(connections.c.published_number).where(
        connections.c.site_id == site_id, connections.c.space_id == space_id
    )
    oldest = func.least(young.scalar_subquery(), published.scalar_subquery())
    first = await db.scalar(select(oldest)) or 0
    return first, await syncs_store.number_before(db, site_id, space_id, first) or 0


UNREFERENCED = """
DELETE FROM sections s WHERE s.site_id = CAST(:site_id AS uuid) AND NOT EXISTS (
  SELECT 1 FROM (
    SELECT unnest(ARRAY[facts, policies, tiers, contracts]) AS digest FROM instance_versions
    WHERE site_id = CAST(:site_id AS uuid)
    UNION ALL
    SELECT unnest(ARRAY[facts, policies, tiers, contracts]) FROM readings
    WHERE site_id = CAST(:site_id AS uuid)
    UNION ALL
    SELECT automated_digest FROM sync_environments WHERE site_id = CAST(:site_id AS uuid)
  ) used WHERE used.digest = s.digest)
"""

DUE = """
SELECT 1 FROM sites WHERE site_id = CAST(:site_id AS uuid) AND purge_after <= clock_timestamp()
FOR UPDATE
"""

SPACE_DUE = """
SELECT 1 FROM agenda WHERE site_id = CAST(:site_id AS uuid) AND space_id = :space_id
  AND purge_at <= clock_timestamp()
FOR UPDATE
"""

JOBS = "DELETE FROM procrastinate_jobs WHERE args ->> 'site_id' = :site_id AND status <> 'doing'"
