"""Snapshots: what was seen in one published sync, frozen; each hash covers the one before it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from sqlalchemy import and_, func, insert, select

from app.caller import INSIDE, AccountId, Origin, SiteId, SpaceId
from app.errors import Conflict
from app.store import audit, frozen
from app.store.audit import Act, Action
from app.store.chain import HEADER, Snapshot, hashed, opened, snapshot_of
from app.store.database import DB
from app.store.frozen import Content
from app.store.tables import snapshots


class Altered(Conflict):
    """A snapshot does not fit its hash: somebody changed it in the database. It is not shown."""

    code = "altered"
    message = "This snapshot no longer matches its hash. It was changed outside of Plumbline."


@dataclass(frozen=True, slots=True)
class Taking:
    """Who takes a snapshot and what it is called; `command` is the key of a repeatable request."""

    by: AccountId
    title: str = ""
    note: str = ""
    command: str | None = None
    origin: Origin = INSIDE

    @property
    def digest(self) -> bytes | None:
        """The digest under which the command is known, None for one without a key."""
        if self.command is None:
            return None
        return sha256(f"{self.by}\0{self.command}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Frozen:
    """A snapshot with its content, verified; `body` is what the hash is of, after the one before."""

    snapshot: Snapshot
    content: Content
    body: bytes


async def take(
    db: DB, site_id: SiteId, space_id: SpaceId, taking: Taking, content: Content, now: datetime
) -> Snapshot:
    """Keep what was seen and return its snapshot; a repeated command returns the one it made."""
    await _one_at_a_time(db, site_id, space_id)
    made = await taken_before(db, site_id, space_id, taking)
    if made is not None:
        return made
    position, previous = await _last(db, site_id, space_id)
    header = {
        "id": str(uuid4()),
        "space_id": space_id,
        "position": position + 1,
        "title": taking.title,
        "note": taking.note,
        "taken_at": now,
        "taken_by": taking.by,
    }
    body = frozen.frozen(header, content)
    values = {
        **{name: value for name, value in header.items() if name != "id"},
        "site_id": site_id,
        "snapshot_id": header["id"],
        "sync_id": content.sync.id,
        "filter": frozen.filter_json(content.wanted),
        "api_id": content.api_id,
        "api_count": content.total,
        "command_digest": taking.digest,
        "previous_sha256": previous,
        "sha256": hashed(previous, body),
        "body": body,
    }
    row = await db.execute(insert(snapshots).values(values).returning(*HEADER))
    act = Act(Action.SNAPSHOT_TAKEN, taking.by, taking.origin, str(header["id"]))
    await audit.write(db, site_id, space_id, act)
    return snapshot_of(row.one())


async def taken_before(
    db: DB, site_id: SiteId, space_id: SpaceId, taking: Taking
) -> Snapshot | None:
    """Return the snapshot that the same command of the same person made before, or None."""
    if taking.digest is None:
        return None
    mine = snapshots.c
    found = await db.execute(
        select(*HEADER).where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.command_digest == taking.digest,
        )
    )
    row = found.one_or_none()
    return None if row is None else snapshot_of(row)


async def one(db: DB, site_id: SiteId, space_id: SpaceId, snapshot_id: str) -> Frozen | None:
    """Return one snapshot of the space, or None; `Altered` if it does not fit its hash."""
    before = snapshots.alias("before")
    columns = (*HEADER, snapshots.c.body, before.c.sha256.label("sha256_before"))
    found = await db.execute(
        select(*columns)
        .outerjoin(
            before,
            and_(
                before.c.site_id == snapshots.c.site_id,
                before.c.space_id == snapshots.c.space_id,
                before.c.position == snapshots.c.position - 1,
            ),
        )
        .where(
            snapshots.c.site_id == site_id,
            snapshots.c.space_id == space_id,
            snapshots.c.snapshot_id == snapshot_id,
        )
    )
    row = found.one_or_none()
    if row is None:
        return None
    held = opened(row, space_id, row.sha256_before)
    if held is None:
        raise Altered
    return Frozen(*held, row.body)


async def newest(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    page: int = 1,
    size: int = 50,
    *,
    api_id: str | None = None,
) -> tuple[tuple[Snapshot, ...], int]:
    """Return one page of the space's snapshots, newest first, and how many there are.

    With an `api_id` only those of this very API.
    """
    mine = snapshots.c
    which = and_(mine.site_id == site_id, mine.space_id == space_id)
    if api_id is not None:
        which = and_(which, mine.api_id == api_id)
    total = await db.scalar(select(func.count()).select_from(snapshots).where(which)) or 0
    rows = await db.execute(
        select(*HEADER)
        .where(which)
        .order_by(mine.position.desc())
        .limit(size)
        .offset((page - 1) * size)
    )
    return tuple(snapshot_of(row) for row in rows), total


async def checked(db: DB, site_id: SiteId) -> AsyncIterator[tuple[str, bool]]:
    """Go through all snapshots of a site, one body at a time: its id, and whether it holds.

    A link that is missing from a chain makes the next one not hold.
    """
    columns = (*HEADER, snapshots.c.body, snapshots.c.space_id)
    rows = await db.stream(
        select(*columns)
        .where(snapshots.c.site_id == site_id)
        .order_by(snapshots.c.space_id, snapshots.c.position),
        execution_options={"yield_per": 1},
    )
    space_id, position, previous = "", 0, None
    async for row in rows:
        if row.space_id != space_id:
            space_id, position, previous = row.space_id, 0, None
        is_next = row.position == position + 1
        yield row.snapshot_id, is_next and opened(row, space_id, previous) is not None
        position, previous = row.position, row.sha256


async def _one_at_a_time(db: DB, site_id: SiteId, space_id: SpaceId) -> None:
    # Two that are taken at once would both follow the same one.
    lock = func.hashtextextended(f"snapshots {site_id} {space_id}", 0)
    await db.execute(select(func.pg_advisory_xact_lock(lock)))


async def _last(db: DB, site_id: SiteId, space_id: SpaceId) -> tuple[int, bytes | None]:
    """Return position and hash of the space's newest snapshot; 0 and None before the first one."""
    mine = snapshots.c
    found = await db.execute(
        select(mine.position, mine.sha256)
        .where(mine.site_id == site_id, mine.space_id == space_id)
        .order_by(mine.position.desc())
        .limit(1)
    )
    row = found.one_or_none()
    return (0, None) if row is None else (row.position, row.sha256)
