"""The instances of one API in a published sync, with the bodies that the drilldown compares."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from app.caller import SiteId, SpaceId
from app.posture.model import InstanceReading, Json, Section, SectionName
from app.store import sections
from app.store.database import DB
from app.store.tables import instance_versions as versions

SECTIONS = (
    SectionName.FACTS,
    SectionName.POLICIES,
    SectionName.TIERS,
    SectionName.CONTRACTS,
)


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """One instance: what the published sync read of it, and the last good of what it did not.

    `last_good` has, by section, the body that was read before and when that was (None: unknown).
    """

    reading: InstanceReading
    last_good: Mapping[SectionName, tuple[Json, datetime | None]]


async def of_api(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, api_key: str
) -> tuple[StoredInstance, ...]:
    """Return the API's instances in a published sync, by environment and instance id."""
    return (await of_apis(db, site_id, space_id, number, [api_key])).get(api_key, ())


async def of_apis(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, api_keys: Collection[str]
) -> dict[str, tuple[StoredInstance, ...]]:
    """Return the same for several APIs by key; one without instances is absent."""
    mine = versions.c
    found = await db.execute(
        select(versions)
        .where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.api_key.in_(api_keys),
            mine.from_number <= number,
            mine.to_number > number,
        )
        .order_by(mine.environment_id, mine.instance_id)
    )
    rows = found.all()
    kept = {row._mapping[name] for row in rows for name in SECTIONS}
    bodies = await sections.bodies(db, site_id, kept - {None})
    by_key: dict[str, list[StoredInstance]] = {}
    for row in rows:
        by_key.setdefault(row.api_key, []).append(_stored(row, bodies))
    return {key: tuple(stored) for key, stored in by_key.items()}


async def last_read(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, api_keys: Collection[str]
) -> dict[tuple[str, str], datetime]:
    """Return when what a published sync could not read was read last, by API key and environment.

    Of several times it is the oldest; what never was read, or when is not known, has none.
    """
    mine = versions.c
    found = await db.execute(
        select(mine.api_key, mine.environment_id, mine.unread).where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.api_key.in_(api_keys),
            mine.from_number <= number,
            mine.to_number > number,
        )
    )
    times: dict[tuple[str, str], datetime] = {}
    for api_key, environment_id, unread in found:
        for read_at in filter(None, (_time(why["read_at"]) for why in unread.values())):
            place = (api_key, environment_id)
            times[place] = min(read_at, times.get(place, read_at))
    return times


async def api_key_of(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, environment_id: str, instance_id: int
) -> str | None:
    """Return the key of the API that an instance of a published sync belongs to, or None."""
    mine = versions.c
    key: str | None = await db.scalar(
        select(mine.api_key).where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.environment_id == environment_id,
            mine.instance_id == instance_id,
            mine.from_number <= number,
            mine.to_number > number,
        )
    )
    return key


def _stored(row: Row[Any], bodies: Mapping[bytes, Json]) -> StoredInstance:
    read = {name: _section(row, name, bodies) for name in SECTIONS}
    reading = InstanceReading(
        environment_id=row.environment_id,
        instance_id=row.instance_id,
        facts=read[SectionName.FACTS],
        policies=read[SectionName.POLICIES],
        tiers=read[SectionName.TIERS],
        contracts=read[SectionName.CONTRACTS],
        url=row.url,
    )
    last_good = {
        SectionName(name): (bodies.get(row._mapping[name]), _time(why["read_at"]))
        for name, why in row.unread.items()
        if row._mapping[name] is not None
    }
    return StoredInstance(reading, last_good)


def _section(row: Row[Any], name: SectionName, bodies: Mapping[bytes, Json]) -> Section:
    why = row.unread.get(name)
    if why is not None:
        return Section(not_read=why["reason"])
    digest = bytes(row._mapping[name])
    return Section(body=bodies[digest], digest=digest)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
