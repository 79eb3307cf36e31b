"""Reading what the history shows: one transaction; names are asked for after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from app.caller import SiteId, SpaceId
from app.store import history, posture_rows, rollups, snapshots, syncs
from app.store.chain import Snapshot
from app.store.database import DB
from app.store.history import Changes, Side
from app.store.syncs import State, Sync
from app.web import sentences
from app.web.api.syncs import known_id
from app.web.dependencies import SpaceCaller
from app.web.history.trend_chart import chart
from app.web.history.view import (
    HistoryView,
    SideOption,
    Turn,
    changes_shown,
    side_option,
    snapshot_row,
    sync_row,
)
from app.web.macros.asked import PERIODS
from app.web.macros.people import names_of
from app.web.posture.reading import person
from app.web.posture.sync_view import sync_shown
from app.web.state import Services

LISTED = 20
OFFERED = 100
WEEK = timedelta(days=7)
LONGEST_GAP = timedelta(days=60)

SINCE_WEEK = "week"
"""What `from` says for the sync that was published a week before."""

Place = tuple[SiteId, SpaceId]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the history is wanted; empty ids mean the usual."""

    earlier: str = ""
    later: str = ""
    days: int = PERIODS[1]
    sync: str = ""
    page: int = 1
    snapshots: int = 1

    def query(self, **changes: str | int) -> str:
        """Return the state of the tab's address for the same with changes; the usual is left out."""
        said: dict[str, str | int] = {
            "from": self.earlier,
            "to": self.later,
            "days": "" if self.days == PERIODS[1] else self.days,
            "page": "" if self.page == 1 else self.page,
            "snapshots": "" if self.snapshots == 1 else self.snapshots,
        }
        return urlencode(
            {
                "view": "history",
                **{name: value for name, value in (said | changes).items() if value},
            }
        )


@dataclass(frozen=True, slots=True)
class Held:
    """What one transaction read."""

    offered: Sequence[Sync]
    listed: Sequence[Sync]
    total: int
    taken: Sequence[Snapshot]
    taken_total: int
    apis: dict[str, str]
    found: Changes
    days: Sequence[rollups.Day]
    last: date


async def history_view(
    services: Services, viewer: SpaceCaller, wanted: Wanted, now: datetime
) -> HistoryView:
    """Return the history of a space, in whichever state it is."""
    place = (viewer.site_id, viewer.space_id)
    async with services.database.transaction(viewer.site_id) as db:
        held = await _held(db, place, wanted, now)
    people = [sync.requested_by for sync in held.listed if sync.requested_by]
    names = await names_of(
        services, viewer.caller, [*people, *(item.taken_by for item in held.taken)]
    )
    published = [sync for sync in held.offered if sync.state is State.PUBLISHED]
    return HistoryView(
        now=now,
        can_edit=person(viewer).can_edit,
        sync=sync_shown(held.offered[0] if held.offered else None),
        published=len(published),
        options=_options(published, held),
        changes=changes_shown(held.found),
        chart=chart(held.days, held.last, wanted.days) if published else None,
        periods=[
            (sentences.count(days, "day"), wanted.query(days=days), days == wanted.days)
            for days in PERIODS
        ],
        syncs=[sync_row(sync, names, wanted.sync) for sync in held.listed],
        syncs_turn=_turn(wanted, "page", wanted.page, held.total),
        snapshots=[snapshot_row(item, names, held.apis) for item in held.taken],
        snapshots_turn=_turn(wanted, "snapshots", wanted.snapshots, held.taken_total),
    )


async def _held(db: DB, place: Place, wanted: Wanted, now: datetime) -> Held:
    offered, _ = await syncs.newest(db, *place, size=OFFERED)
    listed, total = await syncs.newest(db, *place, page=wanted.page, size=LISTED)
    chosen = await syncs.one(db, *place, known_id(wanted.sync)) if wanted.sync else None
    if chosen and chosen not in listed:
        listed = (chosen, *listed)
    taken, taken_total = await snapshots.newest(db, *place, page=wanted.snapshots, size=LISTED)
    last = now.astimezone(UTC).date()
    first = last - timedelta(days=wanted.days - 1)
    return Held(
        offered,
        listed,
        total,
        taken,
        taken_total,
        await _api_names(db, place, taken),
        await _changes(db, place, wanted),
        await rollups.since(db, *place, first, last),
        last,
    )


async def _changes(db: DB, place: Place, wanted: Wanted) -> Changes:
    before, after = await history.latest(db, *place)
    if wanted.later:
        after = await history.side(db, *place, known_id(wanted.later))
    if wanted.earlier == SINCE_WEEK:
        before = await _week_before(db, place, after) or before
    elif wanted.earlier:
        before = await history.side(db, *place, known_id(wanted.earlier))
    return await history.changes(db, *place, before, after)


async def _week_before(db: DB, place: Place, after: Side | None) -> Side | None:
    """Return the last sync of a day at least a week before, else the oldest since; None without."""
    if after is None:
        return None
    until = after.at.astimezone(UTC).date()
    days = await rollups.since(db, *place, until - LONGEST_GAP, until)
    old = [day for day in days if day.date <= until - WEEK]
    chosen = old[-1:] or days[:1]
    if not chosen or chosen[0].sync_id == after.sync_id:
        return None
    return await history.side(db, *place, chosen[0].sync_id)


async def _api_names(db: DB, place: Place, taken: Sequence[Snapshot]) -> dict[str, str]:
    sync = await syncs.published(db, *place)
    wanted = {item.api_id for item in taken if item.api_id}
    if sync is None or sync.number is None:
        return {}
    rows = [await posture_rows.one(db, *place, sync.number, api_id) for api_id in sorted(wanted)]
    return {row.api_id: row.name for row in rows if row}


def _options(published: Sequence[Sync], held: Held) -> list[SideOption]:
    before, after = held.found.before, held.found.after
    sides = [side for side in (_side(sync) for sync in published) if side]
    sides += [Side(s.sync_id, 0, s.taken_at, s.id, s.title) for s in held.taken]
    known = {side.snapshot_id or side.sync_id for side in sides}
    sides += [
        side for side in (before, after) if side and (side.snapshot_id or side.sync_id) not in known
    ]
    options = [side_option(side, before, after) for side in sides]
    chosen = [(side.snapshot_id or side.sync_id) if side else "" for side in (before, after)]
    return [
        SideOption(one.id, one.label, one.at, one.id == chosen[0], one.id == chosen[1])
        for one in sorted(options, key=lambda one: one.at, reverse=True)
    ]


def _side(sync: Sync) -> Side | None:
    if sync.number is None or sync.finished_at is None:
        return None
    return Side(sync.id, sync.number, sync.finished_at)


def _turn(wanted: Wanted, name: str, page: int, total: int) -> Turn:
    return Turn(
        wanted.query(**{name: page - 1 if page > 2 else ""}) if page > 1 else None,
        wanted.query(**{name: page + 1}) if page * LISTED < total else None,
    )
