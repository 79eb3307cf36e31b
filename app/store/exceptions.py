"""Findings that administrators accept: until a date, or until the value is another one.

A row is never deleted but with its space: the history of a finding stays.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, select, update

from app.caller import AccountId, SiteId, SpaceId
from app.posture.model import Acceptance
from app.store.bulk import among
from app.store.database import DB
from app.store.tables import exceptions as table


class Reason(StrEnum):
    """Why a finding is accepted."""

    ACCEPTED_RISK = "accepted_risk"
    PLANNED = "planned"
    FALSE_POSITIVE = "false_positive"


class Ended(StrEnum):
    """Why an exception is over."""

    WITHDRAWN = "withdrawn"
    VALUE_CHANGED = "value_changed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One exception; `ended_by` is nobody where it ended by itself."""

    id: str
    fingerprint: str
    values_digest: str
    api_id: str | None
    api_key: str | None
    reason: str
    note: str
    made_by: AccountId
    made_at: datetime
    until: datetime
    ended_at: datetime | None = None
    ended_by: AccountId | None = None
    ended_why: str | None = None

    def acceptance(self) -> Acceptance:
        """Return it as the core takes it."""
        return Acceptance(
            fingerprint=self.fingerprint,
            values_digest=self.values_digest,
            reason=self.reason,
            by=self.made_by,
            until=self.until,
            exception_id=self.id,
            note=self.note,
            api_key=self.api_key,
        )


async def in_force(db: DB, site_id: SiteId, space_id: SpaceId) -> tuple[ExceptionRow, ...]:
    """Return every exception that has not ended, newest first."""
    return await _found(db, _newest(_not_ended(site_id, space_id)))


async def listed(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    page: int = 1,
    size: int = 50,
    *,
    ended: bool = False,
) -> tuple[tuple[ExceptionRow, ...], int]:
    """Return a page of the exceptions, newest first, and how many there are; ended ones if asked."""
    which = _of_space(site_id, space_id) if ended else _not_ended(site_id, space_id)
    total = await db.scalar(select(func.count()).select_from(table).where(which)) or 0
    return await _found(db, _newest(which).limit(size).offset((page - 1) * size)), total


async def of_findings(
    db: DB, site_id: SiteId, space_id: SpaceId, fingerprints: Collection[str]
) -> tuple[ExceptionRow, ...]:
    """Return all exceptions that these findings ever had, newest first."""
    which = and_(_of_space(site_id, space_id), among(table.c.fingerprint, fingerprints))
    return await _found(db, _newest(which))


async def one(db: DB, site_id: SiteId, space_id: SpaceId, exception_id: str) -> ExceptionRow | None:
    """Return one exception of the space, ended or not, or None."""
    which = and_(_of_space(site_id, space_id), table.c.exception_id == exception_id)
    found = await _found(db, select(table).where(which))
    return found[0] if found else None


async def make(db: DB, site_id: SiteId, space_id: SpaceId, made: Iterable[ExceptionRow]) -> None:
    """Put exceptions in force."""
    plain = [name for name in ExceptionRow.__dataclass_fields__ if name != "id"]
    values = [
        {
            "site_id": site_id,
            "space_id": space_id,
            "exception_id": row.id,
            **{name: getattr(row, name) for name in plain},
        }
        for row in made
    ]
    await db.execute(insert(table), values)


async def expired(
    db: DB, site_id: SiteId, space_id: SpaceId, now: datetime
) -> tuple[ExceptionRow, ...]:
    """Return the exceptions whose date has passed and that nobody ended yet."""
    which = and_(_not_ended(site_id, space_id), table.c.until <= now)
    return await _found(db, _newest(which))


async def end(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    exception_ids: Sequence[str],
    why: Ended,
    now: datetime,
    by: AccountId | None = None,
) -> None:
    """End exceptions; those that have ended stay as they are."""
    which = and_(_not_ended(site_id, space_id), among(table.c.exception_id, exception_ids))
    values = {"ended_at": now, "ended_by": by, "ended_why": why.value}
    await db.execute(update(table).where(which).values(values))


async def next_end(db: DB, site_id: SiteId, space_id: SpaceId) -> datetime | None:
    """Return when the next exception ends by its date, or None where none is in force."""
    question = select(func.min(table.c.until)).where(_not_ended(site_id, space_id))
    found: datetime | None = await db.scalar(question)
    return found


async def _found(db: DB, question: Select[Any]) -> tuple[ExceptionRow, ...]:
    return tuple(_row(row) for row in await db.execute(question))


def _of_space(site_id: SiteId, space_id: SpaceId) -> ColumnElement[bool]:
    return and_(table.c.site_id == site_id, table.c.space_id == space_id)


def _not_ended(site_id: SiteId, space_id: SpaceId) -> ColumnElement[bool]:
    return and_(_of_space(site_id, space_id), table.c.ended_at.is_(None))


def _newest(which: ColumnElement[bool]) -> Select[Any]:
    return select(table).where(which).order_by(table.c.made_at.desc(), table.c.exception_id)


def _row(row: Row[Any]) -> ExceptionRow:
    return ExceptionRow(
        id=row.exception_id,
        fingerprint=row.fingerprint,
        values_digest=row.values_digest,
        api_id=row.api_id,
        api_key=row.api_key,
        reason=row.reason,
        note=row.note,
        made_by=row.made_by,
        made_at=row.made_at,
        until=row.until,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        ended_why=row.ended_why,
    )
