"""What administrators expect to differ: in force until withdrawn, never deleted but with the space."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, column, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB

from app.caller import AccountId, SiteId, SpaceId
from app.posture.expected import SETTLED, settled_sentence
from app.posture.model import Json
from app.store import posture_rows
from app.store.database import DB
from app.store.tables import expected_differences as table
from app.store.tables import posture_rows as rows


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """One expected difference; without an API it is of every API of the space."""

    id: str
    asset_id: str
    path: str
    api_id: str | None
    api_key: str | None
    note: str
    allowances: Mapping[str, Mapping[str, Json]]
    made_by: AccountId
    made_at: datetime
    withdrawn_at: datetime | None = None


async def in_force(db: DB, site_id: SiteId, space_id: SpaceId) -> tuple[ExpectedRow, ...]:
    """Return all that is expected, newest first."""
    found = await db.execute(_newest(_in_force(site_id, space_id)))
    return tuple(_row(row) for row in found)


async def listed(
    db: DB, site_id: SiteId, space_id: SpaceId, page: int = 1, size: int = 50
) -> tuple[tuple[ExpectedRow, ...], int]:
    """Return a page of what is expected, newest first, and how much there is."""
    which = _in_force(site_id, space_id)
    total = await db.scalar(select(func.count()).select_from(table).where(which)) or 0
    found = await db.execute(_newest(which).limit(size).offset((page - 1) * size))
    return tuple(_row(row) for row in found), total


async def of_field(
    db: DB, site_id: SiteId, space_id: SpaceId, asset_id: str, path: str, api_id: str | None
) -> ExpectedRow | None:
    """Return what is expected of this very field already, or None."""
    mine = table.c
    which = and_(
        _in_force(site_id, space_id),
        mine.asset_id == asset_id,
        mine.path == path,
        mine.api_id.is_not_distinct_from(api_id),
    )
    row = (await db.execute(select(table).where(which))).one_or_none()
    return None if row is None else _row(row)


async def one(db: DB, site_id: SiteId, space_id: SpaceId, expected_id: str) -> ExpectedRow | None:
    """Return one expected difference of the space, withdrawn or not, or None."""
    which = and_(_of_space(site_id, space_id), table.c.expected_id == expected_id)
    row = (await db.execute(select(table).where(which))).one_or_none()
    return None if row is None else _row(row)


async def make(db: DB, site_id: SiteId, space_id: SpaceId, made: ExpectedRow) -> None:
    """Put an expected difference in force."""
    values = {
        "site_id": site_id,
        "space_id": space_id,
        "expected_id": made.id,
        "allowances": {name: dict(said) for name, said in made.allowances.items()},
    }
    plain = ("asset_id", "path", "api_id", "api_key", "note", "made_by", "made_at")
    values |= {name: getattr(made, name) for name in plain}
    await db.execute(insert(table).values(values))


async def withdraw(
    db: DB, site_id: SiteId, space_id: SpaceId, expected_id: str, by: AccountId, now: datetime
) -> None:
    """Take an expected difference out of force; one that is withdrawn stays as it is."""
    which = and_(_in_force(site_id, space_id), table.c.expected_id == expected_id)
    await db.execute(update(table).where(which).values(withdrawn_by=by, withdrawn_at=now))


async def settled(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, expected: Sequence[ExpectedRow]
) -> dict[str, int]:
    """Return, by id, how many settings of a published sync each takes away.

    Where an API has an expected difference of its own for a field, that one is counted.
    """
    if not expected:
        return {}
    every = await in_force(db, site_id, space_id)
    own = {e.api_id for e in every if e.api_id is not None}
    of_all = await _counts(db, site_id, space_id, number, None)
    of_own = await _counts(db, site_id, space_id, number, own) if own else {}
    return {each.id: _count(each, every, of_all, of_own) for each in expected}


Counts = Mapping[tuple[str | None, str], int]
"""How often a remark stands: by API, or by None for all of them, and by its sentence."""


def _count(each: ExpectedRow, every: Sequence[ExpectedRow], of_all: Counts, of_own: Counts) -> int:
    sentence = settled_sentence(each.asset_id, each.path)
    if each.api_id is not None:
        return of_own.get((each.api_id, sentence), 0)
    field = (each.asset_id, each.path)
    others = [e.api_id for e in every if e.api_id and (e.asset_id, e.path) == field]
    return of_all.get((None, sentence), 0) - sum(of_own.get((o, sentence), 0) for o in others)


async def _counts(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, api_ids: set[str] | None
) -> Counts:
    """Count the remarks that something differs as expected, of some APIs or of all together."""
    elements = func.jsonb_array_elements(rows.c.notes)
    note = elements.table_valued(column("value", JSONB), joins_implicitly=True).c.value
    sentence = note["sentence"].astext
    which = [
        posture_rows.valid(site_id, space_id, number),
        rows.c.notes.contains([{"code": SETTLED}]),
        note["code"].astext == SETTLED,
    ]
    if api_ids is None:
        of_every = select(sentence, func.count()).select_from(rows)
        found = await db.execute(of_every.where(*which).group_by(sentence))
        return {(None, row[0]): row[1] for row in found}
    of_some = select(rows.c.api_id, sentence, func.count()).select_from(rows)
    found = await db.execute(
        of_some.where(*which, rows.c.api_id.in_(api_ids)).group_by(rows.c.api_id, sentence)
    )
    return {(row[0], row[1]): row[2] for row in found}


def _of_space(site_id: SiteId, space_id: SpaceId) -> ColumnElement[bool]:
    return and_(table.c.site_id == site_id, table.c.space_id == space_id)


def _in_force(site_id: SiteId, space_id: SpaceId) -> ColumnElement[bool]:
    return and_(_of_space(site_id, space_id), table.c.withdrawn_at.is_(None))


def _newest(which: ColumnElement[bool]) -> Any:
    return select(table).where(which).order_by(table.c.made_at.desc(), table.c.expected_id)


def _row(row: Row[Any]) -> ExpectedRow:
    return ExpectedRow(
        id=row.expected_id,
        asset_id=row.asset_id,
        path=row.path,
        api_id=row.api_id,
        api_key=row.api_key,
        note=row.note,
        allowances=row.allowances,
        made_by=row.made_by,
        made_at=row.made_at,
        withdrawn_at=row.withdrawn_at,
    )
