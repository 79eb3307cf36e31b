"""What is seen of the published sync, as macros show it and as snapshots freeze it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from app.caller import SiteId, SpaceId
from app.errors import Conflict, Unavailable
from app.store import (
    connections,
    exceptions,
    exporting,
    findings,
    posture_rows,
    rollups,
    snapshots,
    syncs,
)
from app.store.chain import Snapshot
from app.store.database import DB, Database
from app.store.frozen import Content, seen
from app.store.posture_rows import Filter
from app.store.snapshots import Taking
from app.store.syncs import Sync
from app.web.published_api import published_api

ALL = 1_000_000

MOST_DAYS = 365
"""Days of the trend that a snapshot of the space holds."""

MOST_LOOKS = 5
"""So often is looked again where something is published or assessed anew meanwhile."""

ALWAYS_ANEW = "The posture is being assessed anew again and again. Try again in a moment."

NO_SYNC = "No sync was published yet, so there is nothing to take a snapshot of."


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be seen: the rows that a filter lets through, or one API with its matrices.

    Of one API the filter picks columns only. Its page and size have no say. `days` is how long a
    trend goes with the rows.
    """

    wanted: Filter = field(default_factory=Filter)
    api_id: str | None = None
    days: int = 0


async def content(
    database: Database,
    site_id: SiteId,
    space_id: SpaceId,
    wish: Wish,
    *,
    most_rows: int = ALL,
    most_findings: int = ALL,
) -> Content | None:
    """Return what is to be seen now, None before the first published sync.

    `NotThere` for an API that is not in it. A snapshot holds all; who shows less asks for less.
    """
    if wish.api_id is not None:
        return await _one_api(database, site_id, space_id, wish, wish.api_id)
    async with database.transaction(site_id) as db:
        sync = await syncs.published(db, site_id, space_id)
        if sync is None:
            return None
        return await _rows(db, site_id, space_id, sync, wish, most_rows, most_findings)


async def take_snapshot(
    database: Database,
    site_id: SiteId,
    space_id: SpaceId,
    wish: Wish,
    taking: Taking,
    now: datetime,
) -> Snapshot:
    """Freeze what is to be seen now and return its snapshot; `Conflict` before the first sync.

    A repeated command returns the snapshot that it made.
    """
    async with database.transaction(site_id) as db:
        made = await snapshots.taken_before(db, site_id, space_id, taking)
        sync = await syncs.published(db, site_id, space_id)
    if made is not None:
        return made
    wish = replace(wish, days=MOST_DAYS)
    held = await _unmixed(database, site_id, space_id, wish) if sync else None
    if held is None:
        raise Conflict(NO_SYNC)
    async with database.transaction(site_id) as db:
        return await snapshots.take(db, site_id, space_id, taking, held, now)


async def _unmixed(
    database: Database, site_id: SiteId, space_id: SpaceId, wish: Wish
) -> Content | None:
    """Return what is to be seen if all of it is of one number; `Unavailable` if that never is.

    Rows and findings are read by their number. What is accepted and the days are as of now: they
    are of the same number if it is still the published one afterwards.
    """
    for _ in range(MOST_LOOKS):
        held = await content(database, site_id, space_id, wish)
        async with database.transaction(site_id) as db:
            sync = await syncs.published(db, site_id, space_id)
        if held is None or (sync and (held.sync.id, held.sync.number) == (sync.id, sync.number)):
            return held
    raise Unavailable(ALWAYS_ANEW)


async def _rows(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync: Sync,
    wish: Wish,
    most_rows: int,
    most_findings: int,
) -> Content:
    view = seen(sync)
    place = (db, site_id, space_id, view.number)
    wanted = _whole(wish.wanted, most_rows)
    page = await posture_rows.page(*place, wanted)
    found = await findings.listed(*place, wanted, size=most_findings)
    errors = await exporting.read_errors(*place, wanted, sync.environments)
    return Content(
        sync=view,
        wanted=wish.wanted,
        api_id=None,
        summary=await posture_rows.summary(*place),
        total=page.total,
        read_errors=errors,
        group_names=await _group_names(db, site_id, space_id),
        rows=page.rows,
        findings=found.rows,
        days=await _days(db, site_id, space_id, view.finished_at, wish.days),
        exceptions=await exceptions.in_force(db, site_id, space_id),
    )


async def _days(
    db: DB, site_id: SiteId, space_id: SpaceId, until: datetime, days: int
) -> tuple[rollups.Day, ...]:
    if not days:
        return ()
    last = until.astimezone(UTC).date()
    first = last - timedelta(days=days - 1)
    return await rollups.since(db, site_id, space_id, first, last)


async def _one_api(
    database: Database, site_id: SiteId, space_id: SpaceId, wish: Wish, api_id: str
) -> Content:
    found = await published_api(database, site_id, space_id, api_id)
    view = seen(found.sync)
    async with database.transaction(site_id) as db:
        place = (db, site_id, space_id, view.number)
        summary = await posture_rows.summary(*place)
        of_api = Filter(api_id=api_id)
        errors = await exporting.read_errors(*place, of_api, found.sync.environments)
        names = await _group_names(db, site_id, space_id)
        accepted = await exceptions.in_force(db, site_id, space_id)
    return Content(
        sync=view,
        wanted=wish.wanted,
        api_id=api_id,
        summary=summary,
        total=1,
        read_errors=errors,
        group_names=names,
        rows=(found.row,),
        findings=tuple(found.findings),
        matrices=found.matrices,
        exceptions=tuple(row for row in accepted if row.api_id == api_id),
    )


def _whole(wanted: Filter, most: int) -> Filter:
    return replace(wanted, page=1, size=most)


async def _group_names(db: DB, site_id: SiteId, space_id: SpaceId) -> dict[str, str]:
    connection = await connections.last_known(db, site_id, space_id)
    return dict(connection.group_names) if connection else {}
