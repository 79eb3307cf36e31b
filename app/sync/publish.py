"""Publishing: assess what changed, then put all of it in force in one transaction."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime

from app.caller import SiteId, SpaceId
from app.errors import Conflict
from app.posture.assessment import assess_api, assess_automated
from app.posture.confirming import needs_what_was_not_read
from app.posture.model import ApiPosture, Finding, NotRead, Scope, SectionName
from app.store import (
    agenda,
    connections,
    findings,
    posture_rows,
    publishing,
    readings,
    sections,
    syncs,
)
from app.store.database import DB, Database
from app.store.findings import FindingRow
from app.store.publishing import AssessedApi, PublishedRows
from app.store.readings import ApiVersions
from app.sync.scope import Bodies, api_reading, scope_digest, scope_of

BATCH_APIS = 100
"""APIs that are assessed together: their bodies are in memory, and the loop waits so long."""


@dataclass(slots=True)
class Work:
    """What publishing gathers while it goes through the APIs."""

    assessed: list[AssessedApi] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    unconfirmed: set[str] = field(default_factory=set)


async def publish(
    database: Database,
    site_id: SiteId,
    space_id: SpaceId,
    sync_id: str,
    attempt: int,
    now: datetime,
) -> int:
    """Publish a sync whose environments are all finished; return its number."""
    async with database.transaction(site_id) as db:
        rows = await _assessed(db, site_id, space_id, sync_id, now)
    async with database.transaction(site_id) as db:
        number = await publishing.publish(db, site_id, space_id, sync_id, attempt, rows, now)
        await agenda.published(db, site_id, space_id, now)
    return number


async def _assessed(
    db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, now: datetime
) -> PublishedRows:
    """Assess every API whose input changed; the others keep their rows."""
    sync = await syncs.one(db, site_id, space_id, sync_id)
    connection = await connections.current(db, site_id, space_id)
    if sync is None or connection is None:
        raise Conflict("The connection was removed.")
    assert all(item.finished for item in sync.environments)
    scope = await scope_of(db, site_id, sync, connection, now)
    frame = scope_digest(scope)
    before = await findings.current(db, site_id, space_id)
    known = await posture_rows.input_digests(db, site_id, space_id)
    work = Work()
    async for batch in _batches(readings.merged(db, site_id, space_id, sync_id)):
        digests = {api.api_key: _input_digest(frame, api) for api in batch}
        changed = [api for api in batch if known.get(api.api_key) != digests[api.api_key]]
        work.kept += [key for key in digests if known.get(key) == digests[key]]
        bodies = await sections.bodies(db, site_id, _digests(changed))
        reasons = {item.id: item.reason for item in sync.environments}
        made = await asyncio.to_thread(_assess, scope, changed, bodies, reasons)
        for api, result in zip(changed, made, strict=True):
            work.assessed.append(AssessedApi(result, digests[api.api_key]))
            not_read = result.coverage.not_read
            earlier = before.get(api.api_key, ())
            work.unconfirmed |= _unconfirmed(earlier, result.findings, not_read)
    automated = assess_automated(scope)
    work.unconfirmed |= _unconfirmed(before.get(None, ()), automated, _not_listed(scope))
    return PublishedRows(
        work.assessed, work.kept, automated, work.unconfirmed, scope.baseline_environment_id
    )


async def _batches(apis: AsyncIterator[ApiVersions]) -> AsyncIterator[list[ApiVersions]]:
    batch: list[ApiVersions] = []
    async for api in apis:
        batch.append(api)
        if len(batch) == BATCH_APIS:
            yield batch
            batch = []
    if batch:
        yield batch


def _digests(apis: Iterable[ApiVersions]) -> set[bytes]:
    return {
        digest
        for api in apis
        for instance in api.instances
        for digest in astuple(instance.digests)
        if digest is not None
    }


def _assess(
    scope: Scope,
    apis: Sequence[ApiVersions],
    bodies: Bodies,
    reasons: Mapping[str, str | None],
) -> list[ApiPosture]:
    return [assess_api(scope, api_reading(api, bodies, reasons)) for api in apis]


def _unconfirmed(
    earlier: Iterable[FindingRow], found: Iterable[Finding], not_read: Sequence[NotRead]
) -> set[str]:
    """Return the earlier findings that are neither found again nor known to be gone."""
    again = {finding.fingerprint for finding in found}
    return {
        row.fingerprint
        for row in earlier
        if row.fingerprint not in again
        and needs_what_was_not_read(row.kind, {*row.values, *row.outliers}, not_read)
    }


def _not_listed(scope: Scope) -> tuple[NotRead, ...]:
    return tuple(
        NotRead(SectionName.AUTOMATED, item.environment.id, item.automated.not_read)
        for item in scope.environments
        if item.automated.not_read is not None
    )


def _input_digest(frame: bytes, api: ApiVersions) -> bytes:
    instances = [
        [
            item.environment_id,
            item.instance_id,
            [digest and digest.hex() for digest in astuple(item.digests)],
            dict(item.unread),
            item.url,
            item.read_now,
        ]
        for item in api.instances
    ]
    return sections.digest([frame.hex(), instances])
