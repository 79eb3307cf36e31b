"""Walking through the APIs that a filter lets through, part by part, each in its own transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from app.caller import SiteId, SpaceId
from app.store import posture_rows
from app.store.database import DB
from app.store.posture_rows import Filter
from app.store.tables import posture_rows as rows


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rows of one published sync; `api_id` narrows the filter to one API."""

    number: int
    wanted: Filter
    api_id: str | None = None


@dataclass(frozen=True, slots=True)
class NamedApi:
    """An API by its id, its key and its names."""

    api_id: str
    api_key: str
    name: str
    group_id: str | None
    asset_id: str | None


async def counted(db: DB, site_id: SiteId, space_id: SpaceId, chosen: Chosen) -> int:
    """Return how many APIs are chosen."""
    question = select(func.count()).select_from(rows)
    return await db.scalar(question.where(*_conditions(site_id, space_id, chosen))) or 0


async def part(
    db: DB, site_id: SiteId, space_id: SpaceId, chosen: Chosen, after: str, size: int
) -> Sequence[NamedApi]:
    """Return the next APIs in order of their keys, behind the key of the last one seen."""
    mine = rows.c
    key = mine.api_key.collate("C")
    found = await db.execute(
        select(mine.api_id, mine.api_key, mine.name, mine.group_id, mine.asset_id)
        .where(*_conditions(site_id, space_id, chosen), key > after)
        .order_by(key)
        .limit(size)
    )
    return [NamedApi(*row) for row in found]


def _conditions(site_id: SiteId, space_id: SpaceId, chosen: Chosen) -> list[ColumnElement[bool]]:
    conditions = [
        posture_rows.valid(site_id, space_id, chosen.number),
        *posture_rows.matching(chosen.wanted),
    ]
    if chosen.api_id is not None:
        conditions.append(rows.c.api_id == chosen.api_id)
    return conditions
