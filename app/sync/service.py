"""Asking for a sync and calling one off."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from app.caller import INSIDE, AccountId, Origin, SiteId, SpaceId
from app.errors import Conflict, NotThere
from app.store import asking, audit, commands, connections, jobs, leases, syncs
from app.store.audit import Act, Action
from app.store.database import DB, Database
from app.sync.queue import Queue


class SyncService:
    """Starts syncs so that the row and its job are written together, or not at all."""

    def __init__(self, database: Database, queue: Queue, now: Callable[[], datetime]) -> None:
        self._database = database
        self._queue = queue
        self._now = now
        self._under_way: dict[tuple[SiteId, SpaceId], asyncio.Task[syncs.Sync]] = {}

    async def start(
        self,
        site_id: SiteId,
        space_id: SpaceId,
        account_id: AccountId | None,
        origin: Origin = INSIDE,
    ) -> syncs.Sync:
        """Return the running or queued sync, or a new one; `Conflict` without a connection.

        Those who ask this process at the same time share one question to the database.
        """
        place = (site_id, space_id)
        under_way = self._under_way.get(place)
        if under_way is None:
            asked = self._started(site_id, space_id, account_id, origin)
            under_way = self._under_way[place] = asyncio.create_task(asked)
            under_way.add_done_callback(lambda _: self._under_way.pop(place, None))
        # One who goes away must not take the others' answer along.
        return await asyncio.shield(under_way)

    async def _started(
        self, site_id: SiteId, space_id: SpaceId, account_id: AccountId | None, origin: Origin
    ) -> syncs.Sync:
        async with self._database.transaction(site_id) as db:
            return await self.request(db, site_id, space_id, account_id, origin)

    async def start_once(
        self,
        site_id: SiteId,
        space_id: SpaceId,
        account_id: AccountId | None,
        key: str,
        origin: Origin = INSIDE,
    ) -> commands.Answer:
        """Return id and state of a started sync; the same for the same key, for a day."""
        digest = commands.key_digest("start a sync", account_id, key)
        async with self._database.transaction(site_id) as db:
            where = (db, site_id, space_id)
            answer = await commands.answered(*where, digest, self._now())
            if answer is None:
                sync = await self.request(*where, account_id, origin)
                answer = {"id": sync.id, "state": sync.state.value}
                await commands.remember(*where, digest, answer, self._now())
        return answer

    async def request(
        self,
        db: DB,
        site_id: SiteId,
        space_id: SpaceId,
        account_id: AccountId | None,
        origin: Origin = INSIDE,
    ) -> syncs.Sync:
        """Do what `start` does inside the caller's transaction."""
        if await connections.current(db, site_id, space_id) is None:
            raise Conflict("This space is not connected to Anypoint yet.")
        sync, is_new = await asking.request(db, site_id, space_id, account_id, self._now())
        if is_new:
            act = Act(Action.SYNC_STARTED, account_id, origin, sync.id)
            await audit.write(db, site_id, space_id, act)
        if not await _is_looked_after(db, site_id, space_id, sync):
            await self._queue.enqueue_sync(db, site_id, space_id, sync.id)
        return sync

    async def cancel(
        self,
        site_id: SiteId,
        space_id: SpaceId,
        sync_id: str,
        account_id: AccountId | None = None,
        origin: Origin = INSIDE,
    ) -> None:
        """Call a sync off; one that has ended stays as it is, an unknown one is `NotThere`."""
        async with self._database.transaction(site_id) as db:
            if await syncs.one(db, site_id, space_id, sync_id) is None:
                raise NotThere
            if await asking.cancel(db, site_id, space_id, sync_id, "It was cancelled."):
                act = Act(Action.SYNC_CANCELLED, account_id, origin, sync_id)
                await audit.write(db, site_id, space_id, act)


async def _is_looked_after(db: DB, site_id: SiteId, space_id: SpaceId, sync: syncs.Sync) -> bool:
    """Tell whether some job will end the sync: asking again mends one whose job was lost."""
    if await jobs.waits(db, site_id, sync.id):
        return True
    if sync.state is syncs.State.RUNNING:
        return bool(await leases.seconds_left(db, site_id, space_id, sync.id))
    return await jobs.has_one(db, site_id, sync.id)
