"""A worker inside this process: started again when it ends by itself, dismissed with care."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.sync.queue import Queue

log = logging.getLogger(__name__)

HANDOVER_SECONDS = 5.0
"""How long a stopping worker lets a job go on before it hands it over."""

LEAVING_SECONDS = 9.0
"""How long a stopping process waits for its worker; a database that is away ends the patience."""

RESTART_SECONDS = 1.0


@asynccontextmanager
async def working(queue: Queue, jobs: int) -> AsyncIterator[None]:
    """Run jobs meanwhile; in the end those under way are handed over."""
    worker = asyncio.create_task(_work(queue, jobs))
    try:
        yield
    finally:
        worker.cancel()
        await asyncio.wait([worker], timeout=LEAVING_SECONDS)


async def _work(queue: Queue, jobs: int) -> None:
    while True:
        try:
            await queue.work(jobs, HANDOVER_SECONDS)
        except Exception:
            # The edge of all jobs: a web process must not silently lose its inner worker.
            log.exception("the worker ended, starting it again")
            await asyncio.sleep(RESTART_SECONDS)
