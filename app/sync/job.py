"""One sync as a job: take it, read what is not read yet, publish, and set the next date."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from app import metrics
from app.anypoint.client import AnypointClient
from app.anypoint.errors import CredentialsRefused, Throttled
from app.caller import SiteId, SpaceId
from app.errors import AppError, Conflict, Unavailable
from app.store import connections, holding, jobs, leases, sites, syncs
from app.store.connections import Connection
from app.store.database import DB, Database
from app.store.encryption import CannotDecrypt, Keyring
from app.sync.connecting import ClientFactory
from app.sync.lease import Hold, held
from app.sync.publish import publish
from app.sync.queue import Queue
from app.sync.reading import SyncReading
from app.sync.schedule import Schedule

log = logging.getLogger(__name__)

LONGEST = timedelta(hours=6)
"""A sync that was not published so long after its beginning has failed, waits included."""

MOST_CRASHES = 3
"""So often may a sync's process fall silent; it may be the sync that takes it down."""

GIVEN_UP = f"It was given up: {MOST_CRASHES} times the process that read it ended suddenly."


class CannotGoOn(Conflict):
    """The sync cannot be done as things are: its reason says what must change."""

    code = "cannot_go_on"


class SyncJobs:
    """What the queue's tasks run."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        queue: Queue,
        schedule: Schedule,
        control_planes: Mapping[str, str],
        client: ClientFactory,
        concurrency: int,
        lease_seconds: int,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._queue = queue
        self._schedule = schedule
        self._control_planes = control_planes
        self._client = client
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._now = now

    async def run(self, site_id: SiteId, space_id: SpaceId, sync_id: str) -> None:
        """Bring a sync to its end, or leave it to whoever holds it or comes later."""
        hold = await self._taken(site_id, space_id, sync_id)
        if hold is None:
            return
        try:
            await self._brought_to_an_end(hold)
        except leases.Fenced:
            await self._leave(hold)
        await self._count(hold)

    async def _brought_to_an_end(self, hold: Hold) -> None:
        try:
            async with held(lambda: self._beat(hold), self._lease_seconds):
                await self._within_its_time(hold)
        except leases.Fenced:
            raise
        except Throttled as error:
            await self._park(hold, error)
        except CannotDecrypt as error:
            await self._fail(hold, error)
        except Unavailable:
            await self._release(hold)
            raise
        except AppError as error:
            await self._fail(hold, error)
        except Exception:
            # The edge of all syncs: whatever it was, this one has ended and the others go on.
            log.exception("sync broke", extra=said(hold))
            await self._fail(hold, CannotGoOn("Something went wrong on our side while reading."))
        except BaseException:
            # Stopped: a successor need not wait for the lease to run out.
            await self._release(hold)
            raise

    async def rescue(self) -> None:
        """Put back the jobs of workers that fell silent, and let the sites take turns."""
        async with self._database.agenda() as db:
            rescued = await jobs.rescue(db, self._lease_seconds)
            await jobs.give_turns(db)
        for ids in rescued:
            metrics.TAKE_OVERS.inc()
            log.warning("taking over from a silent worker", extra={"fields": {"sync": ids.sync_id}})
            async with self._database.transaction(ids.site_id) as db:
                await leases.crashed(db, ids.site_id, ids.space_id, ids.sync_id)

    async def _taken(self, site_id: SiteId, space_id: SpaceId, sync_id: str) -> Hold | None:
        """Take the sync; if a living worker holds it, look again when its lease could be over."""
        async with self._database.transaction(site_id) as db:
            where = (db, site_id, space_id, sync_id)
            attempt = await leases.begin(*where, self._lease_seconds)
            if attempt is None:
                await self._look_again(*where)
                return None
        return Hold(site_id, space_id, sync_id, attempt)

    async def _look_again(self, db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str) -> None:
        left = await leases.seconds_left(db, site_id, space_id, sync_id)
        if left is None or await jobs.waits(db, site_id, sync_id):
            return
        after = timedelta(seconds=max(left, 1.0))
        await self._queue.enqueue_sync(db, site_id, space_id, sync_id, after)

    async def _within_its_time(self, hold: Hold) -> None:
        async with self._database.transaction(hold.site_id) as db:
            sync = await syncs.one(db, *hold.sync)
            if sync and sync.crashes >= MOST_CRASHES:
                raise CannotGoOn(GIVEN_UP)
            left = await self._time_left(db, hold)
            connection, client = await self._connected(db, hold)
        try:
            # In a task of its own: a group that fails in this one would leave a cancellation behind,
            # and up to Python 3.11.3 no time-out is told from that.
            reading = self._read_and_publish(hold, connection, client)
            await asyncio.wait_for(reading, left.total_seconds())
        except TimeoutError:
            hours = LONGEST // timedelta(hours=1)
            raise CannotGoOn(f"Anypoint was not read to the end within {hours} hours.") from None

    async def _time_left(self, db: DB, hold: Hold) -> timedelta:
        sync = await syncs.one(db, *hold.sync)
        if sync is None or sync.started_at is None:
            raise leases.Fenced
        return sync.started_at + LONGEST - await jobs.database_time(db)

    async def _connected(self, db: DB, hold: Hold) -> tuple[Connection, AnypointClient]:
        where = (db, hold.site_id, hold.space_id)
        connection = await connections.current(*where)
        secret = await connections.client_secret(*where, self._keyring)
        if connection is None or secret is None:
            raise CannotGoOn("The credentials for Anypoint were removed.")
        base_url = self._control_planes.get(connection.control_plane)
        if base_url is None:
            raise CannotGoOn("The connection's control plane is no longer configured.")
        key = await sites.fingerprint_key(db, hold.site_id, self._keyring)
        return connection, self._client(base_url, connection.client_id, secret, key)

    async def _read_and_publish(
        self, hold: Hold, connection: Connection, client: AnypointClient
    ) -> None:
        reading = SyncReading(
            self._database,
            hold,
            connection,
            client,
            concurrency=self._concurrency,
            now=self._now,
        )
        await reading.run()
        await publish(self._database, *hold.fence, self._now())
        await self._schedule.set_next(hold.site_id, hold.space_id)

    async def _beat(self, hold: Hold) -> bool:
        async with self._database.transaction(hold.site_id) as db:
            return await leases.beat(db, *hold.fence, self._lease_seconds)

    async def _leave(self, hold: Hold) -> None:
        """Stop at once; should the sync not be over, see to it that somebody looks after it."""
        log.info("sync is over or in other hands", extra=said(hold))
        metrics.LATE_WRITES.inc()
        async with self._database.transaction(hold.site_id) as db:
            await self._look_again(db, *hold.sync)

    async def _release(self, hold: Hold) -> None:
        try:
            async with self._database.transaction(hold.site_id) as db:
                await leases.release(db, *hold.fence)
        except Unavailable:
            log.warning("lease not released, it will run out", extra=said(hold))

    async def _park(self, hold: Hold, error: Throttled) -> None:
        wait = max(error.until - self._now(), timedelta(seconds=1))
        async with self._database.transaction(hold.site_id) as db:
            ends_in_time = wait < await self._time_left(db, hold)
            if ends_in_time:
                await leases.park(db, *hold.fence, error.message)
                await self._queue.enqueue_sync(db, *hold.sync, wait)
        if not ends_in_time:
            await self._fail(hold, error)

    async def _fail(self, hold: Hold, error: AppError) -> None:
        async with self._database.transaction(hold.site_id) as db:
            where = (db, hold.site_id, hold.space_id)
            await holding.connection(*where)
            connection = await connections.current(*where)
            await leases.fail(db, *hold.fence, error.message)
            if connection and isinstance(error, CredentialsRefused):
                await connections.mark_refused(*where, connection.version, self._now())
        await self._schedule.set_next(hold.site_id, hold.space_id)

    async def _count(self, hold: Hold) -> None:
        async with self._database.transaction(hold.site_id) as db:
            sync = await syncs.one(db, *hold.sync)
        if sync is None or sync.attempt != hold.attempt or sync.finished_at is None:
            return
        metrics.SYNCS.labels(sync.state).inc()
        metrics.SYNC_ATTEMPTS.observe(sync.attempt)
        for environment in sync.environments:
            metrics.SYNC_ENVIRONMENTS.labels(environment.outcome).inc()
        seconds = 0.0
        if sync.started_at is not None:
            seconds = max(0.0, (sync.finished_at - sync.started_at).total_seconds())
            metrics.SYNC_SECONDS.observe(seconds)
        fields = {"state": sync.state, "seconds": round(seconds, 1), "requests": sync.requests}
        log.info("sync ended", extra=said(hold, **fields))


def said(hold: Hold, **fields: object) -> dict[str, object]:
    """Return what a log record says of a sync."""
    return {"fields": {"sync": hold.sync_id, "attempt": hold.attempt, **fields}}
