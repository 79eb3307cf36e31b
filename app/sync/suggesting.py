"""The starter set of a space: what its published sync says that is meant to differ."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.caller import SiteId, SpaceId
from app.posture.model import Scope
from app.posture.suggesting import Sightings, Suggestion
from app.store import connections, readings, sections, syncs
from app.store.database import Database
from app.store.readings import ApiVersions
from app.sync.scope import Bodies, api_reading, scope_of
from app.sync.weighing import batched, digests_of


async def suggestions(
    database: Database, site_id: SiteId, space_id: SpaceId
) -> tuple[Suggestion, ...]:
    """Return what can be offered safely, what settles most first; nothing before the first sync."""
    sightings = Sightings()
    async with database.transaction(site_id) as db:
        sync = await syncs.published(db, site_id, space_id)
        connection = await connections.last_known(db, site_id, space_id)
        if sync is None or sync.finished_at is None or connection is None:
            return ()
        scope = await scope_of(db, site_id, space_id, sync, connection, sync.finished_at)
        scope = replace(scope, baseline_environment_id=sync.baseline_environment_id)
        reasons = {item.id: item.reason for item in sync.environments}
        apis = readings.current(db, site_id, space_id, sync.id)
        async for batch in batched(apis):
            bodies = await sections.bodies(db, site_id, digests_of(batch))
            await asyncio.to_thread(_look, sightings, scope, batch, bodies, reasons)
    return await asyncio.to_thread(sightings.suggestions, scope)


def _look(
    sightings: Sightings,
    scope: Scope,
    batch: Sequence[ApiVersions],
    bodies: Bodies,
    reasons: Mapping[str, str | None],
) -> None:
    for api in batch:
        sightings.look(scope, api_reading(api, bodies, reasons))
