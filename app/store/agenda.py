"""What is due, over all sites: read without a site, written by each site for itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.caller import SiteId, SpaceId
from app.store.database import DB
from app.store.tables import agenda, sites


@dataclass(frozen=True, slots=True)
class Due:
    """A space whose sync is due."""

    site_id: SiteId
    space_id: SpaceId
    due_at: datetime


async def due_syncs(db: DB, now: datetime, limit: int = 100) -> tuple[Due, ...]:
    """Return the spaces whose next sync is due, the longest waiting first."""
    rows = await db.execute(
        select(agenda.c.site_id, agenda.c.space_id, agenda.c.next_sync_at)
        .where(agenda.c.next_sync_at <= now)
        .order_by(agenda.c.next_sync_at)
        .limit(limit)
    )
    return tuple(Due(SiteId(site), SpaceId(space), due) for site, space, due in rows)


async def due_purges(db: DB, now: datetime) -> tuple[SiteId, ...]:
    """Return the sites whose data is to be deleted by now."""
    rows = await db.scalars(
        select(agenda.c.site_id).where(agenda.c.space_id == "", agenda.c.purge_at <= now)
    )
    return tuple(SiteId(site) for site in rows)


async def due_space_purges(db: DB, now: datetime) -> tuple[tuple[SiteId, SpaceId], ...]:
    """Return the spaces that Confluence had no more and whose time is over by now."""
    rows = await db.execute(
        select(agenda.c.site_id, agenda.c.space_id).where(
            agenda.c.space_id != "", agenda.c.purge_at <= now
        )
    )
    return tuple((SiteId(site), SpaceId(space)) for site, space in rows)


async def purge_site_at(db: DB, site_id: SiteId, when: datetime | None) -> None:
    """Set when all data of a site is deleted; None takes it back."""
    await db.execute(update(sites).where(sites.c.site_id == site_id).values(purge_after=when))
    due = insert(agenda).values(site_id=site_id, space_id="", purge_at=when)
    await db.execute(
        due.on_conflict_do_update(index_elements=["site_id", "space_id"], set_={"purge_at": when})
    )


async def purge_space_at(db: DB, site_id: SiteId, space_id: SpaceId, when: datetime | None) -> None:
    """Set when the data of a space is deleted; None takes it back. An earlier date stays."""
    due = insert(agenda).values(site_id=site_id, space_id=space_id, purge_at=when)
    date = None if when is None else func.least(agenda.c.purge_at, when)
    await db.execute(
        due.on_conflict_do_update(index_elements=["site_id", "space_id"], set_={"purge_at": date})
    )


async def all_sites(db: DB) -> tuple[SiteId, ...]:
    """Return every site, installed or not yet purged: for maintenance, one by one."""
    rows = await db.scalars(select(agenda.c.site_id).distinct().order_by(agenda.c.site_id))
    return tuple(SiteId(site) for site in rows)


async def schedule(
    db: DB, site_id: SiteId, space_id: SpaceId, next_sync_at: datetime | None
) -> None:
    """Set when the space is synced next; None stops its schedule."""
    due = insert(agenda).values(site_id=site_id, space_id=space_id, next_sync_at=next_sync_at)
    await db.execute(
        due.on_conflict_do_update(
            index_elements=["site_id", "space_id"], set_={"next_sync_at": next_sync_at}
        )
    )


async def published(db: DB, site_id: SiteId, space_id: SpaceId, now: datetime) -> None:
    """Note when the space's data was published."""
    noted = insert(agenda).values(site_id=site_id, space_id=space_id, published_at=now)
    await db.execute(
        noted.on_conflict_do_update(
            index_elements=["site_id", "space_id"], set_={"published_at": now}
        )
    )


async def assess_at(db: DB, site_id: SiteId, space_id: SpaceId, when: datetime | None) -> None:
    """Set when the space is assessed anew because an exception ends; None where none will."""
    due = insert(agenda).values(site_id=site_id, space_id=space_id, assess_at=when)
    await db.execute(
        due.on_conflict_do_update(index_elements=["site_id", "space_id"], set_={"assess_at": when})
    )


async def due_assessments(
    db: DB, now: datetime, limit: int = 100
) -> tuple[tuple[SiteId, SpaceId], ...]:
    """Return the spaces in which an exception has ended by its date, the longest ago first."""
    rows = await db.execute(
        select(agenda.c.site_id, agenda.c.space_id)
        .where(agenda.c.assess_at <= now)
        .order_by(agenda.c.assess_at)
        .limit(limit)
    )
    return tuple((SiteId(site), SpaceId(space)) for site, space in rows)


async def ages(db: DB, now: datetime, limits: Sequence[timedelta]) -> tuple[int, ...]:
    """Count the scheduled spaces by the age of their data: up to each limit, then all of them."""
    mine = agenda.c
    counts = [func.count().filter(mine.published_at >= now - limit) for limit in limits]
    is_scheduled = mine.next_sync_at.is_not(None) & mine.published_at.is_not(None)
    found = await db.execute(select(*counts, func.count()).where(is_scheduled))
    return tuple(found.one())


async def claim(
    db: DB, site_id: SiteId, space_id: SpaceId, due_at: datetime, next_sync_at: datetime
) -> bool:
    """Move a due time on; False if another worker has done so already."""
    mine = agenda.c
    done = await db.execute(
        update(agenda)
        .where(mine.site_id == site_id, mine.space_id == space_id, mine.next_sync_at == due_at)
        .values(next_sync_at=next_sync_at)
    )
    return bool(done.rowcount)
