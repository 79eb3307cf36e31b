"""One site behind two doors: a signed Connect installation names the Forge installation beside it.

The name is believed only in the body of an `installed` call that came with Atlassian's signature.
Sites that both hold something stay two: data never moves between sites.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, literal, select, update

from app.caller import Door, SiteId
from app.store.agenda import purge_site_at
from app.store.database import DB, enter_issuer, enter_site
from app.store.tables import connections, installations, snapshots


async def named_by_connect(db: DB, installation_id: str) -> SiteId | None:
    """Return the site whose Connect installation names this Forge one; `db` is a look-up of it."""
    mine = installations.c
    return await _site(
        db,
        mine.forge_installation_id == installation_id,
        mine.door == Door.CONNECT,
        mine.uninstalled_at.is_(None),
    )


async def of_forge(db: DB, installation_id: str) -> SiteId | None:
    """Return the site that this Forge installation has already; `db` is a look-up of it."""
    mine = installations.c
    return await _site(
        db,
        mine.issuer == installation_id,
        mine.door == Door.FORGE,
        mine.uninstalled_at.is_(None),
    )


async def join(db: DB, site_id: SiteId, issuer: str, installation_id: str, now: datetime) -> bool:
    """Note that this Connect site and that Forge installation are one; False if they stay two.

    They stay two when each holds data already, or when another Connect site named it first.
    """
    await enter_issuer(db, installation_id)
    named, forge = await named_by_connect(db, installation_id), await of_forge(db, installation_id)
    await enter_issuer(db, issuer)
    if named not in (None, site_id):
        return False
    if forge not in (None, site_id) and not await _left(db, forge, site_id, now):
        return False
    await db.execute(
        update(installations)
        .where(installations.c.site_id == site_id, installations.c.door == Door.CONNECT)
        .values(forge_installation_id=installation_id)
    )
    return True


async def _left(db: DB, empty: SiteId, keep: SiteId, now: datetime) -> bool:
    """Take the Forge installation from a site that holds nothing else, and purge that site.

    The next call through the Forge door then finds the site to keep.
    """
    await enter_site(db, empty)
    mine = installations.c
    others = exists().where(mine.site_id == empty, mine.door != Door.FORGE)
    holds = exists().where(connections.c.site_id == empty)
    froze = exists().where(snapshots.c.site_id == empty)
    of_empty = select(literal(1)).where(~others, ~holds, ~froze)
    is_empty = await db.scalar(of_empty) is not None
    if is_empty:
        await db.execute(delete(installations).where(mine.site_id == empty))
        await purge_site_at(db, empty, now)
    await enter_site(db, keep)
    return is_empty


async def _site(db: DB, *conditions: ColumnElement[bool]) -> SiteId | None:
    found = await db.scalar(select(installations.c.site_id).where(*conditions))
    return None if found is None else SiteId(found)
