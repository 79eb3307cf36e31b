"""Syncs as people see them. `asking.py` begins and ends them, `leases.py` is the worker's side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from app.caller import AccountId, SiteId, SpaceId
from app.store.database import DB
from app.store.tables import connections, sync_environments, syncs


class State(StrEnum):
    """Where a sync stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What became of one environment of a sync."""

    PENDING = "pending"
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SyncEnvironment:
    """One environment of a sync; a failed one has the date of its last good data in `read_at`."""

    id: str
    name: str
    type: str
    outcome: Outcome
    reason: str | None
    read_at: datetime | None
    instances: int
    automated_digest: bytes | None
    automated_unread: str | None
    finished: bool


@dataclass(frozen=True, slots=True)
class Source:
    """The organisation that a sync read, as the connection named it when it was published."""

    control_plane: str
    organization_id: str | None
    organization_name: str | None


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync; `number` orders the published ones of its space, None before.

    A published sync that is assessed anew takes the next number: what was said under the one
    before can still be read.

    `source` is None before it is published, and where it was not recorded.
    """

    id: str
    number: int | None
    state: State
    attempt: int
    connection_version: int
    baseline_environment_id: str | None
    requested_by: AccountId | None
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    done: int
    total: int | None
    reason: str | None
    requests: int
    crashes: int
    environments: tuple[SyncEnvironment, ...]
    source: Source | None = None


async def one(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str) -> Sync | None:
    """Return one sync of the space, or None."""
    return await _first(db, site_id, space_id, syncs.c.sync_id == sync_id)


async def published(db: DB, site_id: SiteId, space_id: SpaceId) -> Sync | None:
    """Return the space's published sync, or None before its first one."""
    pointer = _pointer(site_id, space_id).scalar_subquery()
    return await _first(db, site_id, space_id, syncs.c.sync_id == pointer)


def _pointer(site_id: SiteId, space_id: SpaceId) -> Select[tuple[str | None]]:
    return select(connections.c.published_sync_id).where(
        connections.c.site_id == site_id, connections.c.space_id == space_id
    )


async def before(db: DB, site_id: SiteId, space_id: SpaceId, number: int) -> Sync | None:
    """Return the sync that was published before the one of a number, or None."""
    earlier = _number_before(site_id, space_id, number)
    return await _first(db, site_id, space_id, syncs.c.number == earlier.scalar_subquery())


async def number_before(db: DB, site_id: SiteId, space_id: SpaceId, number: int) -> int | None:
    """Return the number of the sync that was published before the one of a number, or None."""
    found: int | None = await db.scalar(_number_before(site_id, space_id, number))
    return found


def _number_before(site_id: SiteId, space_id: SpaceId, number: int) -> Select[tuple[int | None]]:
    return select(func.max(syncs.c.number)).where(
        syncs.c.site_id == site_id, syncs.c.space_id == space_id, syncs.c.number < number
    )


async def unfinished(db: DB, site_id: SiteId, space_id: SpaceId) -> Sync | None:
    """Return the running sync, else the queued one, else None."""
    return await _first(db, site_id, space_id, is_unfinished())


async def newest(
    db: DB, site_id: SiteId, space_id: SpaceId, page: int = 1, size: int = 50
) -> tuple[tuple[Sync, ...], int]:
    """Return one page of the space's syncs, newest first, and how many there are."""
    mine = and_(syncs.c.site_id == site_id, syncs.c.space_id == space_id)
    total = await db.scalar(select(func.count()).select_from(syncs).where(mine)) or 0
    rows = await db.execute(
        select(syncs)
        .where(mine)
        .order_by(syncs.c.requested_at.desc(), syncs.c.sync_id)
        .limit(size)
        .offset((page - 1) * size)
    )
    return await _with_environments(db, site_id, space_id, rows.all()), total


async def recent(
    db: DB, site_id: SiteId, space_id: SpaceId, size: int
) -> tuple[tuple[Sync, ...], Sync | None]:
    """Return the newest syncs and the published one, which may be older than these, in one go."""
    mine = and_(syncs.c.site_id == site_id, syncs.c.space_id == space_id)
    newest_first = (syncs.c.requested_at.desc(), syncs.c.sync_id)
    newest_ids = select(syncs.c.sync_id).where(mine).order_by(*newest_first).limit(size)
    is_published = syncs.c.sync_id == _pointer(site_id, space_id).scalar_subquery()
    rows = await db.execute(
        select(syncs, is_published.label("is_published"))
        .where(mine, or_(syncs.c.sync_id.in_(newest_ids), is_published))
        .order_by(*newest_first)
    )
    listed = rows.all()
    found = await _with_environments(db, site_id, space_id, listed)
    pairs = zip(listed, found, strict=True)
    return found[:size], next((sync for row, sync in pairs if row.is_published), None)


def is_unfinished() -> ColumnElement[bool]:
    """Return the condition that a sync waits or runs."""
    return syncs.c.state.in_([State.QUEUED, State.RUNNING])


async def _first(
    db: DB, site_id: SiteId, space_id: SpaceId, which: ColumnElement[bool]
) -> Sync | None:
    # 'running' sorts after 'queued': the running one comes first.
    rows = await db.execute(
        select(syncs)
        .where(syncs.c.site_id == site_id, syncs.c.space_id == space_id, which)
        .order_by(syncs.c.state.desc())
        .limit(1)
    )
    found = await _with_environments(db, site_id, space_id, rows.all())
    return found[0] if found else None


async def _with_environments(
    db: DB, site_id: SiteId, space_id: SpaceId, rows: Sequence[Row[Any]]
) -> tuple[Sync, ...]:
    mine = sync_environments.c
    found = await db.execute(
        select(sync_environments)
        .where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.sync_id.in_([row.sync_id for row in rows]),
        )
        .order_by(mine.position, mine.environment_id)
    )
    by_sync: dict[str, list[SyncEnvironment]] = {}
    for row in found:
        by_sync.setdefault(row.sync_id, []).append(_environment(row))
    return tuple(_sync(row, tuple(by_sync.get(row.sync_id, ()))) for row in rows)


def _environment(row: Row[Any]) -> SyncEnvironment:
    return SyncEnvironment(
        id=row.environment_id,
        name=row.name,
        type=row.type,
        outcome=Outcome(row.outcome),
        reason=row.reason,
        read_at=row.read_at,
        instances=row.instances,
        automated_digest=row.automated_digest,
        automated_unread=row.automated_unread,
        finished=row.finished,
    )


def _sync(row: Row[Any], environments: tuple[SyncEnvironment, ...]) -> Sync:
    return Sync(
        id=row.sync_id,
        number=row.number,
        state=State(row.state),
        attempt=row.attempt,
        connection_version=row.connection_version,
        baseline_environment_id=row.baseline_environment_id,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        done=row.done,
        total=row.total,
        reason=row.reason,
        requests=row.requests,
        crashes=row.crashes,
        environments=environments,
        source=_source(row),
    )


def _source(row: Row[Any]) -> Source | None:
    if row.control_plane is None:
        return None
    return Source(row.control_plane, row.organization_id, row.organization_name)
