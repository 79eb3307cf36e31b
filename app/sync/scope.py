"""What was kept, as the core takes it: the scope of a sync, and one API's reading."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from app import posture
from app.caller import SiteId
from app.posture.model import (
    ApiReading,
    Environment,
    EnvironmentReading,
    InstanceReading,
    Json,
    Scope,
    Section,
    SectionName,
)
from app.store import sections
from app.store.connections import Connection
from app.store.database import DB
from app.store.readings import ApiVersions, InstanceVersion
from app.store.syncs import Outcome, Sync, SyncEnvironment

NOT_READ = "it was not read"

Bodies = Mapping[bytes, Json]


async def scope_of(
    db: DB, site_id: SiteId, sync: Sync, connection: Connection, as_of: datetime
) -> Scope:
    """Return what all APIs of a sync are compared under."""
    wanted = {item.automated_digest for item in sync.environments if item.automated_digest}
    bodies = await sections.bodies(db, site_id, wanted)
    environments = tuple(_environment_reading(item, bodies) for item in sync.environments)
    return Scope(
        environments=environments,
        baseline_environment_id=baseline(connection, sync.environments),
        as_of=as_of,
        ignored_application_suffixes=connection.ignored_application_suffixes,
    )


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


def scope_digest(scope: Scope) -> bytes:
    """Return the digest of everything that is the same for all APIs, the rules included."""
    environments = [
        [
            item.environment.id,
            item.environment.name,
            item.environment.type,
            item.not_listed,
            item.automated.digest.hex(),
            item.automated.not_read,
        ]
        for item in scope.environments
    ]
    common = [
        rules_digest(),
        environments,
        scope.baseline_environment_id,
        list(scope.ignored_application_suffixes),
    ]
    return sections.digest(common)


@cache
def rules_digest() -> str:
    """Return the digest of the core's source: with other rules every API is assessed anew."""
    source = hashlib.sha256()
    for path in sorted(Path(posture.__file__).parent.glob("*.py")):
        source.update(path.read_bytes())
    return source.hexdigest()
