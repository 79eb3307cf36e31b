"""The posture rows of a published sync: filtered, sorted, paged and counted."""

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from app.caller import SiteId, SpaceId
from app.posture.model import Json, Severity, Verdict
from app.store.database import DB
from app.store.tables import OPEN, posture_rows, syncs

VERDICT_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


class Sort(StrEnum):
    """The orders in which rows may be asked for; a minus turns one round."""

    WORST = "worst"
    BEST = "-worst"
    NAME = "name"
    NAME_REVERSED = "-name"
    ASSET = "asset"
    ASSET_REVERSED = "-asset"
    CHANGED = "changed"
    CHANGED_REVERSED = "-changed"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows: AND between the fields, OR within one; an empty field asks nothing."""

    search: str = ""
    environments: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    api_id: str = ""
    sort: Sort = Sort.WORST
    page: int = 1
    size: int = 50

    @property
    def asks_nothing(self) -> bool:
        """Whether all rows come through."""
        asked = (self.search, self.environments, self.groups, self.verdicts, self.severities)
        return not any((*asked, self.kinds, self.api_id))

    @property
    def choice(self) -> "Filter":
        """The same filter on its first page in the usual order: what decides how many there are."""
        usual = Filter()
        return replace(self, sort=usual.sort, page=usual.page, size=usual.size)


@dataclass(frozen=True, slots=True)
class PostureRow:
    """One API in one published sync; `cells` has a mapping per environment id."""

    api_id: str
    api_key: str
    name: str
    group_id: str | None
    asset_id: str | None
    verdict: Verdict
    headline: str
    counts: Mapping[str, int]  # open findings by severity
    accepted: int
    cells: Mapping[str, Json]
    coverage: Mapping[str, Json]
    notes: tuple[Json, ...]
    digest: bytes


@dataclass(frozen=True, slots=True)
class PosturePage:
    """One page of rows, and how many rows the filter lets through.

    `since` has the number of the sync since which each API's row says what it says.
    """

    rows: tuple[PostureRow, ...]
    total: int
    since: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole space in numbers, whatever the filter."""

    total: int
    verdicts: Mapping[str, int]


def api_id(space_id: SpaceId, api_key: str) -> str:
    """Return an API's id in its space: opaque, and the same in every sync."""
    return hashlib.sha256(f"{space_id}\0{api_key}".encode()).hexdigest()[:32]


async def page(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    number: int,
    wanted: Filter,
    total: int | None = None,
) -> PosturePage:
    """Return one page of the rows of a published sync; who knows how many there are says so."""
    if total is None:
        total = await count(db, site_id, space_id, number, wanted)
    found = await db.execute(
        select(posture_rows)
        .where(valid(site_id, space_id, number), *matching(wanted))
        .order_by(*in_order(wanted.sort))
        .limit(wanted.size)
        .offset((wanted.page - 1) * wanted.size)
    )
    rows = found.all()
    since = {row.api_id: row.from_number for row in rows}
    return PosturePage(tuple(map(row_of, rows)), total, since)


async def count(db: DB, site_id: SiteId, space_id: SpaceId, number: int, wanted: Filter) -> int:
    """Return how many rows of a published sync a filter lets through, on whatever page."""
    which = (valid(site_id, space_id, number), *matching(wanted))
    return await db.scalar(select(func.count()).select_from(posture_rows).where(*which)) or 0


async def changed(
    db: DB, site_id: SiteId, space_id: SpaceId, since: Mapping[str, int]
) -> dict[str, datetime]:
    """Return when each row of a page became what it is, by API.

    A row that is older than the oldest sync that is kept has that one's time.
    """
    if not since:
        return {}
    known = await db.execute(
        select(syncs.c.number, syncs.c.finished_at)
        .where(
            syncs.c.site_id == site_id,
            syncs.c.space_id == space_id,
            syncs.c.number >= min(since.values()),
        )
        .order_by(syncs.c.number)
    )
    ended = known.all()
    numbers = [row.number for row in ended]
    places = {name: bisect_left(numbers, number) for name, number in since.items()}
    return {name: ended[at].finished_at for name, at in places.items() if at < len(ended)}


async def summary(db: DB, site_id: SiteId, space_id: SpaceId, number: int) -> Summary:
    """Return how many APIs have each verdict; every verdict is there, 0 included."""
    return (await counted(db, site_id, space_id, number))[0]


async def counted(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int
) -> tuple[Summary, dict[str, int]]:
    """Return the summary, and the APIs of each Exchange group of a published sync, in one go."""
    mine = posture_rows.c
    rows = await db.execute(
        select(mine.verdict, mine.group_id, func.count())
        .where(valid(site_id, space_id, number))
        .group_by(mine.verdict, mine.group_id)
    )
    verdicts = {verdict.value: 0 for verdict in Verdict}
    groups = Counter[str]()
    for verdict, group_id, count in rows:
        verdicts[verdict] += count
        if group_id is not None:
            groups[group_id] += count
    return Summary(sum(verdicts.values()), verdicts), dict(sorted(groups.items()))


async def one(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, wanted_id: str
) -> PostureRow | None:
    """Return one API's row in a published sync, or None."""
    found = await db.execute(
        select(posture_rows).where(
            valid(site_id, space_id, number), posture_rows.c.api_id == wanted_id
        )
    )
    row = found.one_or_none()
    return None if row is None else row_of(row)


async def names(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, api_ids: Collection[str]
) -> dict[str, str]:
    """Return the names of these APIs, as far as they are in a published sync."""
    which = (valid(site_id, space_id, number), posture_rows.c.api_id.in_(api_ids))
    rows = await db.execute(select(posture_rows.c.api_id, posture_rows.c.name).where(*which))
    return {row[0]: row[1] for row in rows}


async def input_digests(db: DB, site_id: SiteId, space_id: SpaceId) -> dict[str, bytes]:
    """Return, by API key, the digest of what each current row was assessed from."""
    mine = posture_rows.c
    rows = await db.execute(
        select(mine.api_key, mine.input_digest).where(
            mine.site_id == site_id, mine.space_id == space_id, mine.to_number == OPEN
        )
    )
    return {row[0]: bytes(row[1]) for row in rows}


def valid(site_id: SiteId, space_id: SpaceId, number: int) -> ColumnElement[bool]:
    """Return the condition for the rows of one published sync."""
    mine = posture_rows.c
    return and_(
        mine.site_id == site_id,
        mine.space_id == space_id,
        mine.from_number <= number,
        mine.to_number > number,
    )


def matching(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter; an environment means deployed or unreadable there."""
    mine = posture_rows.c
    conditions = list(of_api(wanted))
    if wanted.severities:
        conditions.append(mine.severities.overlap(list(wanted.severities)))
    if wanted.kinds:
        conditions.append(mine.kinds.overlap(list(wanted.kinds)))
    return conditions


def of_api(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter that speak of the API, not of its findings."""
    mine = posture_rows.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.api_id:
        conditions.append(mine.api_id == wanted.api_id)
    if wanted.search:
        places = (mine.name, mine.group_id, mine.asset_id)
        found = (place.icontains(wanted.search, autoescape=True) for place in places)
        conditions.append(or_(*found))
    if wanted.environments:
        conditions.append(mine.places.overlap(list(wanted.environments)))
    if wanted.groups:
        conditions.append(mine.group_id.in_(wanted.groups))
    if wanted.verdicts:
        # By the rank, which the index of the usual order begins with.
        conditions.append(mine.verdict_rank.in_(VERDICT_RANK[Verdict(v)] for v in wanted.verdicts))
    return conditions


def in_order(sort: Sort) -> tuple[ColumnElement[Any], ...]:
    """Return what rows are sorted by; no two rows are equal in it."""
    mine = posture_rows.c
    name = func.lower(mine.name)
    counts = [mine[severity.value] for severity in Severity]
    orders: dict[Sort, tuple[ColumnElement[Any], ...]] = {
        Sort.WORST: (mine.verdict_rank, *(count.desc() for count in counts), name),
        Sort.BEST: (mine.verdict_rank.desc(), *(count.asc() for count in counts), name),
        Sort.NAME: (name,),
        Sort.NAME_REVERSED: (name.desc(),),
        Sort.ASSET: (mine.group_id, mine.asset_id),
        Sort.ASSET_REVERSED: (mine.group_id.desc(), mine.asset_id.desc()),
        Sort.CHANGED: (mine.from_number.desc(), mine.verdict_rank, name),
        Sort.CHANGED_REVERSED: (mine.from_number, mine.verdict_rank, name),
    }
    return (*orders[sort], mine.api_key)


def row_of(row: Row[Any]) -> PostureRow:
    """Return a row of the table as it is meant."""
    return PostureRow(
        api_id=row.api_id,
        api_key=row.api_key,
        name=row.name,
        group_id=row.group_id,
        asset_id=row.asset_id,
        verdict=Verdict(row.verdict),
        headline=row.headline,
        counts={severity.value: row._mapping[severity.value] for severity in Severity},
        accepted=row.accepted,
        cells=row.cells,
        coverage=row.coverage,
        notes=tuple(row.notes),
        digest=bytes(row.digest),
    )
