"""Who judges a space: one at a time, under a version that every change of the judging raises."""

from sqlalchemy import ColumnElement, func, select, text, update

from app.caller import SiteId, SpaceId
from app.store.database import DB
from app.store.tables import connections

WAIT_SECONDS = 25
"""How long one who changes waits for another: thousands of APIs are assessed anew in seconds."""


async def hold(db: DB, site_id: SiteId, space_id: SpaceId) -> None:
    """Judge alone until the transaction ends: publishing and assessing anew wait for each other."""
    await db.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
    lock = func.hashtextextended(f"judging {site_id} {space_id}", 0)
    await db.execute(select(func.pg_advisory_xact_lock(lock)))
    await db.execute(text("SET LOCAL lock_timeout TO DEFAULT"))


async def version(db: DB, site_id: SiteId, space_id: SpaceId) -> int | None:
    """Return the version that the space is judged under, or None where it never was connected."""
    return await db.scalar(select(connections.c.judging_version).where(*_of(site_id, space_id)))


async def raise_version(db: DB, site_id: SiteId, space_id: SpaceId) -> None:
    """Say that what is expected or accepted is another thing now; last of all, as it locks."""
    raised = connections.c.judging_version + 1
    statement = update(connections).where(*_of(site_id, space_id))
    await db.execute(statement.values(judging_version=raised))


def _of(site_id: SiteId, space_id: SpaceId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return connections.c.site_id == site_id, connections.c.space_id == space_id
