"""A space's connection to Anypoint: its settings, its sealed secret, its environments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, select, true, update
from sqlalchemy.dialects.postgresql import insert

from app.caller import AccountId, SiteId, SpaceId
from app.errors import Conflict
from app.posture.model import Environment
from app.store.database import DB
from app.store.encryption import Keyring
from app.store.tables import connection_environments, connections

SAVED_MEANWHILE = (
    "Somebody else saved these settings after you opened them. Nothing of yours was stored: "
    "look at both, then save again."
)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection without its secret; `version` counts every change of it.

    `environments` are those last listed by Anypoint and chosen, in the columns' order;
    `refused_at` is when Anypoint refused the credentials, which stops the schedule.
    """

    version: int
    control_plane: str
    organization_id: str | None
    organization_name: str | None
    client_id: str
    secret_saved_at: datetime | None
    secret_saved_by: AccountId | None
    environment_ids: tuple[str, ...] | None
    baseline_environment_id: str | None
    sync_interval_hours: int
    ignored_application_suffixes: tuple[str, ...]
    group_names: Mapping[str, str]
    environments: tuple[Environment, ...]
    published_number: int | None
    published_sync_id: str | None
    refused_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConnectionValues:
    """What an administrator saves; without a secret the stored one is kept."""

    control_plane: str
    client_id: str
    organization_id: str | None = None
    organization_name: str | None = None
    environment_ids: tuple[str, ...] | None = None
    baseline_environment_id: str | None = None
    sync_interval_hours: int = 24
    ignored_application_suffixes: tuple[str, ...] = ()
    client_secret: str | None = field(default=None, repr=False)


async def current(db: DB, site_id: SiteId, space_id: SpaceId) -> Connection | None:
    """Return the space's connection, or None before it is made and after it is removed."""
    row = (await db.execute(select(connections).where(_present(site_id, space_id)))).one_or_none()
    if row is None:
        return None
    return _connection(row, await _environments(db, site_id, space_id))


async def last_known(db: DB, site_id: SiteId, space_id: SpaceId) -> Connection | None:
    """Return the space's connection even after it was removed, or None before it is made."""
    found = await db.execute(
        select(connections).where(
            connections.c.site_id == site_id, connections.c.space_id == space_id
        )
    )
    row = found.one_or_none()
    return None if row is None else _connection(row, await _environments(db, site_id, space_id))


async def client_secret(db: DB, site_id: SiteId, space_id: SpaceId, keyring: Keyring) -> str | None:
    """Return the Connected App's secret, or None if there is none."""
    sealed = await db.scalar(select(connections.c.client_secret).where(_present(site_id, space_id)))
    if sealed is None:
        return None
    return keyring.decrypt(sealed, **_secret_place(site_id, space_id)).decode()


async def save(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    values: ConnectionValues,
    keyring: Keyring,
    *,
    by: AccountId | None,
    now: datetime,
    seen_version: int | None = None,
) -> Connection:
    """Store the connection under the next version; `Conflict` if it would have no secret.

    With `seen_version` it is stored only over that version: what somebody else saved meanwhile
    stays.
    A stored secret stays with the plane and client that it was given for: it is kept for these
    alone, also where another administrator has just changed them.
    """
    columns = _settings(values) | {"refused_at": None, "removed_at": None, "updated_at": now}
    if values.client_secret is not None:
        columns |= {
            "client_secret": _sealed(values.client_secret, site_id, space_id, keyring),
            "secret_saved_at": now,
            "secret_saved_by": by,
        }
    statement = insert(connections).values(
        site_id=site_id, space_id=space_id, version=1, group_names={}, created_at=now, **columns
    )
    saved = await db.execute(
        statement.on_conflict_do_update(
            index_elements=["site_id", "space_id"],
            set_={**columns, "version": connections.c.version + 1},
            where=_may_replace(values, seen_version),
        ).returning(connections)
    )
    row = saved.one_or_none()
    if row is None and seen_version is not None:
        raise Conflict(SAVED_MEANWHILE)
    if row is None or row.client_secret is None:
        raise Conflict("A connection needs a client secret.")
    return _connection(row, await _environments(db, site_id, space_id))


def _may_replace(values: ConnectionValues, seen_version: int | None) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    if seen_version is not None:
        conditions.append(connections.c.version == seen_version)
    if values.client_secret is None:
        conditions.append(connections.c.control_plane == values.control_plane)
        conditions.append(connections.c.client_id == values.client_id)
    return and_(*conditions)


async def remove(db: DB, site_id: SiteId, space_id: SpaceId, now: datetime) -> bool:
    """Destroy the credentials and keep the history; False if there was no connection."""
    return await _remove(db, _present(site_id, space_id), now)


async def remove_all(db: DB, site_id: SiteId, now: datetime) -> None:
    """Destroy the credentials of all spaces of a site that leaves; the history stays."""
    await _remove(
        db, and_(connections.c.site_id == site_id, connections.c.removed_at.is_(None)), now
    )


async def _remove(db: DB, which: ColumnElement[bool], now: datetime) -> bool:
    done = await db.execute(
        update(connections)
        .where(which)
        .values(
            client_secret=None,
            secret_saved_at=None,
            secret_saved_by=None,
            removed_at=now,
            updated_at=now,
            version=connections.c.version + 1,
        )
    )
    return bool(done.rowcount)


async def mark_refused(
    db: DB, site_id: SiteId, space_id: SpaceId, version: int, now: datetime
) -> None:
    """Note that Anypoint refused these credentials, unless they were changed meanwhile."""
    await db.execute(
        update(connections)
        .where(_present(site_id, space_id), connections.c.version == version)
        .values(refused_at=now)
    )


async def keep_environments(
    db: DB, site_id: SiteId, space_id: SpaceId, environments: Sequence[Environment]
) -> None:
    """Replace the environments that the connection compares, in their order."""
    mine = connection_environments
    await db.execute(delete(mine).where(mine.c.site_id == site_id, mine.c.space_id == space_id))
    if environments:
        await db.execute(
            insert(mine),
            [
                {
                    "site_id": site_id,
                    "space_id": space_id,
                    "environment_id": environment.id,
                    "position": position,
                    "name": environment.name,
                    "type": environment.type,
                }
                for position, environment in enumerate(environments)
            ],
        )


async def keep_group_names(
    db: DB, site_id: SiteId, space_id: SpaceId, names: Mapping[str, str]
) -> None:
    """Replace the names of the business groups by which Exchange groups are shown."""
    await db.execute(
        update(connections).where(_present(site_id, space_id)).values(group_names=dict(names))
    )


async def keep_organization(
    db: DB, site_id: SiteId, space_id: SpaceId, organization_id: str, name: str
) -> None:
    """Note the organisation that the credentials turned out to belong to."""
    await db.execute(
        update(connections)
        .where(_present(site_id, space_id))
        .values(organization_id=organization_id, organization_name=name)
    )


def _present(site_id: SiteId, space_id: SpaceId) -> ColumnElement[bool]:
    return and_(
        connections.c.site_id == site_id,
        connections.c.space_id == space_id,
        connections.c.removed_at.is_(None),
    )


async def _environments(db: DB, site_id: SiteId, space_id: SpaceId) -> tuple[Environment, ...]:
    mine = connection_environments.c
    rows = await db.execute(
        select(mine.environment_id, mine.name, mine.type)
        .where(mine.site_id == site_id, mine.space_id == space_id)
        .order_by(mine.position)
    )
    return tuple(Environment(row.environment_id, row.name, row.type) for row in rows)


def _connection(row: Row[Any], environments: tuple[Environment, ...]) -> Connection:
    ids = row.environment_ids
    return Connection(
        version=row.version,
        control_plane=row.control_plane,
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        client_id=row.client_id,
        secret_saved_at=row.secret_saved_at,
        secret_saved_by=row.secret_saved_by,
        environment_ids=None if ids is None else tuple(ids),
        baseline_environment_id=row.baseline_environment_id,
        sync_interval_hours=row.sync_interval_hours,
        ignored_application_suffixes=tuple(row.ignored_application_suffixes),
        group_names=row.group_names,
        environments=environments,
        published_number=row.published_number,
        published_sync_id=row.published_sync_id,
        refused_at=row.refused_at,
    )


def _settings(values: ConnectionValues) -> dict[str, Any]:
    chosen = values.environment_ids
    return {
        "control_plane": values.control_plane,
        "organization_id": values.organization_id,
        "organization_name": values.organization_name,
        "client_id": values.client_id,
        "environment_ids": None if chosen is None else list(chosen),
        "baseline_environment_id": values.baseline_environment_id,
        "sync_interval_hours": values.sync_interval_hours,
        "ignored_application_suffixes": list(values.ignored_application_suffixes),
    }


def _sealed(secret: str, site_id: SiteId, space_id: SpaceId, keyring: Keyring) -> bytes:
    return keyring.encrypt(secret.encode(), **_secret_place(site_id, space_id))


def _secret_place(site_id: SiteId, space_id: SpaceId) -> dict[str, str]:
    return {
        "site": site_id,
        "space": space_id,
        "table": "connections",
        "field": "client_secret",
        "row": space_id,
    }
