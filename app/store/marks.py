"""How far each environment of a sync is: its mark is what a successor need not read again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, and_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.caller import SiteId, SpaceId
from app.posture.model import Environment
from app.store.database import DB
from app.store.leases import fence
from app.store.syncs import Outcome
from app.store.tables import connections, sync_environments


async def save_environments(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    environments: Sequence[Environment],
) -> None:
    """Note the environments that the sync reads, pending; those already there keep their marks.

    The order is the newest one: what came between two is between them, too.
    """
    await fence(db, site_id, space_id, sync_id, attempt)
    rows = [
        {
            "site_id": site_id,
            "space_id": space_id,
            "sync_id": sync_id,
            "environment_id": environment.id,
            "position": position,
            "name": environment.name,
            "type": environment.type,
            "outcome": Outcome.PENDING,
            "instances": 0,
            "finished": False,
        }
        for position, environment in enumerate(environments)
    ]
    if rows:
        noted = insert(sync_environments)
        placed = noted.on_conflict_do_update(
            index_elements=["site_id", "space_id", "sync_id", "environment_id"],
            set_={"position": noted.excluded.position},
        )
        await db.execute(placed, rows)


async def listed(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    environment_id: str,
    instances: int,
) -> None:
    """Show how many instances of an unfinished environment are read by now."""
    await fence(db, site_id, space_id, sync_id, attempt)
    await db.execute(
        update(sync_environments)
        .where(_environment(site_id, space_id, sync_id, environment_id))
        .values(instances=instances)
    )


async def finish_environment(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    environment_id: str,
    *,
    outcome: Outcome,
    reason: str | None = None,
    read_at: datetime | None = None,
    instances: int = 0,
    automated_digest: bytes | None = None,
    automated_unread: str | None = None,
) -> None:
    """Set the environment's mark: a successor does not read it again.

    A failed one takes the date of its last good data from the sync published before.
    """
    await fence(db, site_id, space_id, sync_id, attempt)
    await db.execute(
        update(sync_environments)
        .where(_environment(site_id, space_id, sync_id, environment_id))
        .values(
            finished=True,
            outcome=outcome,
            reason=reason,
            read_at=read_at or _last_read(site_id, space_id, environment_id),
            instances=instances,
            automated_digest=automated_digest,
            automated_unread=automated_unread,
        )
    )


def _environment(
    site_id: SiteId, space_id: SpaceId, sync_id: str, environment_id: str
) -> ColumnElement[bool]:
    mine = sync_environments.c
    return and_(
        mine.site_id == site_id,
        mine.space_id == space_id,
        mine.sync_id == sync_id,
        mine.environment_id == environment_id,
    )


def _last_read(site_id: SiteId, space_id: SpaceId, environment_id: str) -> ScalarSelect[datetime]:
    before = sync_environments.alias()
    pointer = select(connections.c.published_sync_id).where(
        connections.c.site_id == site_id, connections.c.space_id == space_id
    )
    return (
        select(before.c.read_at)
        .where(
            before.c.site_id == site_id,
            before.c.space_id == space_id,
            before.c.sync_id == pointer.scalar_subquery(),
            before.c.environment_id == environment_id,
        )
        .scalar_subquery()
    )
