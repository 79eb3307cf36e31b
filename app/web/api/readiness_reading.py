"""Reading whether a promotion may go on: the published sync, batch by batch, judged in a thread."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.caller import SiteId, SpaceId
from app.errors import BadValue, NotThere, Unavailable
from app.posture.model import ApiReading
from app.posture.promotion import Promotion, Weight
from app.posture.readiness import (
    Point,
    api_points,
    environment_points,
    is_ready,
    promotion_of,
    rank,
)
from app.store import connections, findings, instances, selection, syncs
from app.store.database import Database
from app.store.findings import FindingRow
from app.store.posture_rows import Filter
from app.store.selection import Chosen, NamedApi
from app.store.syncs import Sync, SyncEnvironment
from app.sync.known_api import is_api_id
from app.sync.scope import scope_of
from app.web.published_api import as_read

BATCH_APIS = 50
"""APIs that are judged together: their bodies are in memory meanwhile."""

MOST_TOLD = 1000
"""Points of one weight that an answer holds, the worst ones; the numbers count all."""

NOTHING_PUBLISHED = "Nothing is published yet: connect the space and sync it first"
NOT_CONNECTED = (
    "The connection was removed, so nothing is read any more: connect the space and sync it"
)
NOTHING_CHOSEN = "No API matches these filters: there is nothing to judge"


@dataclass(frozen=True, slots=True)
class Wish:
    """From where to where, each an environment's id or its exact name, and for which APIs."""

    origin: str
    target: str
    now: datetime
    api_id: str | None = None
    wanted: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class ToldPoint:
    """A point and the API that it is about; None: the environments themselves.

    `row` is the published finding that it stands on, where there is one.
    """

    api: NamedApi | None
    point: Point
    row: FindingRow | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer; `ready` is None where nothing blocks and something could not be told.

    Before the first published sync there is no `sync` and no environment. `counts` has every
    weight, also of points that are not told.
    """

    ready: bool | None
    origin: SyncEnvironment | None
    target: SyncEnvironment | None
    sync: Sync | None
    apis: int
    blockers: tuple[ToldPoint, ...]
    warnings: tuple[ToldPoint, ...]
    unknown: tuple[ToldPoint, ...]
    counts: Mapping[Weight, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish made ready: the published sync that is read, and what of it."""

    site_id: SiteId
    space_id: SpaceId
    sync: Sync
    origin: SyncEnvironment
    target: SyncEnvironment
    promotion: Promotion
    chosen: Chosen
    apis: int


async def readiness_of(
    database: Database, site_id: SiteId, space_id: SpaceId, wish: Wish
) -> Readiness:
    """Return whether what runs in one environment may go to another.

    `BadValue` for what is no environment of the published sync, `NotThere` for an unknown API.
    """
    asked = await asked_of(database, site_id, space_id, wish)
    if isinstance(asked, str):
        return untold(asked)
    told: dict[Weight, list[ToldPoint]] = {weight: [] for weight in Weight}
    counts = dict.fromkeys(Weight, 0)
    async for points in batches(database, asked):
        for each in points:
            counts[each.point.weight] += 1
            told[each.point.weight].append(each)
        for kept in told.values():
            _keep_worst(kept)
    rows = await _rows(database, asked, told)
    blockers, warnings, unknown = (_with_rows(told[weight], rows) for weight in Weight)
    return Readiness(
        is_ready(weight for weight, count in counts.items() if count),
        asked.origin,
        asked.target,
        asked.sync,
        asked.apis,
        blockers,
        warnings,
        unknown,
        counts,
    )


async def asked_of(
    database: Database, site_id: SiteId, space_id: SpaceId, wish: Wish
) -> Asked | str:
    """Return what a wish asks of the published sync, or why nothing can be told of it."""
    async with database.transaction(site_id) as db:
        sync = await syncs.published(db, site_id, space_id)
        connection = await connections.current(db, site_id, space_id)
        if sync is None or sync.number is None:
            return NOTHING_PUBLISHED
        if connection is None:
            return NOT_CONNECTED
        origin, target = _environments(sync.environments, wish)
        chosen = Chosen(sync.number, wish.wanted, wish.api_id)
        is_one = wish.api_id is not None
        if is_one and not is_api_id(wish.api_id or ""):
            raise NotThere
        apis = await selection.counted(db, site_id, space_id, chosen)
        if is_one and not apis:
            raise NotThere
        scope = await scope_of(db, site_id, space_id, sync, connection, wish.now)
    # The baseline of that time: it may have been changed since.
    scope = replace(scope, baseline_environment_id=sync.baseline_environment_id)
    promotion = promotion_of(scope, origin.id, target.id)
    return Asked(site_id, space_id, sync, origin, target, promotion, chosen, apis)


async def batches(database: Database, asked: Asked) -> AsyncIterator[list[ToldPoint]]:
    """Yield every point: those of the environments, then those of the APIs in order of their keys.

    No transaction is open while something is judged; all of them read one published sync.
    """
    points = [ToldPoint(None, each) for each in environment_points(asked.promotion)]
    if not asked.apis:
        points.append(ToldPoint(None, Point(Weight.UNKNOWN, NOTHING_CHOSEN)))
    yield points
    seen, last = 0, ""
    while seen < asked.apis:
        batch = await _batch(database, asked, last)
        if not batch:
            # What a much newer sync replaced is forgotten: the wish must be made again.
            raise Unavailable("Newer syncs were published meanwhile. Ask again.")
        seen, last = seen + len(batch), batch[-1][0].api_key
        yield await asyncio.to_thread(_judged, asked.promotion, batch)


async def _batch(database: Database, asked: Asked, after: str) -> list[tuple[NamedApi, ApiReading]]:
    place = (asked.site_id, asked.space_id)
    async with database.transaction(asked.site_id) as db:
        named = await selection.part(db, *place, asked.chosen, after, BATCH_APIS)
        keys = [api.api_key for api in named]
        stored = await instances.of_apis(db, *place, asked.chosen.number, keys)
    return [
        (api, ApiReading(api.api_key, tuple(as_read(asked.sync, stored.get(api.api_key, ())))))
        for api in named
    ]


def _judged(promotion: Promotion, batch: Iterable[tuple[NamedApi, ApiReading]]) -> list[ToldPoint]:
    return [ToldPoint(api, each) for api, read in batch for each in api_points(promotion, read)]


def _environments(
    known: Sequence[SyncEnvironment], wish: Wish
) -> tuple[SyncEnvironment, SyncEnvironment]:
    fields = {}
    found = []
    for name, wanted in (("from", wish.origin), ("to", wish.target)):
        meant = [item for item in known if item.id == wanted]
        meant = meant or [item for item in known if item.name == wanted]
        found += meant[:1]
        if not meant:
            names = ", ".join(item.name for item in known)
            fields[name] = f"This is no compared environment. Compared are: {names}."
        elif len(meant) > 1:
            fields[name] = "Several environments have this name. Use the id."
    if not fields and found[0] is found[1]:
        fields["to"] = "This is the environment that the promotion starts from."
    if fields:
        raise BadValue(fields)
    return found[0], found[1]


def worst_first(each: ToldPoint) -> tuple[int, int, str, str]:
    """Return where a point stands among all: by weight, severity, API and sentence."""
    weight, severity, sentence = rank(each.point)
    return weight, severity, each.api.name.casefold() if each.api else "", sentence


def _keep_worst(kept: list[ToldPoint]) -> None:
    kept.sort(key=worst_first)
    del kept[MOST_TOLD:]


async def _rows(
    database: Database, asked: Asked, told: Mapping[Weight, list[ToldPoint]]
) -> Mapping[str, FindingRow]:
    wanted = {
        each.point.finding.fingerprint
        for kept in told.values()
        for each in kept
        if each.point.finding is not None
    }
    async with database.transaction(asked.site_id) as db:
        number = asked.chosen.number
        return await findings.known(db, asked.site_id, asked.space_id, number, wanted)


def _with_rows(told: Iterable[ToldPoint], rows: Mapping[str, FindingRow]) -> tuple[ToldPoint, ...]:
    return tuple(
        replace(each, row=rows.get(each.point.finding.fingerprint) if each.point.finding else None)
        for each in told
    )


def untold(why: str) -> Readiness:
    """Return the answer where nothing can be told, with its reason."""
    point = ToldPoint(None, Point(Weight.UNKNOWN, why))
    counts = {**dict.fromkeys(Weight, 0), Weight.UNKNOWN: 1}
    return Readiness(None, None, None, None, 0, (), (), (point,), counts)
