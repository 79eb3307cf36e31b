"""The job queue on Postgres: its tasks, its schedule and the rescue of what a dead worker left."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

from app import metrics
from app.caller import SiteId, SpaceId
from app.errors import Unavailable
from app.store import jobs
from app.store.database import DB, driver_connection
from app.store.engine import connection_options
from app.store.silence import WATCHED
from app.sync.connector import PatientConnector

log = logging.getLogger(__name__)

SYNCS = "syncs"
HOUSEKEEPING = "housekeeping"

POLL_SECONDS = 1.0
"""How long an announcement that was lost delays a job."""

AWAY_SECONDS = 1.0
"""How long a job that met no database waits before it is put back."""

AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""A time that is past by every clock: a worker's own may be hours off."""


class HandOver(BaseRetryStrategy):
    """A job that its worker could not end for reasons of its own is for the next worker, at once."""

    def get_retry_decision(  # the library's signature
        self,
        *,
        exception: BaseException,
        job: Job,  # noqa: ARG002
    ) -> RetryDecision | None:
        """Answer yes to a stopping worker and to a database that is away, to nothing else."""
        if isinstance(exception, asyncio.CancelledError | Unavailable):
            return RetryDecision(retry_at=AT_ONCE)
        return None


@dataclass(frozen=True, slots=True)
class Chores:
    """What the queue's tasks do; each is given by `main`."""

    run_sync: Callable[[SiteId, SpaceId, str], Awaitable[None]]
    start_due_syncs: Callable[[], Awaitable[None]]
    purge: Callable[[], Awaitable[None]]
    rescue: Callable[[], Awaitable[None]]


class Queue:
    """Jobs that carry ids only, kept in the same database and transactions as what they speak of."""

    def __init__(self, url: str, lease_seconds: int, *, pool_size: int = 4) -> None:
        """Take the app role's `postgresql://` URL; nothing is connected before `open`."""
        connector = PatientConnector(
            conninfo=url,
            kwargs={
                "options": connection_options(),
                "application_name": "plumbline jobs",
                **WATCHED,
            },
            min_size=1,
            max_size=pool_size,
            timeout=4.0,
        )
        self._app = App(connector=connector)
        self._lease_seconds = lease_seconds

    async def open(self) -> None:
        """Connect."""
        await self._app.open_async()

    async def close(self) -> None:
        """Disconnect."""
        await self._app.close_async()

    def register(self, chores: Chores) -> None:
        """Say what each task does; called once, before working."""

        @self._app.task(name="sync", queue=SYNCS, retry=HandOver())
        async def sync(site_id: str, space_id: str, sync_id: str) -> None:
            try:
                await chores.run_sync(SiteId(site_id), SpaceId(space_id), sync_id)
            except Unavailable:
                await asyncio.sleep(AWAY_SECONDS)
                raise

        @self._app.periodic(cron="* * * * * */10")
        @self._app.task(name="start_due_syncs", queue=HOUSEKEEPING, queueing_lock="due")
        async def start_due_syncs(timestamp: int) -> None:  # noqa: ARG001 - the library's argument
            await chores.start_due_syncs()

        @self._app.periodic(cron="17 * * * *")
        @self._app.task(name="purge", queue=HOUSEKEEPING, queueing_lock="purge")
        async def purge(timestamp: int) -> None:  # noqa: ARG001 - the library's argument
            await chores.purge()

        @self._app.periodic(cron="* * * * * */2")
        @self._app.task(name="rescue", queue=HOUSEKEEPING, queueing_lock="rescue")
        async def rescue(timestamp: int) -> None:  # noqa: ARG001 - the library's argument
            await chores.rescue()

    async def enqueue_sync(
        self,
        db: DB,
        site_id: SiteId,
        space_id: SpaceId,
        sync_id: str,
        after: timedelta | None = None,
    ) -> None:
        """Announce a sync in the caller's transaction, to be run at once or after a while.

        It goes behind as many others as its own site has waiting, so that sites take turns.
        """
        at = await jobs.database_time(db) + after if after else None
        try:
            await self._enqueue(db, site_id, space_id, sync_id, at)
        except ConnectorException as error:
            raise Unavailable("The sync could not be queued. Try again in a moment.") from error

    async def _enqueue(
        self, db: DB, site_id: SiteId, space_id: SpaceId, sync_id: str, at: datetime | None
    ) -> None:
        deferrer = self._app.configure_task(
            "sync",
            queue=SYNCS,
            connection=await driver_connection(db),
            priority=-await jobs.of_site(db, site_id),
            schedule_at=at,
        )
        await deferrer.defer_async(site_id=site_id, space_id=space_id, sync_id=sync_id)

    async def work(self, concurrency: int, shutdown_seconds: float) -> None:
        """Run jobs until cancelled; what runs then is handed over soon.

        Housekeeping has a worker of its own: syncs that take long must not keep a rescue waiting.
        """
        # A stopping worker sends no heartbeats: it must be gone before it looks silent.
        grace = min(shutdown_seconds, self._lease_seconds / 2)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work_on(SYNCS, concurrency, grace))
            group.create_task(self._work_on(HOUSEKEEPING, 1, grace))

    async def _work_on(self, queue: str, concurrency: int, shutdown_seconds: float) -> None:
        with metrics.WORKERS.track_inprogress():
            await self._app.run_worker_async(
                queues=[queue],
                name=queue,
                concurrency=concurrency,
                install_signal_handlers=False,
                listen_notify=queue == SYNCS,
                shutdown_graceful_timeout=shutdown_seconds,
                fetch_job_polling_interval=POLL_SECONDS,
                abort_job_polling_interval=60.0,
                update_heartbeat_interval=self._lease_seconds / 3,
                stalled_worker_timeout=10 * self._lease_seconds,
                delete_jobs="successful",
            )
        # The library ends a worker whose side task failed without a word.
        raise WorkerEnded


class WorkerEnded(Unavailable):
    """A worker ended although nobody asked it to: it is started again."""

    code = "worker_ended"
    message = "A worker ended by itself."
