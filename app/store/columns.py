"""How a column is declared: the words that the tables are written in."""

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

TIME = DateTime(timezone=True)
UUID = Uuid(as_uuid=False)


def key(name: str, kind: object) -> Column[object]:
    """Return a column of the primary key."""
    return Column(name, kind, primary_key=True, autoincrement=False)  # type: ignore[arg-type]


def must(name: str, kind: object) -> Column[object]:
    """Return a column that always has a value."""
    return Column(name, kind, nullable=False)  # type: ignore[arg-type]


def may(name: str, kind: object) -> Column[object]:
    """Return a column that may be null."""
    return Column(name, kind)  # type: ignore[arg-type]


def all_must(names: str, kind: object) -> list[Column[object]]:
    """Return columns of one type that always have a value, by their names."""
    return [must(name, kind) for name in names.split()]


def all_may(names: str, kind: object) -> list[Column[object]]:
    """Return columns of one type that may be null, by their names."""
    return [may(name, kind) for name in names.split()]


def of_site() -> Column[object]:
    """Return the key's first column: the site, with which the row goes."""
    to_site = ForeignKey("sites.site_id", ondelete="CASCADE")
    return Column("site_id", UUID, to_site, primary_key=True, autoincrement=False)


def of_space() -> tuple[Column[object], Column[object], ForeignKeyConstraint]:
    """Return the key's first columns: a connected space of a site."""
    to_connection = ForeignKeyConstraint(
        ["site_id", "space_id"],
        ["connections.site_id", "connections.space_id"],
        ondelete="CASCADE",
    )
    return key("site_id", UUID), key("space_id", Text), to_connection


def of_sync() -> tuple[Column[object], Column[object], Column[object], ForeignKeyConstraint]:
    """Return the key's first columns: a sync of a space."""
    keys = ["site_id", "space_id", "sync_id"]
    to_sync = ForeignKeyConstraint(keys, [f"syncs.{key}" for key in keys], ondelete="CASCADE")
    return key("site_id", UUID), key("space_id", Text), key("sync_id", UUID), to_sync


def of_instance() -> tuple[Column[object], ...]:
    """Return what is kept of an instance: its API, its sections' digests, what was not read."""
    return (
        must("api_key", Text),
        *all_may("facts policies tiers contracts", LargeBinary),
        must("unread", JSONB),
        may("url", Text),
    )
