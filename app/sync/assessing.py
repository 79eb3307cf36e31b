"""Assessing the published sync anew: what is expected or accepted changed, nothing was read."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from app.caller import SiteId, SpaceId
from app.store import connections, findings, judging, posture_rows, publishing, readings, syncs
from app.store.database import DB
from app.store.posture_rows import api_id
from app.sync import exceptions_ending
from app.sync.scope import scope_of
from app.sync.weighing import Ground, weigh


async def assess_anew(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    now: datetime,
    api_ids: Collection[str] | None = None,
) -> None:
    """Judge the published sync as things are now, under a new number; all APIs, or these alone.

    It is part of the change's own transaction, which holds the space (`judging.hold`). Before the
    first published sync there is nothing to assess.
    """
    sync = await syncs.published(db, site_id, space_id)
    connection = await connections.last_known(db, site_id, space_id)
    changed: list[str] = []
    if sync is not None and connection is not None:
        scope = await scope_of(db, site_id, space_id, sync, connection, now)
        # The baseline that the sync was compared with: it may have been changed since.
        scope = replace(scope, baseline_environment_id=sync.baseline_environment_id)
        known = await posture_rows.input_digests(db, site_id, space_id)
        earlier = await findings.unconfirmed(db, site_id, space_id)
        chosen = None
        # With other settings than the sync's all are judged by them, or they would be mixed.
        if api_ids is not None and connection.version == sync.connection_version:
            chosen = [key for key in known if api_id(space_id, key) in api_ids]
        apis = readings.current(db, site_id, space_id, sync.id, chosen)
        work = await weigh(db, site_id, Ground(sync, scope, known, earlier), apis)
        if chosen is not None:
            work.kept += known.keys() - set(chosen)
        await publishing.publish_anew(db, site_id, space_id, sync, work.rows)
        changed = work.changed
    await exceptions_ending.end(db, site_id, space_id, changed, now)
    await judging.raise_version(db, site_id, space_id)
