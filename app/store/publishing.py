"""Publishing a sync: one transaction makes instances, rows and findings current, or nothing.

Only what changed is touched: a row that says the same as before stays the row it was.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, func, select, text, update

from app.caller import SiteId, SpaceId
from app.posture.model import ApiPosture, Finding
from app.store import holding, kept, readings, rollups
from app.store.bulk import copy_rows, join_by_hashing
from app.store.database import DB
from app.store.leases import Fenced, held
from app.store.merging import FORGET_ROWS, KEPT_SYNCS, MERGE_FINDINGS, MERGE_ROWS
from app.store.posture_rows import api_id
from app.store.syncs import State, Sync
from app.store.tables import OPEN, connections, syncs


@dataclass(frozen=True, slots=True)
class AssessedApi:
    """One API assessed anew, with the digest of all that it was assessed from."""

    posture: ApiPosture
    input_digest: bytes


@dataclass(frozen=True, slots=True)
class PublishedRows:
    """Everything that a sync found.

    `kept` are the keys of APIs whose input is what it was: their rows and findings stay.
    `unconfirmed` are fingerprints of open findings that need a section which was not read now;
    `judged_anew` are those of them whose exception is another one than before.
    APIs in neither `assessed` nor `kept` are gone.
    """

    assessed: Sequence[AssessedApi]
    kept: Collection[str] = ()
    automated: Sequence[Finding] = ()
    unconfirmed: Collection[str] = ()
    judged_anew: Sequence[Finding] = ()
    baseline_environment_id: str | None = field(default=None)


async def publish(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    rows: PublishedRows,
    now: datetime,
) -> int:
    """Publish the sync as a whole and return its number; `Fenced` if it is in other hands."""
    if not await held(db, site_id, space_id, sync_id, attempt):
        raise Fenced
    await join_by_hashing(db)
    number, seen_before = await _next_number(db, site_id, space_id)
    await readings.merge(db, site_id, space_id, sync_id, number)
    await _merge(db, site_id, space_id, number, rows, now, seen_before or now)
    forgotten = {"site_id": site_id, "space_id": space_id, "number": number, "kept": KEPT_SYNCS}
    await db.execute(text(FORGET_ROWS), forgotten)
    await rollups.keep(db, site_id, space_id, sync_id, now)
    # Last of all, so that heartbeats, questions and those who call the sync off wait for no lock
    # while the rows are written.
    await _end(db, site_id, space_id, sync_id, attempt, number, rows, now)
    await readings.forget(db, site_id, space_id, sync_id)
    return number


async def publish_anew(
    db: DB, site_id: SiteId, space_id: SpaceId, sync: Sync, rows: PublishedRows
) -> int:
    """Give the published sync a new number under which it is judged otherwise; return that.

    Whoever reads the number before goes on reading what was said under it.
    """
    assert sync.finished_at is not None
    await join_by_hashing(db)
    number, _ = await _next_number(db, site_id, space_id)
    await _merge(db, site_id, space_id, number, rows, sync.finished_at, sync.finished_at)
    await rollups.keep(db, site_id, space_id, sync.id, sync.finished_at)
    place = (syncs.c.site_id == site_id, syncs.c.space_id == space_id)
    await db.execute(update(syncs).where(*place, syncs.c.sync_id == sync.id).values(number=number))
    of_space = (connections.c.site_id == site_id, connections.c.space_id == space_id)
    await db.execute(update(connections).where(*of_space).values(published_number=number))
    return number


async def _merge(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    number: int,
    rows: PublishedRows,
    now: datetime,
    seen_before: datetime,
) -> None:
    await _copy(db, space_id, rows)
    values = {
        "site_id": site_id,
        "space_id": space_id,
        "number": number,
        "open": OPEN,
        "now": now,
        "seen_before": seen_before,
    }
    for statement in MERGE_ROWS + MERGE_FINDINGS:
        await db.execute(text(statement), values)


async def _next_number(db: DB, site_id: SiteId, space_id: SpaceId) -> tuple[int, datetime | None]:
    """Return the number to publish under, and when the sync published before was finished."""
    found = await db.execute(
        select(connections.c.published_number, syncs.c.finished_at)
        .outerjoin(
            syncs,
            and_(
                syncs.c.site_id == connections.c.site_id,
                syncs.c.space_id == connections.c.space_id,
                syncs.c.sync_id == connections.c.published_sync_id,
            ),
        )
        .where(connections.c.site_id == site_id, connections.c.space_id == space_id)
    )
    row = found.one_or_none()
    if row is None:
        raise Fenced
    return (row.published_number or 0) + 1, row.finished_at


async def _copy(db: DB, space_id: SpaceId, rows: PublishedRows) -> None:
    ids = ((api_id(space_id, key),) for key in rows.kept)
    await copy_rows(db, "kept_apis", {"api_id": "text"}, ids)
    await copy_rows(db, "unconfirmed", UNCONFIRMED_COLUMNS, _unconfirmed_values(rows))
    postures = (
        kept.posture_values(space_id, item.posture, item.input_digest) for item in rows.assessed
    )
    await copy_rows(db, "new_rows", kept.POSTURE_COLUMNS, postures)
    await copy_rows(db, "new_findings", kept.FINDING_COLUMNS, _finding_values(space_id, rows))


UNCONFIRMED_COLUMNS = {"fingerprint": "text", "new_accepted": "jsonb", "new_digest": "bytea"}


def _unconfirmed_values(rows: PublishedRows) -> Iterator[kept.Values]:
    anew = {finding.fingerprint: finding for finding in rows.judged_anew}
    for fingerprint in sorted(rows.unconfirmed):
        finding = anew.get(fingerprint)
        if finding is None:
            yield fingerprint, None, None
        else:
            yield fingerprint, kept.accepted_text(finding), kept.finding_digest(finding)


def _finding_values(space_id: SpaceId, rows: PublishedRows) -> Iterator[kept.Values]:
    for item in rows.assessed:
        for finding in item.posture.findings:
            yield kept.finding_values(space_id, finding, item.posture)
    for finding in rows.automated:
        yield kept.finding_values(space_id, finding, None)


async def _end(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    number: int,
    rows: PublishedRows,
    now: datetime,
) -> None:
    await holding.connection(db, site_id, space_id)
    # The connection below must still be of the sync's version, so this is what was read.
    source = {name: connections.c[name] for name in SOURCE}
    ended = await db.execute(
        update(syncs)
        .where(
            syncs.c.site_id == site_id,
            syncs.c.space_id == space_id,
            syncs.c.sync_id == sync_id,
            syncs.c.attempt == attempt,
            syncs.c.state == State.RUNNING,
            connections.c.site_id == syncs.c.site_id,
            connections.c.space_id == syncs.c.space_id,
        )
        .values(
            state=State.PUBLISHED,
            number=number,
            finished_at=now,
            lease_until=None,
            reason=None,
            baseline_environment_id=rows.baseline_environment_id,
            **source,
        )
        .returning(syncs.c.connection_version)
    )
    await _point(db, site_id, space_id, sync_id, number, ended.scalar_one_or_none())


async def _point(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, number: int, version: int | None
) -> None:
    """Move the connection's pointer; `Fenced` where it is not what the sync has read.

    Credentials with which all was read are refused no more.
    """
    pointed = await db.execute(
        update(connections)
        .where(
            connections.c.site_id == site_id,
            connections.c.space_id == space_id,
            connections.c.removed_at.is_(None),
            connections.c.version == version,
            func.coalesce(connections.c.published_number, 0) == number - 1,
        )
        .values(published_number=number, published_sync_id=sync_id, refused_at=None)
    )
    if not pointed.rowcount:
        raise Fenced


SOURCE = ("control_plane", "organization_id", "organization_name")
