"""What was kept, as the core takes it: the scope of a sync, and one API's reading."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.caller import SiteId, SpaceId
from app.posture.model import (
    Acceptance,
    ApiReading,
    Environment,
    EnvironmentReading,
    ExpectedDifference,
    InstanceReading,
    Json,
    Scope,
    Section,
    SectionName,
)
from app.store import exceptions, expected_differences, sections
from app.store.connections import Connection
from app.store.database import DB
from app.store.readings import ApiVersions, InstanceVersion
from app.store.syncs import Outcome, Sync, SyncEnvironment

NOT_READ = "it was not read"

Bodies = Mapping[bytes, Json]


async def scope_of(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    sync: Sync,
    connection: Connection,
    as_of: datetime,
) -> Scope:
    """Return what all APIs of a sync are compared under, with what is expected and accepted."""
    wanted = {item.automated_digest for item in sync.environments if item.automated_digest}
    bodies = await sections.bodies(db, site_id, wanted)
    environments = tuple(_environment_reading(item, bodies) for item in sync.environments)
    return Scope(
        environments=environments,
        baseline_environment_id=baseline(connection, sync.environments),
        as_of=as_of,
        ignored_application_suffixes=connection.ignored_application_suffixes,
        expected_differences=await _expected(db, site_id, space_id),
        exceptions=await _accepted(db, site_id, space_id, as_of),
    )


async def _expected(db: DB, site_id: SiteId, space_id: SpaceId) -> tuple[ExpectedDifference, ...]:
    known = await expected_differences.in_force(db, site_id, space_id)
    return tuple(
        ExpectedDifference(row.asset_id, row.path, row.allowances, row.api_key)
        for row in sorted(known, key=lambda row: row.id)
    )


async def _accepted(
    db: DB, site_id: SiteId, space_id: SpaceId, as_of: datetime
) -> dict[str, Acceptance]:
    known = await exceptions.in_force(db, site_id, space_id)
    return {row.fingerprint: row.acceptance() for row in known if row.until > as_of}


def baseline(connection: Connection, environments: Sequence[SyncEnvironment]) -> str | None:
    """Return the chosen baseline, else the first production environment, else the first one."""
    ids = [item.id for item in environments]
    if connection.baseline_environment_id in ids:
        return connection.baseline_environment_id
    production = (item.id for item in environments if item.type == "production")
    return next(production, ids[0] if ids else None)


def _environment_reading(item: SyncEnvironment, bodies: Bodies) -> EnvironmentReading:
    not_listed = (item.reason or NOT_READ) if item.outcome is Outcome.FAILED else None
    automated = Section(not_read=item.automated_unread or not_listed or NOT_READ)
    if item.automated_digest is not None:
        automated = Section(bodies[item.automated_digest], item.automated_digest)
    return EnvironmentReading(Environment(item.id, item.name, item.type), not_listed, automated)


def api_reading(api: ApiVersions, bodies: Bodies, reasons: Mapping[str, str | None]) -> ApiReading:
    """Return an API as the core takes it; `reasons` say why an environment was not read."""
    return ApiReading(
        api.api_key,
        tuple(_instance(item, bodies, reasons.get(item.environment_id)) for item in api.instances),
    )


def _instance(version: InstanceVersion, bodies: Bodies, failed: str | None) -> InstanceReading:
    failure = None if version.read_now else failed or NOT_READ

    def section(name: SectionName, digest: bytes | None) -> Section:
        unread = version.unread.get(name)
        body = None if digest is None else bodies[digest]
        return Section(body, digest or b"", failure or (unread and unread["reason"]))

    digests = version.digests
    return InstanceReading(
        environment_id=version.environment_id,
        instance_id=version.instance_id,
        facts=section(SectionName.FACTS, digests.facts),
        policies=section(SectionName.POLICIES, digests.policies),
        tiers=section(SectionName.TIERS, digests.tiers),
        contracts=section(SectionName.CONTRACTS, digests.contracts),
        url=version.url,
    )
