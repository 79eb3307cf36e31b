"""What changed between two published syncs or snapshots: added, resolved and changed findings."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, not_, or_, select

from app.caller import SiteId, SpaceId
from app.errors import Conflict, NotThere
from app.posture.assessment import THREATENING
from app.posture.model import Kind, Severity, Verdict
from app.store import findings, posture_rows, snapshots, syncs
from app.store.database import DB
from app.store.findings import FindingRow
from app.store.frozen import Content
from app.store.posture_rows import Filter
from app.store.syncs import Sync
from app.store.tables import findings as finding_table

ALL = 1_000_000

NOT_COMPARED = {"name", "first_seen_at", "last_seen_at", "unconfirmed", "reopened"}
"""What may be new about a finding that says the same: when it was seen, what its API is called."""

SAID = tuple(field.name for field in fields(FindingRow) if field.name not in NOT_COMPARED)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared: a published sync, or a snapshot with what it holds."""

    sync_id: str
    number: int
    at: datetime  # the sync was published, the snapshot taken
    snapshot_id: str | None = None
    title: str = ""
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The changes in numbers."""

    added: int
    resolved: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes between two sides, worst first; without a side before there are none.

    `changed` are pairs of what a finding said and what it says.
    """

    before: Side | None
    after: Side | None
    added: tuple[FindingRow, ...] = ()
    resolved: tuple[FindingRow, ...] = ()
    changed: tuple[tuple[FindingRow, FindingRow], ...] = ()
    unchanged: int = 0

    @property
    def counts(self) -> Counts:
        """The same in numbers."""
        return Counts(len(self.added), len(self.resolved), len(self.changed), self.unchanged)


async def side(db: DB, site_id: SiteId, space_id: SpaceId, wanted_id: str) -> Side:
    """Return the published sync or the snapshot of an id; `NotThere`, `Conflict` if unpublished."""
    sync = await syncs.one(db, site_id, space_id, wanted_id)
    if sync is not None:
        if sync.number is None:
            raise Conflict("This sync was not published, so there is nothing to compare.")
        return _of_sync(sync)
    found = await snapshots.one(db, site_id, space_id, wanted_id)
    if found is None:
        raise NotThere
    taken, seen = found.snapshot, found.content.sync
    return Side(seen.id, seen.number, taken.taken_at, taken.id, taken.title, found.content)


async def latest(db: DB, site_id: SiteId, space_id: SpaceId) -> tuple[Side | None, Side | None]:
    """Return the sync before the published one and the published one, None where there is none."""
    sync = await syncs.published(db, site_id, space_id)
    if sync is None or sync.number is None:
        return None, None
    earlier = await syncs.before(db, site_id, space_id, sync.number)
    return (_of_sync(earlier) if earlier else None), _of_sync(sync)


async def changes(
    db: DB, site_id: SiteId, space_id: SpaceId, before: Side | None, after: Side | None
) -> Changes:
    """Return what changed from one side to the other.

    Where one is a snapshot, the other is seen through its filter. Severities and kinds are then
    filtered on both sides; an API that was seen is followed, whatever its verdict became. Of a sync
    whose rows are gone only threats and drift are known: an API with another verdict is seen if the
    snapshot holds it.
    """
    if before is None or after is None:
        return Changes(before, after)
    if before.content is None and after.content is None:
        return await _of_syncs(db, site_id, space_id, before, after)
    earlier = await _seen(db, site_id, space_id, before, after.content)
    later = await _seen(db, site_id, space_id, after, before.content)
    return _compared(before, after, earlier, later, 0)


async def counts(db: DB, site_id: SiteId, space_id: SpaceId, before: int, after: int) -> Counts:
    """Return the changes between two published syncs in numbers, counted where the findings are."""
    earlier = _findings_of(site_id, space_id, before).subquery("earlier")
    later = _findings_of(site_id, space_id, after).subquery("later")
    says_else = or_(*(earlier.c[name].is_distinct_from(later.c[name]) for name in SAID))
    # A row that is valid in both is the same one: most are, and need no look at what they say.
    changed = and_(earlier.c.from_number != later.c.from_number, says_else)
    both = and_(earlier.c.fingerprint.is_not(None), later.c.fingerprint.is_not(None))
    found = await db.execute(
        select(
            func.count().filter(earlier.c.fingerprint.is_(None)),
            func.count().filter(later.c.fingerprint.is_(None)),
            func.count().filter(both, changed),
            func.count().filter(both, not_(changed)),
        ).select_from(earlier.join(later, earlier.c.fingerprint == later.c.fingerprint, full=True))
    )
    return Counts(*found.one())


def _findings_of(site_id: SiteId, space_id: SpaceId, number: int) -> Select[Any]:
    mine = finding_table.c
    return select(mine.from_number, *(mine[name] for name in SAID)).where(
        mine.site_id == site_id,
        mine.space_id == space_id,
        mine.from_number <= number,
        mine.to_number > number,
    )


async def _of_syncs(
    db: DB, site_id: SiteId, space_id: SpaceId, before: Side, after: Side
) -> Changes:
    """Compare two syncs by what is valid in one of them alone: the rest is unchanged, uncounted."""
    mine = finding_table.c
    there = {
        number: and_(mine.from_number <= number, mine.to_number > number)
        for number in (before.number, after.number)
    }
    both = and_(
        mine.site_id == site_id,
        mine.space_id == space_id,
        there[before.number],
        there[after.number],
    )
    same = await db.scalar(select(func.count()).select_from(finding_table).where(both)) or 0
    gone = findings.ordered(site_id, space_id, before.number, not_(there[after.number]))
    new = findings.ordered(site_id, space_id, after.number, not_(there[before.number]))
    earlier = _by_fingerprint(findings.row_of(row) for row in await db.execute(gone))
    later = _by_fingerprint(findings.row_of(row) for row in await db.execute(new))
    return _compared(before, after, earlier, later, same)


async def _seen(
    db: DB, site_id: SiteId, space_id: SpaceId, one: Side, other: Content | None
) -> Mapping[str, FindingRow]:
    if one.content is not None:
        return _by_fingerprint(one.content.findings)
    assert other is not None
    place = (db, site_id, space_id, one.number)
    if other.api_id is not None:
        return _by_fingerprint(await findings.of_api(*place, other.api_id))
    wanted = other.wanted
    alike = Filter(severities=wanted.severities, kinds=wanted.kinds)
    found = await findings.listed(*place, alike, size=ALL)
    apis: set[str | None] = {row.api_id for row in other.rows}
    if wanted.verdicts:
        apis |= {row.api_id for row in (await posture_rows.page(*place, _whole(wanted))).rows}
        every = await findings.listed(*place, Filter(), size=ALL)
        apis |= {name for name, told in _verdicts(every.rows).items() if told in wanted.verdicts}
    return _by_fingerprint(row for row in found.rows if _is_seen(row, wanted, apis))


def _verdicts(found: Iterable[FindingRow]) -> dict[str | None, Verdict]:
    """Return what findings alone tell, which outlast the rows: who is a threat, and who drifts."""
    told: dict[str | None, Verdict] = {}
    for row in found:
        if row.accepted is not None or row.unconfirmed:
            continue
        if row.severity in THREATENING:
            told[row.api_id] = Verdict.THREAT
        elif row.kind != Kind.POSTURE and row.severity != Severity.INFO:
            told.setdefault(row.api_id, Verdict.DRIFT)
    return told


def _is_seen(row: FindingRow, wanted: Filter, apis: Collection[str | None]) -> bool:
    """Tell whether a filter shows a finding, by what the finding itself says of its API."""
    if wanted.environments and not row.values.keys() & set(wanted.environments):
        return False
    if row.api_id is None:
        return not (wanted.search or wanted.groups or wanted.verdicts)
    names = (row.name, row.group_id, row.asset_id)
    is_named = any(wanted.search.casefold() in (name or "").casefold() for name in names)
    is_grouped = not wanted.groups or row.group_id in wanted.groups
    return is_named and is_grouped and (not wanted.verdicts or row.api_id in apis)


def _whole(wanted: Filter) -> Filter:
    return replace(wanted, page=1, size=ALL)


def _compared(
    before: Side,
    after: Side,
    earlier: Mapping[str, FindingRow],
    later: Mapping[str, FindingRow],
    same: int,
) -> Changes:
    pairs = [(earlier[name], row) for name, row in later.items() if name in earlier]
    changed = tuple(pair for pair in pairs if _said(pair[0]) != _said(pair[1]))
    return Changes(
        before,
        after,
        added=tuple(row for name, row in later.items() if name not in earlier),
        resolved=tuple(row for name, row in earlier.items() if name not in later),
        changed=changed,
        unchanged=same + len(pairs) - len(changed),
    )


def _said(row: FindingRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in SAID)


def _by_fingerprint(rows: Iterable[FindingRow]) -> dict[str, FindingRow]:
    return {row.fingerprint: row for row in rows}


def _of_sync(sync: Sync) -> Side:
    assert sync.number is not None
    assert sync.finished_at is not None
    return Side(sync.id, sync.number, sync.finished_at)
