"""When a space is synced or assessed anew: what is due is done once, whoever else looks."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from app.caller import SiteId, SpaceId
from app.errors import Conflict, Unavailable
from app.store import agenda, connections, holding
from app.store.database import Database
from app.sync.accepting import reopen_expired
from app.sync.service import SyncService

log = logging.getLogger(__name__)

JITTER = 0.1
"""Share of the interval by which a space's next sync is moved, so that not all come at once."""


class Schedule:
    """The agenda's worker side."""

    def __init__(
        self, database: Database, syncs_service: SyncService, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._syncs = syncs_service
        self._now = now

    async def start_due(self) -> None:
        """Start the syncs that are due, each once; one that cannot be started keeps none back."""
        now = self._now()
        async with self._database.agenda() as db:
            due = await agenda.due_syncs(db, now)
        for entry in due:
            try:
                await self._start(entry, now)
            except (Conflict, Unavailable) as error:
                log.warning("site %s: a due sync was not started: %s", entry.site_id, error)

    async def reopen_due(self) -> None:
        """Open what was accepted until now; a space that cannot be served keeps none back."""
        now = self._now()
        async with self._database.agenda() as db:
            due = await agenda.due_assessments(db, now)
        for site_id, space_id in due:
            try:
                opened = await reopen_expired(self._database, site_id, space_id, now)
                log.info("site %s: exceptions over in space %s: %d", site_id, space_id, opened)
            except Unavailable as error:
                log.warning("site %s: not assessed anew this time: %s", site_id, error)

    async def _start(self, entry: agenda.Due, now: datetime) -> None:
        async with self._database.transaction(entry.site_id) as db:
            where = (db, entry.site_id, entry.space_id)
            await holding.connection(*where)
            connection = await connections.current(*where)
            if connection is None or connection.refused_at is not None:
                await agenda.schedule(*where, None)
                return
            following = next_date(now, connection.sync_interval_hours)
            if await agenda.claim(*where, entry.due_at, following):
                await self._syncs.request(*where, None)

    async def set_next(self, site_id: SiteId, space_id: SpaceId) -> None:
        """Set the date after a sync that has ended; none without credentials that work."""
        async with self._database.transaction(site_id) as db:
            connection = await connections.current(db, site_id, space_id)
            works = connection is not None and connection.refused_at is None
            following = (
                next_date(self._now(), connection.sync_interval_hours)
                if connection and works
                else None
            )
            await agenda.schedule(db, site_id, space_id, following)


def next_date(now: datetime, interval_hours: int) -> datetime:
    """Return when a space is synced next: after its interval, less a little by chance."""
    seconds = interval_hours * 3600
    return now + timedelta(seconds=seconds * (1 - random.random() * JITTER))  # noqa: S311
