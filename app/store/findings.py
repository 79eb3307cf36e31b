"""The findings of a published sync: of the space, of one API, of the environments themselves."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, or_, select
from sqlalchemy.dialects.postgresql import array

from app.caller import SiteId, SpaceId
from app.posture.model import Json
from app.store import posture_rows as rows
from app.store.bulk import among, join_by_hashing
from app.store.database import DB
from app.store.tables import OPEN, connections, findings, posture_rows, syncs

AT_ONCE = 250
"""Rows that are understood in one turn of the event loop."""

WORST_FIRST = (
    findings.c.severity_rank,
    findings.c.rule,
    findings.c.subject,
    findings.c.fingerprint,
)


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding as kept; `last_seen_at` is the published sync's time unless it is unconfirmed."""

    fingerprint: str
    api_id: str | None
    api_key: str | None
    name: str | None
    group_id: str | None
    asset_id: str | None
    kind: str
    rule: str
    severity: str
    direction: str
    subject: str | None
    path: str | None
    paths: tuple[str, ...]
    values: Mapping[str, Json]
    values_digest: str
    outliers: tuple[str, ...]
    sentence: str
    owasp: str
    lane: str
    first_seen_at: datetime
    last_seen_at: datetime
    unconfirmed: bool
    reopened: int
    accepted: Mapping[str, Json] | None = None  # the exception in force: `kept.accepted_json`


@dataclass(frozen=True, slots=True)
class FindingsPage:
    """One page of findings, worst first, how many the filter lets through, how many are accepted."""

    rows: tuple[FindingRow, ...]
    total: int
    accepted: int = 0


async def listed(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    number: int,
    wanted: rows.Filter,
    page: int = 1,
    size: int = 50,
) -> FindingsPage:
    """Return one page of the findings of the rows that a filter lets through."""
    await join_by_hashing(db)
    which = matching(site_id, space_id, number, wanted)
    counts = select(func.count(), func.count(findings.c.accepted)).where(which)
    total, accepted = (await db.execute(counts)).one()
    limits = {"limit": size, "offset": (page - 1) * size}
    found = await _found(db, site_id, space_id, number, which, **limits)
    return FindingsPage(found, total, accepted)


async def of_api(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, api_id: str
) -> tuple[FindingRow, ...]:
    """Return all findings of one API, worst first."""
    return await _found(db, site_id, space_id, number, findings.c.api_id == api_id)


async def of_space(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int
) -> tuple[FindingRow, ...]:
    """Return the findings of the environments' automated policies, which belong to no API."""
    return await _found(db, site_id, space_id, number, findings.c.api_id.is_(None))


async def count_of_rule(db: DB, site_id: SiteId, space_id: SpaceId, number: int, rule: str) -> int:
    """Return how many APIs have an open finding by a rule; accepted ones do not count."""
    which = (findings.c.rule == rule, findings.c.accepted.is_(None))
    apis = select(func.count(findings.c.api_id.distinct()))
    return await db.scalar(apis.where(_valid(site_id, space_id, number), *which)) or 0


async def known(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, fingerprints: Collection[str]
) -> dict[str, FindingRow]:
    """Return those of a published sync that have one of these fingerprints, by fingerprint."""
    which = among(findings.c.fingerprint, fingerprints)
    return {row.fingerprint: row for row in await _found(db, site_id, space_id, number, which)}


async def current(
    db: DB, site_id: SiteId, space_id: SpaceId
) -> dict[str | None, tuple[FindingRow, ...]]:
    """Return every open finding by API key, None for automated policies: what publishing weighs."""
    return await _current(db, site_id, space_id, findings.c.to_number == OPEN)


async def unconfirmed(
    db: DB, site_id: SiteId, space_id: SpaceId
) -> dict[str | None, tuple[FindingRow, ...]]:
    """Return, in the same way, those that the published sync could not confirm."""
    which = and_(findings.c.to_number == OPEN, findings.c.last_seen_at.is_not(None))
    return await _current(db, site_id, space_id, which)


async def _current(
    db: DB, site_id: SiteId, space_id: SpaceId, which: ColumnElement[bool]
) -> dict[str | None, tuple[FindingRow, ...]]:
    pointer = select(connections.c.published_number).where(
        connections.c.site_id == site_id, connections.c.space_id == space_id
    )
    number = await db.scalar(pointer)
    if number is None:
        return {}
    by_api: dict[str | None, list[FindingRow]] = {}
    for row in await _found(db, site_id, space_id, number, which):
        by_api.setdefault(row.api_key, []).append(row)
    return {key: tuple(found) for key, found in by_api.items()}


async def _found(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    number: int,
    which: ColumnElement[bool],
    limit: int | None = None,
    offset: int = 0,
) -> tuple[FindingRow, ...]:
    worst_first = ordered(site_id, space_id, number, which)
    found = await db.execute(worst_first.limit(limit).offset(offset))
    rows: list[FindingRow] = []
    for part in found.partitions(AT_ONCE):
        if rows:
            await asyncio.sleep(0)  # thousands take their time: others have a turn between
        rows += map(row_of, part)
    return tuple(rows)


def ordered(
    site_id: SiteId, space_id: SpaceId, number: int, which: ColumnElement[bool]
) -> Select[Any]:
    """Return the question for findings of a published sync, worst first, as `row_of` takes them."""
    # A sync that was assessed anew under a later number is still the one of this number.
    published_at = (
        select(syncs.c.finished_at)
        .where(syncs.c.site_id == site_id, syncs.c.space_id == space_id, syncs.c.number >= number)
        .order_by(syncs.c.number)
        .limit(1)
    )
    return (
        select(findings, published_at.scalar_subquery().label("published_at"))
        .where(_valid(site_id, space_id, number), which)
        .order_by(*WORST_FIRST)
    )


def _valid(site_id: SiteId, space_id: SpaceId, number: int) -> ColumnElement[bool]:
    mine = findings.c
    return and_(
        mine.site_id == site_id,
        mine.space_id == space_id,
        mine.from_number <= number,
        mine.to_number > number,
    )


def matching(
    site_id: SiteId, space_id: SpaceId, number: int, wanted: rows.Filter
) -> ColumnElement[bool]:
    """Return the condition for the findings of a published sync that a filter lets through."""
    conditions: list[ColumnElement[bool]] = [_valid(site_id, space_id, number)]
    if wanted.severities:
        conditions.append(findings.c.severity.in_(wanted.severities))
    if wanted.kinds:
        conditions.append(findings.c.kind.in_(wanted.kinds))
    of_api = rows.of_api(wanted)
    if of_api:
        shown = select(posture_rows.c.api_id).where(rows.valid(site_id, space_id, number), *of_api)
        conditions.append(or_(findings.c.api_id.in_(shown), _of_environments(wanted)))
    return and_(*conditions)


def _of_environments(wanted: rows.Filter) -> ColumnElement[bool]:
    """Return which automated policies' findings a filter shows: it may name environments alone."""
    if wanted.api_id or wanted.search or wanted.groups or wanted.verdicts:
        return false()
    return and_(
        findings.c.api_id.is_(None), findings.c["values"].has_any(array(wanted.environments))
    )


def row_of(row: Row[Any]) -> FindingRow:
    """Return a row of `ordered` as it is meant."""
    return FindingRow(
        fingerprint=row.fingerprint,
        api_id=row.api_id,
        api_key=row.api_key,
        name=row.name,
        group_id=row.group_id,
        asset_id=row.asset_id,
        kind=row.kind,
        rule=row.rule,
        severity=row.severity,
        direction=row.direction,
        subject=row.subject,
        path=row.path,
        paths=tuple(row.paths),
        values=row._mapping["values"],
        values_digest=row.values_digest,
        outliers=tuple(row.outliers),
        sentence=row.sentence,
        owasp=row.owasp,
        lane=row.lane,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at or row.published_at,
        unconfirmed=row.last_seen_at is not None,
        reopened=row.reopened,
        accepted=row.accepted,
    )
