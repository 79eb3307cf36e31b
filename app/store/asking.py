"""Asking for a sync, and calling one off: what people and the schedule decide."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, delete, func, insert, update

from app.caller import AccountId, SiteId, SpaceId
from app.errors import Conflict
from app.store import holding, syncs
from app.store.bulk import among
from app.store.database import DB
from app.store.syncs import State, Sync
from app.store.tables import readings
from app.store.tables import syncs as table


async def request(
    db: DB, site_id: SiteId, space_id: SpaceId, requested_by: AccountId | None, now: datetime
) -> tuple[Sync, bool]:
    """Return the queued or running sync, or a new queued one and True; `Conflict` unconnected.

    One that was begun with other settings is cancelled: two connections are never in one sync.
    """
    # Those who ask at once wait here for each other.
    version = await holding.connection(db, site_id, space_id)
    if version is None:
        raise Conflict("This space is not connected to Anypoint yet.")
    outdated = and_(table.c.connection_version != version, syncs.is_unfinished())
    await _end(db, site_id, _of(space_id, outdated), "The connection was changed.")
    met = await syncs.unfinished(db, site_id, space_id)
    if met is not None:
        return met, False
    sync_id = str(uuid4())
    await db.execute(
        insert(table).values(
            site_id=site_id,
            space_id=space_id,
            sync_id=sync_id,
            state=State.QUEUED,
            connection_version=version,
            requested_by=requested_by,
            requested_at=now,
            **dict.fromkeys(("attempt", "done", "requests"), 0),
        )
    )
    made = await syncs.one(db, site_id, space_id, sync_id)
    assert made is not None
    return made, True


async def cancel(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, reason: str) -> bool:
    """End a queued or running sync; its worker's next write is refused. False if it had ended."""
    mine = and_(table.c.sync_id == sync_id, syncs.is_unfinished())
    return await _end(db, site_id, _of(space_id, mine), reason)


async def cancel_all(db: DB, site_id: SiteId, space_id: SpaceId, reason: str) -> bool:
    """End whatever is queued or running in the space."""
    return await _end(db, site_id, _of(space_id, syncs.is_unfinished()), reason)


async def cancel_site(db: DB, site_id: SiteId, reason: str) -> None:
    """End whatever is queued or running in all spaces of a site."""
    await _end(db, site_id, syncs.is_unfinished(), reason)


def _of(space_id: SpaceId, which: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.c.space_id == space_id, which)


async def _end(db: DB, site_id: SiteId, which: ColumnElement[bool], reason: str) -> bool:
    ended = await db.scalars(
        update(table)
        .where(table.c.site_id == site_id, which)
        .values(
            state=State.CANCELLED,
            reason=reason,
            finished_at=func.clock_timestamp(),
            lease_until=None,
        )
        .returning(table.c.sync_id)
    )
    ids = ended.all()
    mine = readings.c
    await db.execute(delete(readings).where(mine.site_id == site_id, among(mine.sync_id, ids)))
    return bool(ids)
