"""Reading what the posture tab shows: one transaction, one published sync."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from app.caller import Right
from app.store import (
    connections,
    expected_differences,
    findings,
    history,
    posture_rows,
    rollups,
    syncs,
)
from app.store.connections import Connection
from app.store.database import DB
from app.store.findings import FindingRow
from app.store.posture_rows import Filter
from app.store.syncs import Sync
from app.web import sentences
from app.web.dependencies import SpaceCaller
from app.web.history.trend_chart import SMALL_DAYS
from app.web.history.view import Since, since
from app.web.posture.filters import page_count
from app.web.posture.view import Person, PostureView, Published, connected, without_connection
from app.web.rights import includes
from app.web.state import Services

RECENT_SYNCS = 10
TRUST = "D04"
"""The rule about whom an API trusts: what usually has another value in each environment."""
FEW = 2
"""APIs from which on differing trust looks like a habit, not like a mistake."""


def person(viewer: SpaceCaller) -> Person:
    """Return which controls to show; the server asks again when one is used."""
    return Person(
        can_edit=includes(viewer.right, Right.EDITOR),
        can_configure=includes(viewer.right, Right.ADMIN),
    )


async def posture_view(
    services: Services, viewer: SpaceCaller, wanted: Filter, now: datetime
) -> PostureView:
    """Return the tab of a space through a filter, in whichever state the space is.

    A page behind the last one, as an old link may name, is the last one.
    """
    who = person(viewer)
    async with services.database.transaction(viewer.site_id) as db:
        connection = await connections.current(db, viewer.site_id, viewer.space_id)
        if connection is None:
            last = await syncs.published(db, viewer.site_id, viewer.space_id)
            return without_connection(who, now, last.finished_at if last else None)
        recent, _ = await syncs.newest(db, viewer.site_id, viewer.space_id, size=RECENT_SYNCS)
        sync = await syncs.published(db, viewer.site_id, viewer.space_id)
        published = await _published(db, viewer, connection, sync, wanted, now)
    return connected(
        connection,
        who,
        now,
        recent=recent,
        published=published,
        bases=services.control_planes.values(),
    )


async def _published(
    db: DB,
    viewer: SpaceCaller,
    connection: Connection,
    sync: Sync | None,
    wanted: Filter,
    now: datetime,
) -> Published | None:
    if sync is None or sync.number is None:
        return None
    place = (db, viewer.site_id, viewer.space_id, sync.number)
    summary, groups = await posture_rows.counted(*place)
    total = summary.total if wanted.asks_nothing else None
    page = await posture_rows.page(*place, wanted, total)
    if page.total and not page.rows:
        wanted = replace(wanted, page=page_count(page.total, wanted.size))
        page = await posture_rows.page(*place, wanted, page.total)
    names = {group_id: connection.group_names.get(group_id, group_id) for group_id in groups}
    automated = await findings.of_space(*place)
    return Published(
        sync,
        summary,
        page,
        wanted,
        sorted(names.items(), key=lambda item: item[1].casefold()),
        [_told(finding) for finding in automated if finding.severity != "info"],
        await _since(db, viewer),
        await rollups.since(db, viewer.site_id, viewer.space_id, *last_days(now)),
        await posture_rows.changed(db, viewer.site_id, viewer.space_id, page.since),
        await _has_starter(db, viewer, sync.number),
    )


def _told(finding: FindingRow) -> str:
    return sentences.unconfirmed(finding.sentence) if finding.unconfirmed else finding.sentence


async def _has_starter(db: DB, viewer: SpaceCaller, number: int) -> bool:
    """Tell whether much differs that usually does, and nobody has said yet what is meant to."""
    place = (db, viewer.site_id, viewer.space_id)
    if not includes(viewer.right, Right.ADMIN):
        return False
    _, said = await expected_differences.listed(*place, size=1)
    return not said and await findings.count_of_rule(*place, number, TRUST) >= FEW


async def _since(db: DB, viewer: SpaceCaller) -> Since | None:
    counts, before, _ = await history.counts(db, viewer.site_id, viewer.space_id)
    return None if before is None else since(counts)


def last_days(now: datetime) -> tuple[date, date]:
    """Return the first and the last day of the small trend."""
    last = now.astimezone(UTC).date()
    return last - timedelta(days=SMALL_DAYS - 1), last


async def progress_view(services: Services, viewer: SpaceCaller, now: datetime) -> PostureView:
    """Return the tab with nothing but the sync that is under way, if one is."""
    who = person(viewer)
    async with services.database.transaction(viewer.site_id) as db:
        connection = await connections.current(db, viewer.site_id, viewer.space_id)
        running = await syncs.unfinished(db, viewer.site_id, viewer.space_id)
    if connection is None:
        return without_connection(who, now)
    return connected(connection, who, now, recent=(running,) if running else ())
