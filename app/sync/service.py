"""Asking for a sync and calling one off."""

from collections.abc import Callable
from datetime import datetime

from app.caller import AccountId, SiteId, SpaceId
from app.errors import Conflict, NotThere
from app.store import connections, syncs
from app.store.database import DB, Database
from app.sync.queue import Queue


class SyncService:
    """Starts syncs so that the row and its job are written together, or not at all."""

    def __init__(self, database: Database, queue: Queue, now: Callable[[], datetime]) -> None:
        self._database = database
        self._queue = queue
        self._now = now

    async def start(
        self, site_id: SiteId, space_id: SpaceId, account_id: AccountId | None
    ) -> syncs.Sync:
        """Return the running or queued sync, or a new one; `Conflict` without a connection."""
        async with self._database.transaction(site_id) as db:
            return await self.request(db, site_id, space_id, account_id)

    async def request(
        self, db: DB, site_id: SiteId, space_id: SpaceId, account_id: AccountId | None
    ) -> syncs.Sync:
        """Do what `start` does inside the caller's transaction."""
        if await connections.current(db, site_id, space_id) is None:
            raise Conflict("This space is not connected to Anypoint yet.")
        sync, created = await syncs.request(db, site_id, space_id, account_id, self._now())
        if created:
            await self._queue.enqueue_sync(db, site_id, space_id, sync.id)
        return sync

    async def cancel(self, site_id: SiteId, space_id: SpaceId, sync_id: str) -> None:
        """Call a sync off; one that has ended stays as it is, an unknown one is `NotThere`."""
        async with self._database.transaction(site_id) as db:
            if await syncs.one(db, site_id, space_id, sync_id) is None:
                raise NotThere
            await syncs.cancel(db, site_id, space_id, sync_id, "It was cancelled.")
