"""Accepting findings until a date, taking that back, and opening what is over by itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from app.caller import AccountId, Origin, SiteId, SpaceId
from app.errors import BadValue, Conflict, NotThere
from app.store import audit, exceptions, findings, judging, syncs
from app.store.audit import Act, Action
from app.store.database import DB, Database
from app.store.exceptions import Ended, ExceptionRow, Reason
from app.store.findings import FindingRow
from app.sync import exceptions_ending
from app.sync.assessing import assess_anew
from app.sync.expecting import connected

LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Acceptable:
    """What an administrator accepts: findings, why, and until when."""

    fingerprints: Sequence[str]
    reason: Reason
    note: str
    until: datetime


class AcceptedAlready(Conflict):
    """Some of these findings are accepted already: withdraw those exceptions, or leave them out."""

    def __init__(self, existing: Sequence[ExceptionRow]) -> None:
        first = existing[0]
        made = first.made_at.strftime("%Y-%m-%d %H:%M UTC")
        said = "This finding is" if len(existing) == 1 else f"{len(existing)} findings are"
        super().__init__(
            f"{said} accepted already: account {first.made_by} did so on {made}. "
            "Withdraw that first, or leave it out."
        )
        self.existing = tuple(existing)


async def accept(
    database: Database,
    site_id: SiteId,
    space_id: SpaceId,
    wanted: Acceptable,
    by: AccountId,
    origin: Origin,
    now: datetime,
) -> tuple[ExceptionRow, ...]:
    """Accept findings, all or none, and assess their APIs anew; `AcceptedAlready`, `BadValue`."""
    _check_date(wanted.until, now)
    async with database.transaction(site_id) as db:
        await judging.hold(db, site_id, space_id)
        await connected(db, site_id, space_id)
        known = await _findings(db, site_id, space_id, wanted.fingerprints)
        over = await exceptions_ending.end_expired(db, site_id, space_id, now)
        rows = await exceptions.of_findings(db, site_id, space_id, list(known))
        existing = [row for row in rows if row.ended_at is None]
        if existing:
            raise AcceptedAlready(existing)
        made = tuple(_made(known[each], wanted, by, now) for each in wanted.fingerprints)
        await exceptions.make(db, site_id, space_id, made)
        acts = [Act(Action.EXCEPTION_MADE, by, origin, row.id) for row in made]
        await audit.write_all(db, site_id, space_id, acts)
        await assess_anew(db, site_id, space_id, now, concerned([*made, *over]))
    return made


async def withdraw_exception(
    database: Database,
    site_id: SiteId,
    space_id: SpaceId,
    exception_id: str,
    by: AccountId,
    origin: Origin,
    now: datetime,
) -> None:
    """End an exception, which opens its finding; one that has ended stays so; `NotThere`."""
    async with database.transaction(site_id) as db:
        await judging.hold(db, site_id, space_id)
        known = await exceptions.one(db, site_id, space_id, exception_id)
        if known is None:
            raise NotThere
        if known.ended_at is not None:
            return
        why = Ended.WITHDRAWN
        await exceptions.end(db, site_id, space_id, [exception_id], why, now, by)
        act = Act(Action.EXCEPTION_WITHDRAWN, by, origin, exception_id)
        await audit.write(db, site_id, space_id, act)
        await assess_anew(db, site_id, space_id, now, concerned([known]))


async def reopen_expired(
    database: Database, site_id: SiteId, space_id: SpaceId, now: datetime
) -> int:
    """Open the findings whose exceptions are over and return how many; none if that was done."""
    async with database.transaction(site_id) as db:
        await judging.hold(db, site_id, space_id)
        over = await exceptions_ending.end_expired(db, site_id, space_id, now)
        if over:
            await assess_anew(db, site_id, space_id, now, concerned(over))
        else:
            await exceptions_ending.end(db, site_id, space_id, (), now)
    return len(over)


def concerned(rows: Iterable[ExceptionRow]) -> list[str]:
    """Return the APIs that may look otherwise; automated policies are always assessed."""
    return sorted({row.api_id for row in rows if row.api_id is not None})


def _check_date(until: datetime, now: datetime) -> None:
    if until <= now:
        raise BadValue({"until": "This date has passed. An exception ends in the future."})
    if until > now + LONGEST:
        raise BadValue({"until": f"An exception lasts {LONGEST.days} days at most."})


async def _findings(
    db: DB, site_id: SiteId, space_id: SpaceId, fingerprints: Sequence[str]
) -> dict[str, FindingRow]:
    sync = await syncs.published(db, site_id, space_id)
    number = (sync.number if sync else None) or 0
    known = await findings.known(db, site_id, space_id, number, fingerprints)
    unknown = [each for each in fingerprints if each not in known]
    if unknown:
        raise BadValue({"fingerprints": f"The published sync has no finding {unknown[0]}."})
    return known


def _made(finding: FindingRow, wanted: Acceptable, by: AccountId, now: datetime) -> ExceptionRow:
    return ExceptionRow(
        id=str(uuid4()),
        fingerprint=finding.fingerprint,
        values_digest=finding.values_digest,
        api_id=finding.api_id,
        api_key=finding.api_key,
        reason=wanted.reason,
        note=wanted.note,
        made_by=by,
        made_at=now,
        until=wanted.until,
    )
