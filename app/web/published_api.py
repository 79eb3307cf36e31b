"""Reading one API of the published sync: its row, findings, instances and the three matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.caller import SiteId, SpaceId
from app.errors import NotThere
from app.posture.assessment import assess_api
from app.posture.matrices import matrices
from app.posture.model import ApiReading, InstanceReading, Matrix, Scope, Section
from app.store import connections, findings, instances, posture_rows, syncs
from app.store.database import Database
from app.store.findings import FindingRow
from app.store.instances import StoredInstance
from app.store.posture_rows import PostureRow
from app.store.syncs import Outcome, Sync
from app.sync.scope import NOT_READ, scope_of


@dataclass(frozen=True, slots=True)
class PublishedApi:
    """Everything that is shown of one API; `matrices` are policies, tiers and contracts."""

    sync: Sync
    row: PostureRow
    findings: Sequence[FindingRow]
    instances: Sequence[StoredInstance]
    matrices: tuple[Matrix, Matrix, Matrix]


async def published_api(
    database: Database, site_id: SiteId, space_id: SpaceId, api_id: str
) -> PublishedApi:
    """Return one API of the published sync; `NotThere` if it is in none."""
    place = (site_id, space_id)
    async with database.transaction(site_id) as db:
        sync = await syncs.published(db, *place)
        connection = await connections.current(db, *place)
        if sync is None or sync.number is None or sync.finished_at is None or connection is None:
            raise NotThere
        row = await posture_rows.one(db, *place, sync.number, api_id)
        if row is None:
            raise NotThere
        found = await findings.of_api(db, *place, sync.number, api_id)
        stored = await instances.of_api(db, *place, sync.number, row.api_key)
        scope = await scope_of(db, site_id, sync, connection, sync.finished_at)
    # The baseline of that time: it may have been changed since.
    scope = replace(scope, baseline_environment_id=sync.baseline_environment_id)
    side_by_side = compared(scope, row.api_key, as_read(sync, stored))
    return PublishedApi(sync, row, found, stored, side_by_side)


def compared(
    scope: Scope, api_key: str, readings: Sequence[InstanceReading]
) -> tuple[Matrix, Matrix, Matrix]:
    """Return the instances side by side, marked as the sync judged them."""
    api = ApiReading(api_key, tuple(readings))
    return matrices(scope, api, assess_api(scope, api))


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
        return replace(section, not_read=reason)

    return replace(
        reading,
        facts=unread(reading.facts),
        policies=unread(reading.policies),
        tiers=unread(reading.tiers),
        contracts=unread(reading.contracts),
    )
