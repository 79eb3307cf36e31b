"""A worker's hold on a sync: a lease in database time, and an attempt that fences late writes."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, extract, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.caller import SiteId, SpaceId
from app.errors import Conflict
from app.store import sections
from app.store.database import DB
from app.store.syncs import State
from app.store.tables import readings, syncs


class Fenced(Conflict):
    """Another worker has taken this sync over, or it was cancelled: stop, and write nothing."""

    code = "fenced"
    message = "This sync has ended or is in other hands."


async def begin(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, lease_seconds: float
) -> int | None:
    """Take a queued sync, or a running one whose lease has run out; None if it cannot be had."""
    is_free = or_(
        syncs.c.state == State.QUEUED,
        and_(syncs.c.state == State.RUNNING, syncs.c.lease_until < func.clock_timestamp()),
    )
    statement = (
        update(syncs)
        .where(_sync(site_id, space_id, sync_id), is_free)
        .values(
            state=State.RUNNING,
            attempt=syncs.c.attempt + 1,
            reason=None,
            started_at=func.coalesce(syncs.c.started_at, func.clock_timestamp()),
            lease_until=_until(lease_seconds),
        )
        .returning(syncs.c.attempt)
    )
    await sections.hold(db, site_id)
    try:
        async with db.begin_nested():
            attempt: int | None = await db.scalar(statement)
    except IntegrityError:
        return None  # another sync of the space is running
    return attempt


async def seconds_left(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str) -> float | None:
    """Return how long the holder's lease lasts, 0 without a holder; None once the sync is over."""
    left = extract("epoch", syncs.c.lease_until - func.clock_timestamp())
    statement = select(func.greatest(0, func.coalesce(left, 0))).where(
        _sync(site_id, space_id, sync_id), syncs.c.state.in_([State.QUEUED, State.RUNNING])
    )
    seconds = await db.scalar(statement)
    return None if seconds is None else float(seconds)


async def crashed(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str) -> None:
    """Count that the process which held the sync fell silent."""
    mine = and_(_sync(site_id, space_id, sync_id), syncs.c.state == State.RUNNING)
    await db.execute(update(syncs).where(mine).values(crashes=syncs.c.crashes + 1))


async def beat(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, attempt: int, lease_seconds: float
) -> bool:
    """Renew the lease; False if the sync is in other hands or has ended."""
    mine = _held(site_id, space_id, sync_id, attempt)
    done = await db.execute(update(syncs).where(mine).values(lease_until=_until(lease_seconds)))
    return bool(done.rowcount)


async def release(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, attempt: int) -> None:
    """Let a successor start at once: the lease ends now, what was finished stays."""
    mine = _held(site_id, space_id, sync_id, attempt)
    await db.execute(update(syncs).where(mine).values(lease_until=_until(0)))


async def fence(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, attempt: int) -> None:
    """Keep the sync in these hands until the transaction ends, or raise `Fenced`."""
    mine = _held(site_id, space_id, sync_id, attempt)
    # A shared lock: the holder's writers go side by side, a take-over waits for them.
    held = select(syncs.c.attempt).where(mine).with_for_update(read=True)
    if await db.scalar(held) is None:
        raise Fenced


async def held(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, attempt: int) -> bool:
    """Tell whether the sync is in these hands at the moment, without keeping it there."""
    mine = _held(site_id, space_id, sync_id, attempt)
    return await db.scalar(select(syncs.c.attempt).where(mine)) is not None


async def progress(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    *,
    done: int,
    total: int | None,
    requests: int,
) -> None:
    """Show how far the sync is, in instances; `total` is None until it is known."""
    mine = _held(site_id, space_id, sync_id, attempt)
    await _write(db, mine, done=done, total=total, requests=requests)


async def park(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, attempt: int, reason: str
) -> None:
    """Leave the sync for a later time, with the reason that people see; it stays running."""
    mine = _held(site_id, space_id, sync_id, attempt)
    await _write(db, mine, lease_until=_until(0), reason=reason)


async def fail(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, attempt: int, reason: str
) -> None:
    """End the sync without publishing; what was published before stays."""
    await _write(
        db,
        _held(site_id, space_id, sync_id, attempt),
        state=State.FAILED,
        reason=reason,
        lease_until=None,
        finished_at=func.clock_timestamp(),
    )
    staged = readings.c
    await db.execute(
        delete(readings).where(
            staged.site_id == site_id, staged.space_id == space_id, staged.sync_id == sync_id
        )
    )


async def _write(db: DB, mine: ColumnElement[bool], **values: object) -> None:
    if not (await db.execute(update(syncs).where(mine).values(**values))).rowcount:
        raise Fenced


def _sync(site_id: SiteId, space_id: SpaceId, sync_id: str) -> ColumnElement[bool]:
    return and_(
        syncs.c.site_id == site_id, syncs.c.space_id == space_id, syncs.c.sync_id == sync_id
    )


def _held(site_id: SiteId, space_id: SpaceId, sync_id: str, attempt: int) -> ColumnElement[bool]:
    return and_(
        _sync(site_id, space_id, sync_id),
        syncs.c.attempt == attempt,
        syncs.c.state == State.RUNNING,
    )


def _until(seconds: float) -> ColumnElement[datetime]:
    # The database's clock: a worker's own may be hours off.
    return func.clock_timestamp() + timedelta(seconds=seconds)
