"""What a running sync has read so far, and what publishing would make of it."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select, text

from app.caller import SiteId, SpaceId
from app.posture.model import Json
from app.store.bulk import (
    join_by_hashing,
    json_text,
    none_of,
    recordset,
    rows_json,
    wait_for_no_disk,
)
from app.store.database import DB
from app.store.leases import fence
from app.store.sections import Digests
from app.store.tables import OPEN, readings


@dataclass(frozen=True, slots=True)
class Reading:
    """One instance as read by a sync; `unread` says why a section has no digest."""

    environment_id: str
    instance_id: int
    api_key: str
    digests: Digests
    unread: Mapping[str, str]
    url: str | None


@dataclass(frozen=True, slots=True)
class InstanceVersion:
    """One instance as it will be kept: a section that was not read now has its last good digest.

    `unread` is `{section: {"reason", "read_at"}}`, `read_at` being when it was last read, or None.
    `read_now` is False where the whole environment failed and the version before stays valid.
    """

    environment_id: str
    instance_id: int
    api_key: str
    digests: Digests
    unread: Mapping[str, Json]
    url: str | None
    read_now: bool = True


@dataclass(frozen=True, slots=True)
class ApiVersions:
    """All instances of one API over all environments, in the connection's order."""

    api_key: str
    instances: tuple[InstanceVersion, ...]


COLUMNS = {
    "environment_id": "text",
    "instance_id": "bigint",
    "api_key": "text",
    "facts": "bytea",
    "policies": "bytea",
    "tiers": "bytea",
    "contracts": "bytea",
    "unread": "jsonb",
    "url": "text",
}


async def save(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    rows: Iterable[Reading],
) -> None:
    """Add a batch of instances to the sync; one that was read before is replaced."""
    await wait_for_no_disk(db)
    await fence(db, site_id, space_id, sync_id, attempt)
    statement = f"""
        INSERT INTO readings (site_id, space_id, sync_id, environment_id, instance_id,
          api_key, facts, policies, tiers, contracts, unread, url)
        SELECT DISTINCT ON (environment_id, instance_id)
          CAST(:site_id AS uuid), :space_id, CAST(:sync_id AS uuid), n.*
        FROM {recordset(COLUMNS)}
        ON CONFLICT (site_id, space_id, sync_id, environment_id, instance_id) DO UPDATE SET
          api_key = excluded.api_key, facts = excluded.facts, policies = excluded.policies,
          tiers = excluded.tiers, contracts = excluded.contracts, unread = excluded.unread,
          url = excluded.url
    """  # noqa: S608 - the names are our own constants
    written = rows_json(COLUMNS, (_copied(row) for row in rows))
    values = _of_sync(site_id, space_id, sync_id) | {"rows": written}
    await db.execute(text(statement), values)


async def whole(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, environment_id: str
) -> dict[int, bytes]:
    """Return the instances of an environment of which the sync has read everything: id to facts."""
    mine = readings.c
    rows = await db.execute(
        select(mine.instance_id, mine.facts).where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.sync_id == sync_id,
            mine.environment_id == environment_id,
            mine.unread == {},
        )
    )
    return {instance_id: bytes(facts) for instance_id, facts in rows}


async def keep_only(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    environment_id: str,
    instance_ids: Collection[int],
) -> None:
    """Forget what was read of instances that are not there any more."""
    await fence(db, site_id, space_id, sync_id, attempt)
    mine = readings.c
    await db.execute(
        delete(readings).where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.sync_id == sync_id,
            mine.environment_id == environment_id,
            none_of(mine.instance_id, instance_ids),
        )
    )


async def merged(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str
) -> AsyncIterator[ApiVersions]:
    """Stream, API by API in order of their keys, what publishing this sync will make current."""
    await join_by_hashing(db)
    async for api in _streamed(db, MERGED_IN_ORDER, _of_sync(site_id, space_id, sync_id)):
        yield api


async def current(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, api_keys: Sequence[str] | None = None
) -> AsyncIterator[ApiVersions]:
    """Stream what the published sync has made current in the same way; some APIs, or all."""
    values = _of_sync(site_id, space_id, sync_id)
    question = CURRENT
    if api_keys is not None:
        question += "AND v.api_key = ANY(:api_keys)\n"
        values["api_keys"] = list(api_keys)
    async for api in _streamed(db, question + IN_ORDER, values):
        yield api


async def _streamed(
    db: DB, question: str, values: Mapping[str, object]
) -> AsyncIterator[ApiVersions]:
    rows = await db.stream(text(question), values, execution_options=_BATCH)
    key, instances = "", list[InstanceVersion]()
    async for row in rows:
        if instances and row.api_key != key:
            yield ApiVersions(key, tuple(instances))
            instances = []
        key = row.api_key
        instances.append(_version(row))
    if instances:
        yield ApiVersions(key, tuple(instances))


async def merge(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, number: int) -> None:
    """Make the sync's instances current from `number` on, touching only those that changed."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    await db.execute(text("DROP TABLE IF EXISTS pg_temp.incoming"))
    await db.execute(
        text(f"CREATE TEMPORARY TABLE incoming ({columns}, position int, now bool) ON COMMIT DROP")
    )
    values = _of_sync(site_id, space_id, sync_id) | {"number": number}
    for statement in (FILL_INCOMING, "ANALYZE pg_temp.incoming", CLOSE, OPEN_NEW):
        await db.execute(text(statement), values)


async def forget(db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str) -> None:
    """Forget all that a sync has read: it is current now, or never will be."""
    mine = readings.c
    await db.execute(
        delete(readings).where(
            mine.site_id == site_id, mine.space_id == space_id, mine.sync_id == sync_id
        )
    )


_BATCH = {"yield_per": 500}

# A section without a digest takes the last good one, and the date on which that was read: the
# one already noted, or that of the environment in the sync published before.
MERGED = """
SELECT r.environment_id, r.instance_id, r.api_key, r.facts,
  coalesce(r.policies, v.policies) AS policies, coalesce(r.tiers, v.tiers) AS tiers,
  coalesce(r.contracts, v.contracts) AS contracts,
  (SELECT coalesce(jsonb_object_agg(u.key, jsonb_build_object('reason', u.value, 'read_at',
     CASE WHEN v.unread ? u.key THEN v.unread -> u.key -> 'read_at'
          WHEN v.instance_id IS NULL THEN NULL
          ELSE to_jsonb(p.read_at) END)), '{}')
   FROM jsonb_each(r.unread) u) AS unread,
  r.url, e.position, true AS now
FROM readings r
JOIN sync_environments e ON e.site_id = r.site_id AND e.space_id = r.space_id
  AND e.sync_id = r.sync_id AND e.environment_id = r.environment_id
  AND e.outcome IN ('ok', 'partial')
JOIN connections c ON c.site_id = r.site_id AND c.space_id = r.space_id
LEFT JOIN sync_environments p ON p.site_id = r.site_id AND p.space_id = r.space_id
  AND p.sync_id = c.published_sync_id AND p.environment_id = r.environment_id
LEFT JOIN instance_versions v ON v.site_id = r.site_id AND v.space_id = r.space_id
  AND v.environment_id = r.environment_id AND v.instance_id = r.instance_id
  AND v.to_number = :open
WHERE r.site_id = CAST(:site_id AS uuid) AND r.space_id = :space_id AND r.sync_id = CAST(:sync_id AS uuid)
UNION ALL
SELECT v.environment_id, v.instance_id, v.api_key, v.facts, v.policies, v.tiers, v.contracts,
  v.unread, v.url, e.position, false
FROM instance_versions v
JOIN sync_environments e ON e.site_id = v.site_id AND e.space_id = v.space_id
  AND e.environment_id = v.environment_id AND e.outcome = 'failed'
WHERE e.site_id = CAST(:site_id AS uuid) AND e.space_id = :space_id AND e.sync_id = CAST(:sync_id AS uuid)
  AND v.to_number = :open
"""
IN_ORDER = 'ORDER BY api_key COLLATE "C", position, instance_id'
MERGED_IN_ORDER = f"SELECT * FROM ({MERGED}) m {IN_ORDER}"  # noqa: S608 - of our own constants

# What `MERGED` has become: a failed environment's instances are those of before.
CURRENT = """
SELECT v.environment_id, v.instance_id, v.api_key, v.facts, v.policies, v.tiers, v.contracts,
  v.unread, v.url, e.position, e.outcome <> 'failed' AS now
FROM instance_versions v
JOIN sync_environments e ON e.site_id = v.site_id AND e.space_id = v.space_id
  AND e.environment_id = v.environment_id
WHERE e.site_id = CAST(:site_id AS uuid) AND e.space_id = :space_id AND e.sync_id = CAST(:sync_id AS uuid)
  AND v.to_number = :open
"""

FILL_INCOMING = "INSERT INTO pg_temp.incoming " + MERGED

CLOSE = """
UPDATE instance_versions v SET to_number = :number
WHERE v.site_id = CAST(:site_id AS uuid) AND v.space_id = :space_id AND v.to_number = :open
  AND NOT EXISTS (SELECT 1 FROM pg_temp.incoming i
    WHERE i.environment_id = v.environment_id AND i.instance_id = v.instance_id
      AND ROW(i.api_key, i.facts, i.policies, i.tiers, i.contracts, i.unread, i.url)
        IS NOT DISTINCT FROM
          ROW(v.api_key, v.facts, v.policies, v.tiers, v.contracts, v.unread, v.url))
"""

OPEN_NEW = """
INSERT INTO instance_versions (site_id, space_id, environment_id, instance_id, from_number,
  to_number, api_key, facts, policies, tiers, contracts, unread, url)
SELECT CAST(:site_id AS uuid), :space_id, i.environment_id, i.instance_id, :number, :open,
  i.api_key, i.facts, i.policies, i.tiers, i.contracts, i.unread, i.url
FROM pg_temp.incoming i
WHERE NOT EXISTS (SELECT 1 FROM instance_versions v
  WHERE v.site_id = CAST(:site_id AS uuid) AND v.space_id = :space_id AND v.environment_id = i.environment_id
    AND v.instance_id = i.instance_id AND v.to_number = :open)
"""


def _copied(row: Reading) -> tuple[object, ...]:
    digests = row.digests
    return (
        row.environment_id,
        row.instance_id,
        row.api_key,
        digests.facts,
        digests.policies,
        digests.tiers,
        digests.contracts,
        json_text(dict(row.unread)),
        row.url,
    )


def _version(row: Row[Any]) -> InstanceVersion:
    return InstanceVersion(
        environment_id=row.environment_id,
        instance_id=row.instance_id,
        api_key=row.api_key,
        digests=Digests(row.facts, row.policies, row.tiers, row.contracts),
        unread=row.unread,
        url=row.url,
        read_now=row.now,
    )


def _of_sync(site_id: SiteId, space_id: SpaceId, sync_id: str) -> dict[str, object]:
    return {"site_id": site_id, "space_id": space_id, "sync_id": sync_id, "open": OPEN}
