"""Exceptions that end by themselves: their date has passed, or the value is another one."""

from collections.abc import Sequence
from datetime import datetime

from app.caller import SiteId, SpaceId
from app.store import agenda, audit, exceptions
from app.store.audit import Act, Action
from app.store.database import DB
from app.store.exceptions import Ended, ExceptionRow

WHAT_ENDED = {Ended.EXPIRED: "until", Ended.VALUE_CHANGED: "values"}
"""What the audit log names of an exception that ended by itself."""


async def end(
    db: DB, site_id: SiteId, space_id: SpaceId, changed: Sequence[str], now: datetime
) -> None:
    """End the exceptions whose value changed and those that are over, and note the next date."""
    await end_expired(db, site_id, space_id, now)
    await _end(db, site_id, space_id, changed, Ended.VALUE_CHANGED, now)
    following = await exceptions.next_end(db, site_id, space_id)
    await agenda.assess_at(db, site_id, space_id, following)


async def end_expired(
    db: DB, site_id: SiteId, space_id: SpaceId, now: datetime
) -> tuple[ExceptionRow, ...]:
    """End the exceptions whose date has passed, and return them."""
    over = await exceptions.expired(db, site_id, space_id, now)
    await _end(db, site_id, space_id, [row.id for row in over], Ended.EXPIRED, now)
    return over


async def _end(
    db: DB, site_id: SiteId, space_id: SpaceId, ids: Sequence[str], why: Ended, now: datetime
) -> None:
    if not ids:
        return
    await exceptions.end(db, site_id, space_id, ids, why, now)
    acts = [
        Act(Action.EXCEPTION_EXPIRED, object_id=each, fields=(WHAT_ENDED[why],)) for each in ids
    ]
    await audit.write_all(db, site_id, space_id, acts)
