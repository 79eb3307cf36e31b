"""The app's own audit log: who did what, written beside what was done, never changed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, text

from app.caller import INSIDE, AccountId, Origin, SiteId, SpaceId
from app.store.database import DB
from app.store.tables import audit

WHOLE_SITE = SpaceId("")
"""The space of what concerns a site as a whole: shown in the log of each of its spaces."""

BATCH_ROWS = 500
REFUSALS_APART = timedelta(minutes=1)


class Action(StrEnum):
    """What is worth remembering."""

    INSTALLED = "installed"
    REINSTALLED = "reinstalled"
    UNINSTALLED = "uninstalled"
    PURGED = "purged"
    KEYS_ROTATED = "keys_rotated"
    CONNECTION_CREATED = "connection_created"
    CONNECTION_CHANGED = "connection_changed"
    CONNECTION_TESTED = "connection_tested"
    CONNECTION_REMOVED = "connection_removed"
    SECRET_REPLACED = "secret_replaced"  # noqa: S105 - the name of an action
    ENVIRONMENTS_CHANGED = "environments_changed"
    SYNC_STARTED = "sync_started"
    SYNC_CANCELLED = "sync_cancelled"
    SNAPSHOT_TAKEN = "snapshot_taken"
    EXPORT_TAKEN = "export_taken"
    WRITE_REFUSED = "write_refused"
    EXPECTATION_MADE = "expectation_made"
    EXPECTATION_WITHDRAWN = "expectation_withdrawn"
    EXCEPTION_MADE = "exception_made"
    EXCEPTION_WITHDRAWN = "exception_withdrawn"
    EXCEPTION_EXPIRED = "exception_expired"
    PIPELINE_TOKEN_MADE = "pipeline_token_made"  # noqa: S105 - the name of an action
    PIPELINE_TOKEN_REVOKED = "pipeline_token_revoked"  # noqa: S105 - the name of an action


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Act:
    """What was done, by whom and to what; `fields` are names of what changed, never values."""

    action: Action
    account_id: AccountId | None = None
    origin: Origin = INSIDE
    object_id: str | None = None
    fields: Sequence[str] = ()
    outcome: Outcome = Outcome.DONE


@dataclass(frozen=True, slots=True)
class Entry:
    """An act as it was kept; without a space it concerns the whole site, without an account the app."""

    id: str
    at: datetime
    space_id: SpaceId | None
    account_id: AccountId | None
    door: str | None
    action: str
    object_id: str | None
    fields: tuple[str, ...]
    outcome: str
    request_id: str | None


async def write(db: DB, site_id: SiteId, space_id: SpaceId, act: Act) -> None:
    """Keep an act; it is there if, and only if, what was done in the same transaction is."""
    await db.execute(insert(audit).values(_values(site_id, space_id, act)))


async def write_all(db: DB, site_id: SiteId, space_id: SpaceId, acts: Sequence[Act]) -> None:
    """Keep several acts of one transaction."""
    await db.execute(insert(audit), [_values(site_id, space_id, act) for act in acts])


async def write_refusal(db: DB, site_id: SiteId, space_id: SpaceId, act: Act) -> None:
    """Keep a refused act, the same one once a minute: who repeats it must not fill the log."""
    mine = audit.c
    recently = await db.scalar(
        select(mine.entry_id)
        .where(
            _of_space(site_id, space_id),
            mine.at > func.clock_timestamp() - REFUSALS_APART,
            mine.action == act.action,
            mine.account_id == act.account_id,
            mine.object_id == act.object_id,
        )
        .limit(1)
    )
    if recently is None:
        await write(db, site_id, space_id, act)


async def newest(
    db: DB, site_id: SiteId, space_id: SpaceId, page: int, size: int
) -> tuple[tuple[Entry, ...], int]:
    """Return a page of what concerns the space, newest first, and how much there is."""
    which = _of_space(site_id, space_id)
    total = await db.scalar(select(func.count()).select_from(audit).where(which)) or 0
    rows = await db.execute(
        select(audit)
        .where(which)
        .order_by(audit.c.at.desc(), audit.c.entry_id)
        .limit(size)
        .offset((page - 1) * size)
    )
    return tuple(_entry(row) for row in rows), total


async def batches(db: DB, site_id: SiteId, space_id: SpaceId) -> AsyncIterator[tuple[Entry, ...]]:
    """Yield everything that concerns the space, newest first, in batches."""
    question = select(audit).where(_of_space(site_id, space_id))
    rows = await db.stream(question.order_by(audit.c.at.desc(), audit.c.entry_id))
    async for batch in rows.partitions(BATCH_ROWS):
        yield tuple(_entry(row) for row in batch)


async def purge(db: DB, site_id: SiteId, keep: timedelta) -> int:
    """Delete what is older than the retention, or all of a site whose time is over; return how many.

    The owner's function does it for the site of this transaction: the app's role may not delete.
    """
    del site_id
    return await db.scalar(text("SELECT purge_audit(:keep)"), {"keep": keep}) or 0


def _of_space(site_id: SiteId, space_id: SpaceId) -> ColumnElement[bool]:
    return and_(audit.c.site_id == site_id, audit.c.space_id.in_([space_id, WHOLE_SITE]))


def _values(site_id: SiteId, space_id: SpaceId, act: Act) -> dict[str, Any]:
    return {
        "site_id": site_id,
        "space_id": space_id,
        "entry_id": str(uuid4()),
        "account_id": act.account_id,
        "door": act.origin.door,
        "action": act.action,
        "object_id": act.object_id,
        "fields": list(act.fields),
        "outcome": act.outcome,
        "request_id": act.origin.request_id,
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.entry_id,
        at=row.at,
        space_id=row.space_id or None,
        account_id=row.account_id,
        door=row.door,
        action=row.action,
        object_id=row.object_id,
        fields=tuple(row.fields),
        outcome=row.outcome,
        request_id=row.request_id,
    )
