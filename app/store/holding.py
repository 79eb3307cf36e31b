"""What is held first by whoever writes to a connection and to what hangs on it."""

from sqlalchemy import func, select

from app.caller import SiteId, SpaceId
from app.store.database import DB
from app.store.tables import connections


async def saving(db: DB, site_id: SiteId, space_id: SpaceId) -> None:
    """Save alone until the transaction ends: what was there before is then what is saved over.

    A lock by name: before the first saving there is no row that could be held.
    """
    lock = func.hashtextextended(f"saving {site_id} {space_id}", 0)
    await db.execute(select(func.pg_advisory_xact_lock(lock)))


async def connection(db: DB, site_id: SiteId, space_id: SpaceId) -> int | None:
    """Let nobody else change the space's connection until the transaction ends; return its version.

    None where it is not connected. Its syncs and its agenda come after it: of two who each held
    what the other needs next, the database would end one.
    """
    return await db.scalar(
        select(connections.c.version)
        .where(
            connections.c.site_id == site_id,
            connections.c.space_id == space_id,
            connections.c.removed_at.is_(None),
        )
        .with_for_update(key_share=True)
    )
