"""One API as it is shown: its row, findings, instances and the three matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from app.caller import SiteId, SpaceId
from app.errors import NotThere
from app.posture.assessment import assess_api
from app.posture.matrices import matrices
from app.posture.model import (
    ApiPosture,
    ApiReading,
    Finding,
    InstanceReading,
    Matrix,
    Scope,
    Section,
    Severity,
)
from app.store import connections, syncs
from app.store.connections import Connection
from app.store.database import Database
from app.store.findings import FindingRow
from app.store.instances import SECTIONS, StoredInstance
from app.store.kept import accepted_json
from app.store.posture_rows import PostureRow
from app.store.syncs import Outcome, Sync
from app.sync.known_api import known_api
from app.sync.refreshing import LiveApi
from app.sync.scope import NOT_READ, scope_of
from app.web.threads import in_thread

Matrices = tuple[Matrix, Matrix, Matrix]


@dataclass(frozen=True, slots=True)
class PublishedApi:
    """Everything that is shown of one API; `matrices` are policies, tiers and contracts.

    `read_at` is given when it was read live: the sync is then the published one with its
    environments as they were read now, and nothing of it is published.
    """

    sync: Sync
    row: PostureRow
    findings: Sequence[FindingRow]
    automated: Sequence[FindingRow]
    instances: Sequence[StoredInstance]
    scope: Scope
    posture: ApiPosture
    matrices: Matrices
    read_at: datetime | None = None


async def published_api(
    database: Database, site_id: SiteId, space_id: SpaceId, api_id: str
) -> PublishedApi:
    """Return one API of the published sync; `NotThere` if it is in none."""
    found, _ = await published_with_connection(database, site_id, space_id, api_id)
    return found


async def published_with_connection(
    database: Database, site_id: SiteId, space_id: SpaceId, api_id: str
) -> tuple[PublishedApi, Connection]:
    """Return the same with the space's connection, which may have been removed: its history stays."""
    async with database.transaction(site_id) as db:
        sync = await syncs.published(db, site_id, space_id)
        connection = await connections.last_known(db, site_id, space_id)
        if sync is None or sync.number is None or sync.finished_at is None or connection is None:
            raise NotThere
        known = await known_api(db, site_id, space_id, sync, api_id)
        scope = await scope_of(db, site_id, space_id, sync, connection, sync.finished_at)
    # The baseline of that time: it may have been changed since.
    scope = replace(scope, baseline_environment_id=sync.baseline_environment_id)
    api = ApiReading(known.row.api_key, tuple(as_read(sync, known.instances)))
    # In a thread: with tens of thousands of contracts it takes its time.
    posture, side_by_side = await in_thread(site_id, _compared, scope, api)
    return PublishedApi(
        sync,
        known.row,
        known.findings,
        known.automated,
        known.instances,
        scope,
        posture,
        side_by_side,
    ), connection


def _compared(scope: Scope, api: ApiReading) -> tuple[ApiPosture, Matrices]:
    posture = assess_api(scope, api)
    return posture, matrices(scope, api, posture)


def live_api(live: LiveApi) -> PublishedApi:
    """Return an API that was read live in the same form."""
    known, posture = live.known, live.posture
    outcomes = {item.environment.id: item.not_listed for item in live.scope.environments}
    environments = tuple(
        replace(
            item,
            outcome=Outcome.FAILED if outcomes[item.id] else Outcome.OK,
            reason=outcomes[item.id],
            read_at=item.read_at if outcomes[item.id] else live.read_at,
        )
        for item in known.sync.environments
    )
    first_seen = {row.fingerprint: row.first_seen_at for row in known.findings}
    return PublishedApi(
        replace(known.sync, environments=environments),
        _live_row(known.row, posture),
        [
            _live_finding(known.row, finding, first_seen, live.read_at)
            for finding in posture.findings
        ],
        known.automated,
        _live_instances(live, {item.id: item.read_at for item in known.sync.environments}),
        live.scope,
        posture,
        matrices(live.scope, live.reading, posture),
        live.read_at,
    )


def _live_row(row: PostureRow, posture: ApiPosture) -> PostureRow:
    is_open = [finding for finding in posture.findings if finding.accepted is None]
    return replace(
        row,
        verdict=posture.verdict,
        headline=posture.headline,
        counts={item.value: sum(f.severity is item for f in is_open) for item in Severity},
        accepted=len(posture.findings) - len(is_open),
        cells={name: asdict(cell) for name, cell in posture.cells.items()},
        coverage=asdict(posture.coverage),
        notes=tuple(asdict(note) for note in posture.notes),
    )


def _live_finding(
    row: PostureRow, finding: Finding, first_seen: Mapping[str, datetime], read_at: datetime
) -> FindingRow:
    return FindingRow(
        fingerprint=finding.fingerprint,
        api_id=row.api_id,
        api_key=row.api_key,
        name=row.name,
        group_id=row.group_id,
        asset_id=row.asset_id,
        kind=finding.kind,
        rule=finding.rule,
        severity=finding.severity,
        direction=finding.direction,
        subject=finding.subject,
        path=finding.path,
        paths=finding.paths,
        values=finding.values,
        values_digest=finding.values_digest,
        outliers=finding.outliers,
        sentence=finding.sentence,
        owasp=finding.owasp,
        lane=finding.lane,
        first_seen_at=first_seen.get(finding.fingerprint, read_at),
        last_seen_at=read_at,
        unconfirmed=False,
        reopened=0,
        accepted=accepted_json(finding.accepted) if finding.accepted else None,
    )


def _live_instances(
    live: LiveApi, read_before: Mapping[str, datetime | None]
) -> list[StoredInstance]:
    """Return what was read now, in the store's order; for the rest what the published sync has."""
    before = {(s.reading.environment_id, s.reading.instance_id): s for s in live.known.instances}
    failed = {item.environment.id for item in live.scope.environments if item.not_listed}
    kept = [item for (environment, _), item in before.items() if environment in failed]
    kept += [
        _live_instance(item, before.get((item.environment_id, item.instance_id)), read_before)
        for item in live.reading.instances
    ]
    return sorted(kept, key=lambda s: (s.reading.environment_id, s.reading.instance_id))


def _live_instance(
    reading: InstanceReading,
    before: StoredInstance | None,
    read_before: Mapping[str, datetime | None],
) -> StoredInstance:
    if before is None:
        return StoredInstance(reading, {})
    last_good = dict(before.last_good)
    for name in SECTIONS:
        section: Section = getattr(before.reading, name)
        if section.was_read:
            last_good[name] = (section.body, read_before.get(reading.environment_id))
    return StoredInstance(reading, last_good)


def as_read(sync: Sync, stored: Sequence[StoredInstance]) -> list[InstanceReading]:
    """Return the instances as the sync read them: nothing in an environment that failed."""
    failed = {
        item.id: item.reason or NOT_READ
        for item in sync.environments
        if item.outcome is Outcome.FAILED
    }
    return [_as_read(item.reading, failed) for item in stored]


def _as_read(reading: InstanceReading, failed: Mapping[str, str]) -> InstanceReading:
    reason = failed.get(reading.environment_id)
    if reason is None:
        return reading

    def unread(section: Section) -> Section:
        return section._replace(not_read=reason)

    return reading._replace(
        facts=unread(reading.facts),
        policies=unread(reading.policies),
        tiers=unread(reading.tiers),
        contracts=unread(reading.contracts),
    )
