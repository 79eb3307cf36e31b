"""The keys of connected spaces: the only name by which Confluence tells that one was removed."""

from sqlalchemy import select, update

from app.caller import SiteId, SpaceId
from app.store.database import DB
from app.store.tables import connections


async def keep(db: DB, site_id: SiteId, space_id: SpaceId, key: str) -> None:
    """Note what Confluence calls the space now; without a connection there is nothing to note."""
    mine = connections.c
    await db.execute(
        update(connections)
        .where(mine.site_id == site_id, mine.space_id == space_id)
        .values(space_key=key)
    )


async def space_of(db: DB, site_id: SiteId, key: str) -> SpaceId | None:
    """Return the space that had this key when it was last noted; None for none or several."""
    mine = connections.c
    found = await db.scalars(
        select(mine.space_id).where(mine.site_id == site_id, mine.space_key == key).limit(2)
    )
    spaces = list(found)
    return SpaceId(spaces[0]) if len(spaces) == 1 else None
