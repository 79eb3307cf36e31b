"""How many APIs and findings there were on each day: written by publishing, read by the trend."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import and_, delete, or_, select, text

from app.caller import SiteId, SpaceId
from app.posture.model import Severity, Verdict
from app.store.database import DB
from app.store.tables import OPEN, daily_rollups, syncs


@dataclass(frozen=True, slots=True)
class Day:
    """The last published sync of a UTC day in numbers; every word is there, 0 included."""

    date: date
    sync_id: str
    verdicts: Mapping[str, int]
    severities: Mapping[str, int]


async def keep(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, now: datetime) -> None:
    """Count what is current and keep it for the day of `now`; a later sync of the day replaces it."""
    values = {"site_id": site_id, "space_id": space_id, "sync_id": sync_id, "open": OPEN}
    await db.execute(text(KEEP), values | {"day": now.astimezone(UTC).date()})


async def since(
    db: DB, site_id: SiteId, space_id: SpaceId, first: date, last: date
) -> tuple[Day, ...]:
    """Return the days from `first` to `last` in order; one without a published sync is absent."""
    mine = daily_rollups.c
    rows = await db.execute(
        select(mine.day, mine.sync_id, mine.verdicts, mine.severities)
        .where(mine.site_id == site_id, mine.space_id == space_id, mine.day.between(first, last))
        .order_by(mine.day)
    )
    verdicts = {verdict.value: 0 for verdict in Verdict}
    severities = {severity.value: 0 for severity in Severity}
    return tuple(Day(row[0], row[1], verdicts | row[2], severities | row[3]) for row in rows)


async def forget(db: DB, site_id: SiteId, space_id: SpaceId, before: date) -> None:
    """Delete the days before a date, and those whose sync is gone: a day leads to its sync."""
    mine = daily_rollups.c
    of_space = and_(syncs.c.site_id == site_id, syncs.c.space_id == space_id)
    is_gone = mine.sync_id.not_in(select(syncs.c.sync_id).where(of_space))
    await db.execute(
        delete(daily_rollups).where(
            mine.site_id == site_id, mine.space_id == space_id, or_(mine.day < before, is_gone)
        )
    )


KEEP = """
INSERT INTO daily_rollups (site_id, space_id, day, sync_id, verdicts, severities)
SELECT CAST(:site_id AS uuid), :space_id, :day, CAST(:sync_id AS uuid),
  (SELECT coalesce(jsonb_object_agg(verdict, number), '{}') FROM
    (SELECT verdict, count(*) AS number FROM posture_rows
     WHERE site_id = CAST(:site_id AS uuid) AND space_id = :space_id AND to_number = :open
     GROUP BY verdict) counted),
  (SELECT coalesce(jsonb_object_agg(severity, number), '{}') FROM
    (SELECT severity, count(*) AS number FROM findings
     WHERE site_id = CAST(:site_id AS uuid) AND space_id = :space_id AND to_number = :open
       AND accepted IS NULL
     GROUP BY severity) counted)
ON CONFLICT (site_id, space_id, day) DO UPDATE SET
  sync_id = excluded.sync_id, verdicts = excluded.verdicts, severities = excluded.severities
"""
