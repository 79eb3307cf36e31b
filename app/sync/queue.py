"""The job queue on Postgres: its tasks, its schedule and the rescue of what a dead worker left."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job

from app.caller import SiteId, SpaceId
from app.store.database import DB, connection_options, driver_connection

log = logging.getLogger(__name__)

SYNCS = "syncs"
HOUSEKEEPING = "housekeeping"

POLL_SECONDS = 2.0
"""How long an announcement that was lost delays a job."""


class HandOver(BaseRetryStrategy):
    """A job that was cancelled by a stopping worker is for the next worker, at once."""

    def get_retry_decision(  # the library's signature
        self,
        *,
        exception: BaseException,
        job: Job,  # noqa: ARG002
    ) -> RetryDecision | None:
        """Answer yes to a cancellation and to nothing else."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        return None


@dataclass(frozen=True, slots=True)
class Chores:
    """What the queue's tasks do; each is given by `main`."""

    run_sync: Callable[[SiteId, SpaceId, str], Awaitable[None]]
    start_due_syncs: Callable[[], Awaitable[None]]


class Queue:
    """Jobs that carry ids only, kept in the same database and transactions as what they speak of."""

    def __init__(self, url: str, lease_seconds: int, *, pool_size: int = 4) -> None:
        """Take the app role's `postgresql://` URL; nothing is connected before `open`."""
        connector = PsycopgConnector(
            conninfo=url,
            kwargs={"options": connection_options(), "application_name": "plumbline jobs"},
            min_size=1,
            max_size=pool_size,
            timeout=5.0,
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
            await chores.run_sync(SiteId(site_id), SpaceId(space_id), sync_id)

        @self._app.periodic(cron="*/15 * * * * *")
        @self._app.task(name="start_due_syncs", queue=HOUSEKEEPING, queueing_lock="due")
        async def start_due_syncs(timestamp: int) -> None:  # noqa: ARG001 - the library's argument
            await chores.start_due_syncs()

        @self._app.periodic(cron="*/5 * * * * *")
        @self._app.task(name="rescue", queue=HOUSEKEEPING, queueing_lock="rescue")
        async def rescue(timestamp: int) -> None:  # noqa: ARG001 - the library's argument
            await self._rescue()

    async def enqueue_sync(
        self,
        db: DB,
        site_id: SiteId,
        space_id: SpaceId,
        sync_id: str,
        at: datetime | None = None,
    ) -> None:
        """Announce a sync in the caller's transaction, to be run at once or at a time."""
        options: dict[str, Any] = {"schedule_at": at} if at else {}
        deferrer = self._app.configure_task(
            "sync", queue=SYNCS, connection=await driver_connection(db), **options
        )
        await deferrer.defer_async(site_id=site_id, space_id=space_id, sync_id=sync_id)

    async def work(self, concurrency: int, shutdown_seconds: float) -> None:
        """Run jobs until cancelled; what runs then is handed over after `shutdown_seconds`."""
        await self._app.run_worker_async(
            queues=[SYNCS, HOUSEKEEPING],
            concurrency=concurrency,
            install_signal_handlers=False,
            shutdown_graceful_timeout=shutdown_seconds,
            fetch_job_polling_interval=POLL_SECONDS,
            abort_job_polling_interval=POLL_SECONDS,
            update_heartbeat_interval=self._lease_seconds / 3,
            stalled_worker_timeout=self._lease_seconds,
            delete_jobs="successful",
        )

    async def _rescue(self) -> None:
        """Put the jobs of workers that fell silent back; the library never does so by itself."""
        manager = self._app.job_manager
        stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=self._lease_seconds)
        for job in stalled:
            log.warning("taking over job %s of a worker that fell silent", job.id)
            await manager.retry_job(job)
