"""Sections: canonical JSON, kept once per site under the digest of its bytes."""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import orjson
from sqlalchemy import Function, func, select, text

from app.caller import SiteId, SpaceId
from app.posture.model import Json
from app.store.bulk import among, recordset, rows_json
from app.store.database import DB
from app.store.tables import OPEN, instance_versions, sections

DIGEST_BYTES = 16

COLUMNS = {"digest": "bytea", "body": "bytea"}


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of an instance's sections; None where nothing was ever read."""

    facts: bytes | None = None
    policies: bytes | None = None
    tiers: bytes | None = None
    contracts: bytes | None = None


def canonical(body: Json) -> bytes:
    """Return the one way to write a body: equal bodies give equal bytes."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def digest(body: Json) -> bytes:
    """Return the digest of a body's canonical form."""
    return digest_of(canonical(body))


def digest_of(canonical_body: bytes) -> bytes:
    """Return the digest of a body that is canonical already."""
    return blake2b(canonical_body, digest_size=DIGEST_BYTES).digest()


async def known_digests(
    db: DB, site_id: SiteId, space_id: SpaceId
) -> dict[tuple[str, int], Digests]:
    """Return what is current, by environment and instance: what need not be sent again."""
    mine = instance_versions.c
    rows = await db.execute(
        select(
            mine.environment_id,
            mine.instance_id,
            mine.facts,
            mine.policies,
            mine.tiers,
            mine.contracts,
        ).where(mine.site_id == site_id, mine.space_id == space_id, mine.to_number == OPEN)
    )
    return {(row[0], row[1]): Digests(*row[2:]) for row in rows}


async def missing(db: DB, site_id: SiteId, digests: Collection[bytes]) -> set[bytes]:
    """Return those digests whose bodies are not kept yet."""
    wanted = set(digests)
    rows = await db.scalars(
        select(sections.c.digest).where(
            sections.c.site_id == site_id, among(sections.c.digest, wanted)
        )
    )
    return wanted - {bytes(found) for found in rows}


async def save(db: DB, site_id: SiteId, bodies: Mapping[bytes, bytes]) -> None:
    """Keep canonical bodies by their digests; those already there stay as they are."""
    if not bodies:
        return
    rows = [(digest, _packed(bodies[digest])) for digest in sorted(bodies)]
    statement = f"""
        INSERT INTO sections (site_id, digest, body)
        SELECT CAST(:site_id AS uuid), digest, body FROM {recordset(COLUMNS)} ON CONFLICT DO NOTHING
    """  # noqa: S608 - the names are our own constants
    await db.execute(text(statement), {"site_id": site_id, "rows": rows_json(COLUMNS, rows)})


async def bodies(db: DB, site_id: SiteId, digests: Collection[bytes]) -> dict[bytes, Json]:
    """Return the parsed bodies by digest; a digest that is not kept is absent."""
    rows = await db.execute(
        select(sections.c.digest, sections.c.body).where(
            sections.c.site_id == site_id, among(sections.c.digest, set(digests))
        )
    )
    return {bytes(row[0]): orjson.loads(_unpacked(row[1])) for row in rows}


def _packed(canonical_body: bytes) -> bytes:
    """Return the body as it is kept: deflated where that is shorter."""
    deflated = zlib.compress(canonical_body)
    return deflated if len(deflated) < len(canonical_body) else canonical_body


def _unpacked(kept: bytes) -> bytes:
    # No JSON begins with the letter that deflated bytes begin with.
    return zlib.decompress(kept) if kept[:1] == b"x" else kept


async def hold(db: DB, site_id: SiteId) -> None:
    """Keep every body of the site until this transaction ends, whatever nothing refers to yet."""
    await db.execute(select(func.pg_advisory_xact_lock_shared(_lock(site_id))))


async def hold_alone(db: DB, site_id: SiteId) -> bool:
    """Let no sync of the site begin until this transaction ends; False if one begins just now."""
    alone: bool = (
        await db.execute(select(func.pg_try_advisory_xact_lock(_lock(site_id))))
    ).scalar_one()
    return alone


def _lock(site_id: SiteId) -> Function[int]:
    return func.hashtextextended(f"sections {site_id}", 0)
