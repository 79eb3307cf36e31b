"""Holding a sync: a lease renewed in database time, lost by whoever falls silent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from app.store.leases import Fenced


@asynccontextmanager
async def held(beat: Callable[[], Awaitable[bool]], lease_seconds: int) -> AsyncIterator[None]:
    """Renew a lease while the body runs; cancel the body and raise `Fenced` once it is lost."""
    body = asyncio.current_task()
    lost = False

    async def renew() -> None:
        nonlocal lost
        while not lost:
            await asyncio.sleep(lease_seconds / 3)
            lost = not await beat()
        if body:
            body.cancel()

    renewal = asyncio.create_task(renew())
    try:
        yield
    except asyncio.CancelledError:
        if lost and body:
            body.uncancel()
            raise Fenced from None
        raise
    finally:
        renewal.cancel()
        await asyncio.gather(renewal, return_exceptions=True)
