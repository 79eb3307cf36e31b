"""Reading what the posture tab shows: one transaction, one published sync."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

from app.caller import Right, SiteId, SpaceId
from app.store import (
    connections,
    expected_differences,
    findings,
    history,
    instances,
    posture_rows,
    rollups,
    syncs,
)
from app.store.connections import Connection
from app.store.database import DB
from app.store.findings import FindingRow
from app.store.posture_rows import Filter, PosturePage, Summary
from app.store.syncs import Sync
from app.web import sentences
from app.web.dependencies import SpaceCaller
from app.web.history.trend_chart import SMALL_DAYS
from app.web.history.view import Since, since
from app.web.posture.filters import page_count
from app.web.posture.view import Person, PostureView, Published, connected, without_connection
from app.web.remembered import Answer, Remembered
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
        recent, sync = await syncs.recent(db, viewer.site_id, viewer.space_id, RECENT_SYNCS)
        published = None
        if sync is not None and sync.number is not None:
            reading = Reading(db, viewer, sync, sync.number, services.remembered)
            published = await _published(reading, connection, wanted, now)
    return connected(
        connection,
        who,
        now,
        recent=recent,
        published=published,
        bases=services.control_planes.values(),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A published sync under its number, where it is read, for whom, and what is known of it."""

    db: DB
    viewer: SpaceCaller
    sync: Sync
    number: int
    remembered: Remembered

    @property
    def place(self) -> tuple[DB, SiteId, SpaceId, int]:
        """What the store's questions about a published sync begin with."""
        return self.db, self.viewer.site_id, self.viewer.space_id, self.number

    async def known(self, question: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return an answer that depends on nothing but the sync and the question."""
        viewer = self.viewer
        return await self.remembered.recall(
            viewer.site_id, viewer.space_id, self.sync, question, ask
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """What the tab says of a published sync through every filter."""

    summary: Summary
    groups: Mapping[str, int]
    automated: Sequence[str]
    since: Since | None


async def _published(
    reading: Reading, connection: Connection, wanted: Filter, now: datetime
) -> Published:
    db, viewer = reading.db, reading.viewer
    before = await syncs.number_before(*reading.place)
    whole = await reading.known(("whole", before), partial(_whole, reading, before))
    page = await _page(reading, whole.summary, wanted)
    if page.total and not page.rows:
        wanted = replace(wanted, page=page_count(page.total, wanted.size))
        page = await _page(reading, whole.summary, wanted)
    names = {name: connection.group_names.get(name, name) for name in whole.groups}
    return Published(
        reading.sync,
        whole.summary,
        page,
        wanted,
        sorted(names.items(), key=lambda item: item[1].casefold()),
        whole.automated,
        whole.since,
        await rollups.since(db, viewer.site_id, viewer.space_id, *last_days(now)),
        await posture_rows.changed(db, viewer.site_id, viewer.space_id, page.since),
        await _has_starter(reading),
        await _last_read(reading, page),
    )


async def _last_read(reading: Reading, page: PosturePage) -> dict[tuple[str, str], datetime]:
    """Return when the last known values of a page were read; mostly there are none to ask about."""
    unread = [
        row.api_key
        for row in page.rows
        if any(cell.get("last_known") for cell in row.cells.values())
    ]
    return await instances.last_read(*reading.place, unread) if unread else {}


async def _whole(reading: Reading, before: int | None) -> Whole:
    db, site_id, space_id, number = reading.place
    summary, groups = await posture_rows.counted(db, site_id, space_id, number)
    automated = await findings.of_space(db, site_id, space_id, number)
    told = [_told(finding) for finding in automated if finding.severity != "info"]
    if before is None:
        return Whole(summary, groups, told, None)
    counts = await history.counts(db, site_id, space_id, before, number)
    return Whole(summary, groups, told, since(counts))


async def _page(reading: Reading, summary: Summary, wanted: Filter) -> PosturePage:
    if wanted.asks_nothing:
        return await posture_rows.page(*reading.place, wanted, summary.total)
    choice = wanted.choice
    total = await reading.known(choice, partial(posture_rows.count, *reading.place, choice))
    return await posture_rows.page(*reading.place, wanted, total)


def _told(finding: FindingRow) -> str:
    return sentences.unconfirmed(finding.sentence) if finding.unconfirmed else finding.sentence


async def _has_starter(reading: Reading) -> bool:
    """Tell whether much differs that usually does, and nobody has said yet what is meant to."""
    db, site_id, space_id, number = reading.place
    if not includes(reading.viewer.right, Right.ADMIN):
        return False
    _, said = await expected_differences.listed(db, site_id, space_id, size=1)
    if said:
        return False
    ask = partial(findings.count_of_rule, db, site_id, space_id, number, TRUST)
    return await reading.known(TRUST, ask) >= FEW


def last_days(now: datetime) -> tuple[date, date]:
    """Return the first and the last day of the small trend."""
    last = now.astimezone(UTC).date()
    return last - timedelta(days=SMALL_DAYS - 1), last


async def progress_view(services: Services, viewer: SpaceCaller, now: datetime) -> PostureView:
    """Return the tab with nothing but the sync that is under way, or which one was the last."""
    who = person(viewer)
    async with services.database.transaction(viewer.site_id) as db:
        connection = await connections.current(db, viewer.site_id, viewer.space_id)
        newest = await syncs.unfinished(db, viewer.site_id, viewer.space_id)
        recent = (newest,) if newest else await _newest(db, viewer)
    if connection is None:
        return without_connection(who, now)
    return connected(connection, who, now, recent=recent)


async def _newest(db: DB, viewer: SpaceCaller) -> Sequence[Sync]:
    recent, _ = await syncs.recent(db, viewer.site_id, viewer.space_id, 1)
    return recent
