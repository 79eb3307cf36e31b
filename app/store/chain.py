"""A link of a space's chain of snapshots: what is said of it, and whether its hash holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row

from app.caller import AccountId
from app.store import frozen
from app.store.frozen import Content
from app.store.posture_rows import Filter
from app.store.tables import snapshots


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot without its content; hashes are hexadecimal, the first one has none before it."""

    id: str
    position: int
    title: str
    note: str
    taken_at: datetime
    taken_by: AccountId
    sync_id: str
    wanted: Filter
    api_id: str | None
    api_count: int
    previous_sha256: str | None
    sha256: str


HEADER: tuple[ColumnElement[Any], ...] = tuple(
    column
    for column in snapshots.c
    if column.name not in {"site_id", "space_id", "command_digest", "body"}
)
"""The columns that a `Snapshot` is made of: all that is not its body or a key."""


def hashed(previous: bytes | None, body: bytes) -> bytes:
    """Return the SHA-256 of the hash before and the body: a chain in which nothing can be changed."""
    return sha256((previous or b"") + body).digest()


def snapshot_of(row: Row[Any]) -> Snapshot:
    """Return a row with the columns of `HEADER` as it is meant."""
    return Snapshot(
        id=row.snapshot_id,
        position=row.position,
        title=row.title,
        note=row.note,
        taken_at=row.taken_at,
        taken_by=AccountId(row.taken_by),
        sync_id=row.sync_id,
        wanted=frozen.filter_of(row.filter),
        api_id=row.api_id,
        api_count=row.api_count,
        previous_sha256=row.previous_sha256.hex() if row.previous_sha256 else None,
        sha256=row.sha256.hex(),
    )


def opened(row: Row[Any], space_id: str, previous: bytes | None) -> tuple[Snapshot, Content] | None:
    """Return a snapshot and its content, or None if it does not fit its hash and the one before."""
    if row.previous_sha256 != previous or row.sha256 != hashed(previous, row.body):
        return None
    snapshot = snapshot_of(row)
    said, content = frozen.thawed(row.body)
    return (snapshot, content) if _agrees(snapshot, space_id, said, content) else None


def _agrees(snapshot: Snapshot, space_id: str, said: Mapping[str, Any], content: Content) -> bool:
    """Tell whether the columns that lists are made of say what the hashed body says."""
    header = {
        "id": snapshot.id,
        "space_id": space_id,
        "position": snapshot.position,
        "title": snapshot.title,
        "note": snapshot.note,
        "taken_at": snapshot.taken_at,
        "taken_by": snapshot.taken_by,
    }
    kept = (snapshot.sync_id, snapshot.wanted, snapshot.api_id, snapshot.api_count)
    held = (content.sync.id, content.wanted, content.api_id, content.total)
    return (header, kept) == (
        {**said, "taken_at": datetime.fromisoformat(said["taken_at"])},
        held,
    )
