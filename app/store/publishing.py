"""Publishing a sync: one transaction makes instances, rows and findings current, or nothing.

Only what changed is touched: a row that says the same as before stays the row it was.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, func, select, text, update

from app.caller import SiteId, SpaceId
from app.posture.model import ApiPosture, Finding
from app.store import kept, readings, rollups
from app.store.bulk import copy_rows, join_by_hashing
from app.store.database import DB
from app.store.leases import Fenced, held
from app.store.posture_rows import api_id
from app.store.syncs import State
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
    `unconfirmed` are fingerprints of open findings that need a section which was not read now.
    APIs in neither `assessed` nor `kept` are gone.
    """

    assessed: Sequence[AssessedApi]
    kept: Collection[str] = ()
    automated: Sequence[Finding] = ()
    unconfirmed: Collection[str] = ()
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
    await _copy(db, space_id, rows)
    values = {
        "site_id": site_id,
        "space_id": space_id,
        "number": number,
        "open": OPEN,
        "now": now,
        "seen_before": seen_before or now,
    }
    for statement in MERGE_ROWS + MERGE_FINDINGS:
        await db.execute(text(statement), values)
    await db.execute(text(FORGET_ROWS), values | {"kept": KEPT_SYNCS})
    await rollups.keep(db, site_id, space_id, sync_id, now)
    # Last of all, so that heartbeats and questions wait for no lock while the rows are written.
    await _end(db, site_id, space_id, sync_id, attempt, number, rows, now)
    return number


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
    unconfirmed = ((fingerprint,) for fingerprint in sorted(rows.unconfirmed))
    await copy_rows(db, "unconfirmed", {"fingerprint": "text"}, unconfirmed)
    postures = (
        kept.posture_values(space_id, item.posture, item.input_digest) for item in rows.assessed
    )
    await copy_rows(db, "new_rows", kept.POSTURE_COLUMNS, postures)
    await copy_rows(db, "new_findings", kept.FINDING_COLUMNS, _finding_values(space_id, rows))


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
    version = ended.scalar_one_or_none()
    pointed = await db.execute(
        update(connections)
        .where(
            connections.c.site_id == site_id,
            connections.c.space_id == space_id,
            connections.c.removed_at.is_(None),
            connections.c.version == version,
            func.coalesce(connections.c.published_number, 0) == number - 1,
        )
        .values(published_number=number, published_sync_id=sync_id)
    )
    if not pointed.rowcount:
        raise Fenced


KEPT_SYNCS = 8
"""For how many published syncs rows are kept that are no longer current.

A reader may hold on to a sync or two. What is older is told by findings and the daily counts, and
can be assessed again from the instances' versions: the rows are the bulk of what a sync adds.
"""

FORGET_ROWS = """
DELETE FROM posture_rows WHERE site_id = CAST(:site_id AS uuid) AND space_id = :space_id
  AND to_number <= :number - :kept
"""

SOURCE = ("control_plane", "organization_id", "organization_name")

MERGE_ROWS = (
    """
    UPDATE posture_rows p SET to_number = :number
    WHERE p.site_id = CAST(:site_id AS uuid) AND p.space_id = :space_id AND p.to_number = :open
      AND NOT EXISTS (SELECT 1 FROM pg_temp.kept_apis k WHERE k.api_id = p.api_id)
      AND NOT EXISTS (SELECT 1 FROM pg_temp.new_rows n
        WHERE n.api_id = p.api_id AND n.digest = p.digest)
    """,
    # The same outcome of another input: next time the new input is what is compared with.
    """
    UPDATE posture_rows p SET input_digest = n.input_digest FROM pg_temp.new_rows n
    WHERE p.site_id = CAST(:site_id AS uuid) AND p.space_id = :space_id AND p.to_number = :open
      AND n.api_id = p.api_id AND n.input_digest <> p.input_digest
    """,
    f"""
    INSERT INTO posture_rows (site_id, space_id, from_number, to_number, {kept.POSTURE_LIST})
    SELECT CAST(:site_id AS uuid), :space_id, :number, :open, n.* FROM pg_temp.new_rows n
    WHERE NOT EXISTS (SELECT 1 FROM posture_rows p
      WHERE p.site_id = CAST(:site_id AS uuid) AND p.space_id = :space_id
        AND p.api_id = n.api_id AND p.to_number = :open)
    """,  # noqa: S608 - the names are our own constants
)

MERGE_FINDINGS = (
    """
    UPDATE findings f SET to_number = :number
    WHERE f.site_id = CAST(:site_id AS uuid) AND f.space_id = :space_id AND f.to_number = :open
      AND NOT EXISTS (SELECT 1 FROM pg_temp.kept_apis k WHERE k.api_id = f.api_id)
      AND NOT EXISTS (SELECT 1 FROM pg_temp.new_findings n
        WHERE n.fingerprint = f.fingerprint AND n.digest = f.digest AND f.last_seen_at IS NULL)
      AND NOT (f.last_seen_at IS NOT NULL
        AND f.fingerprint IN (SELECT u.fingerprint FROM pg_temp.unconfirmed u)
        AND f.fingerprint NOT IN (SELECT n.fingerprint FROM pg_temp.new_findings n))
    """,
    # Neither confirmed nor closed: as it was, last seen when the sync before saw it.
    f"""
    INSERT INTO findings (site_id, space_id, from_number, to_number, first_seen_at, last_seen_at,
      reopened, {kept.FINDING_LIST})
    SELECT f.site_id, f.space_id, :number, :open, f.first_seen_at,
      coalesce(f.last_seen_at, :seen_before), f.reopened, {kept.FINDING_LIST}
    FROM findings f JOIN pg_temp.unconfirmed USING (fingerprint)
    WHERE f.site_id = CAST(:site_id AS uuid) AND f.space_id = :space_id AND f.to_number = :number
      AND NOT EXISTS (SELECT 1 FROM pg_temp.new_findings n WHERE n.fingerprint = f.fingerprint)
    """,  # noqa: S608 - the names are our own constants
    # What was closed in this very publishing is a changed value, what was closed before reopens.
    f"""
    INSERT INTO findings (site_id, space_id, from_number, to_number, first_seen_at, reopened,
      {kept.FINDING_LIST})
    SELECT DISTINCT ON (n.fingerprint) CAST(:site_id AS uuid), :space_id, :number, :open,
      coalesce(old.first_seen_at, :now),
      CASE WHEN old.to_number < :number THEN old.reopened + 1 ELSE coalesce(old.reopened, 0) END,
      n.*
    FROM pg_temp.new_findings n
    LEFT JOIN (SELECT DISTINCT ON (f.fingerprint) f.fingerprint, f.first_seen_at, f.reopened,
        f.to_number
      FROM findings f JOIN pg_temp.new_findings USING (fingerprint)
      WHERE f.site_id = CAST(:site_id AS uuid) AND f.space_id = :space_id
      ORDER BY f.fingerprint, f.from_number DESC) old ON old.fingerprint = n.fingerprint
    WHERE old.to_number IS NULL OR old.to_number <= :number
    ORDER BY n.fingerprint, n.severity_rank
    """,  # noqa: S608 - the names are our own constants
)
