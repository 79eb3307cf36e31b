"""Reading what a macro shows: a verified snapshot, or the published sync; else a sentence."""

from dataclasses import dataclass, replace
from datetime import UTC, timedelta

from app.caller import SiteId, SpaceId
from app.errors import NotThere
from app.exports.storage_format import NOT_AVAILABLE, NOTHING_CHOSEN
from app.store import connections, instances, posture_rows, snapshots, syncs
from app.store.chain import Snapshot
from app.store.database import DB, Database
from app.store.frozen import Content
from app.store.rollups import Day
from app.store.snapshots import Altered
from app.web.macros import words as macro_words
from app.web.macros.asked import Asked, Instance, MacroKind, Mode
from app.web.seeing import content

MOST_ROWS = 50

t = macro_words.TEXTS


@dataclass(frozen=True, slots=True)
class Seen:
    """What a macro shows: a snapshot's content, or without a snapshot what is published now."""

    content: Content
    snapshot: Snapshot | None = None
    is_connected: bool = True


async def read(database: Database, site_id: SiteId, space_id: SpaceId, wanted: Asked) -> Seen | str:
    """Return what a macro of this space shows, or the sentence that stands in its place.

    A snapshot of another space or site and one that does not exist get the same sentence.
    """
    if wanted.mode is Mode.FROZEN:
        return await _frozen(database, site_id, space_id, wanted)
    if wanted.wanted is None:
        return t["odd_filter"]
    return await _live(database, site_id, space_id, wanted)


async def _frozen(
    database: Database, site_id: SiteId, space_id: SpaceId, wanted: Asked
) -> Seen | str:
    if not wanted.has_snapshot:
        return NOTHING_CHOSEN
    if not wanted.snapshot_id:
        return NOT_AVAILABLE
    try:
        async with database.transaction(site_id) as db:
            found = await snapshots.one(db, site_id, space_id, wanted.snapshot_id)
    except Altered as altered:
        return altered.message
    if found is None or (wanted.kind is MacroKind.API) != (found.snapshot.api_id is not None):
        return NOT_AVAILABLE
    return Seen(replace(found.content, days=_shown_days(found.content, wanted)), found.snapshot)


def _shown_days(held: Content, wanted: Asked) -> tuple[Day, ...]:
    if wanted.kind is not MacroKind.TREND:
        return ()
    before = held.sync.finished_at.astimezone(UTC).date() - timedelta(days=wanted.days)
    return tuple(day for day in held.days if day.date > before)


async def _live(
    database: Database, site_id: SiteId, space_id: SpaceId, wanted: Asked
) -> Seen | str:
    async with database.transaction(site_id) as db:
        connection = await connections.current(db, site_id, space_id)
        sync = await syncs.published(db, site_id, space_id)
    if sync is None or sync.number is None:
        return t["no_sync"]
    if wanted.kind is MacroKind.API and connection is None:
        return t["gone"]
    if wanted.kind is MacroKind.API and not wanted.api_id and wanted.instance:
        async with database.transaction(site_id) as db:
            api_id = await api_of(db, site_id, space_id, sync.number, wanted.instance)
        wanted = replace(wanted, api_id=api_id)
    if wanted.kind is MacroKind.API and not wanted.api_id:
        return t["unknown_instance"] if wanted.instance else t["no_api"]
    most = 0 if wanted.kind is MacroKind.TREND else MOST_ROWS
    try:
        found = await content(
            database, site_id, space_id, wanted.wish(most), most_rows=most, most_findings=0
        )
    except NotThere:
        return t["no_such_api"]
    return t["no_sync"] if found is None else Seen(found, None, connection is not None)


async def api_of(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, instance: Instance
) -> str:
    """Return the id of the API that an instance belongs to in a published sync, else ''."""
    key = await instances.api_key_of(
        db, site_id, space_id, number, instance.environment_id, instance.instance_id
    )
    return posture_rows.api_id(space_id, key) if key else ""
