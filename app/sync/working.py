"""A worker inside this process: started again when it ends by itself, dismissed with care."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from app.sync.queue import Queue

log = logging.getLogger(__name__)

HANDOVER_SECONDS = 5.0
"""How long a stopping worker lets a job go on before it hands it over."""

LEAVING_SECONDS = 9.0
"""How long a stopping process waits for its worker; a database that is away ends the patience."""

RESTART_SECONDS = 1.0

Problem = Callable[[], Awaitable[str | None]]
"""Asks why the database cannot serve now; None if it can."""


@asynccontextmanager
async def working(queue: Queue, jobs: int, problem: Problem) -> AsyncIterator[None]:
    """Run jobs meanwhile, from when the database can serve; in the end those under way are handed over."""
    worker = asyncio.create_task(_work(queue, jobs, problem))
    try:
        yield
    finally:
        worker.cancel()
        await asyncio.wait([worker], timeout=LEAVING_SECONDS)


async def _work(queue: Queue, jobs: int, problem: Problem) -> None:
    me = asyncio.current_task()
    assert me is not None
    while not me.cancelling():
        try:
            await _until_it_can_serve(problem)
            await queue.work(jobs, HANDOVER_SECONDS)
        except Exception:
            if me.cancelling():
                # Of all that ends in a farewell an error outlives the cancellation that began it.
                return
            # The edge of all jobs: a web process must not silently lose its inner worker.
            log.exception("the worker ended, starting it again")
            await asyncio.sleep(RESTART_SECONDS)


async def _until_it_can_serve(problem: Problem) -> None:
    # On the schema of an earlier release each job would fail, and be given up after some attempts.
    said = None
    while (found := await problem()) is not None:
        if found != said:
            log.warning("no job is begun: %s", found)
        said = found
        await asyncio.sleep(RESTART_SECONDS)
