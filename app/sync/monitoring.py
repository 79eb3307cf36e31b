"""What the operator sees of queue and data: counted anew every few seconds, served on loopback."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from prometheus_client import start_http_server

from app import metrics
from app.errors import BadConfiguration, Unavailable
from app.store import agenda, jobs
from app.store.database import Database

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
REFRESHED_SECONDS = 10.0
AGES_HOURS = (1, 6, 24, 36, 72, 168)


class Monitoring:
    """The metrics of this process, and of the queue that all of them share."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    @asynccontextmanager
    async def served(self, port: int | None) -> AsyncIterator[None]:
        """Serve the metrics meanwhile; without a port do nothing at all."""
        if port is None:
            yield
            return
        try:
            server, thread = start_http_server(port, LOOPBACK, metrics.REGISTRY)
        except OSError as error:
            raise BadConfiguration(f"PLUMBLINE_METRICS_PORT: {error.strerror}") from error
        refreshing = asyncio.create_task(self._refresh())
        try:
            yield
        finally:
            refreshing.cancel()
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            thread.join()

    async def _refresh(self) -> None:
        while True:
            try:
                await self.look()
            except Unavailable as error:
                log.warning("the queue cannot be looked at, its metrics are old: %s", error)
            await asyncio.sleep(REFRESHED_SECONDS)

    async def look(self) -> None:
        """Count what waits in the queue, and the spaces by the age of their data."""
        if problem := await self._database.schema_problem():
            raise Unavailable(problem)
        limits = [timedelta(hours=hours) for hours in AGES_HOURS]
        async with self._database.agenda() as db:
            depth, age = await jobs.depth(db)
            counts = await agenda.ages(db, self._now(), limits)
        metrics.QUEUE_DEPTH.set(depth)
        metrics.QUEUE_AGE.set(age)
        metrics.CONNECTIONS_IN_USE.set(self._database.in_use)
        for hours, count in zip((*AGES_HOURS, "+Inf"), counts, strict=True):
            metrics.SPACES_BY_AGE.labels(hours).set(count)
