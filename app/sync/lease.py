"""Holding a sync: a lease renewed in database time, lost by whoever falls silent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.caller import SiteId, SpaceId
from app.errors import AppError, Unavailable
from app.store.leases import Fenced

MOST_SECONDS_BETWEEN_BEATS = 2.0
"""Also how long the reading of a cancelled or uninstalled connection may go on."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A sync that this worker has taken, and the attempt by which it may write."""

    site_id: SiteId
    space_id: SpaceId
    sync_id: str
    attempt: int

    @property
    def sync(self) -> tuple[SiteId, SpaceId, str]:
        """Which sync it is."""
        return self.site_id, self.space_id, self.sync_id

    @property
    def fence(self) -> tuple[SiteId, SpaceId, str, int]:
        """What every write names."""
        return self.site_id, self.space_id, self.sync_id, self.attempt


@asynccontextmanager
async def held(beat: Callable[[], Awaitable[bool]], lease_seconds: float) -> AsyncIterator[None]:
    """Renew a lease while the body runs, and cancel the body once it is lost.

    Raises `Fenced` when the sync is in other hands or over, and `Unavailable` when the database
    was away for so long that it may be.
    """
    body = asyncio.current_task()
    assert body is not None
    lost: AppError | None = None

    async def renew() -> None:
        nonlocal lost
        lost = await _loss(beat, lease_seconds)
        body.cancel()

    renewal = asyncio.create_task(renew())
    try:
        yield
    except asyncio.CancelledError:
        if lost is None:
            raise
        body.uncancel()
        raise lost from None
    finally:
        renewal.cancel()
        await asyncio.gather(renewal, return_exceptions=True)


async def _loss(beat: Callable[[], Awaitable[bool]], lease_seconds: float) -> AppError:
    """Renew again and again; return why the lease is lost, a hiccup of the database aside."""
    loop = asyncio.get_running_loop()
    lasts_until = loop.time() + lease_seconds
    while True:
        await asyncio.sleep(min(lease_seconds / 3, MOST_SECONDS_BETWEEN_BEATS))
        asked_at = loop.time()
        # One more question after a long sleep: a stopped process may have lost nothing.
        is_held = await _asked(beat, max(lasts_until, asked_at + 1))
        if is_held is False:
            return Fenced()
        if is_held:
            lasts_until = asked_at + lease_seconds
        elif loop.time() >= lasts_until:
            return Unavailable("The database was away for longer than a sync may be held.")


async def _asked(beat: Callable[[], Awaitable[bool]], until: float) -> bool | None:
    """Return whether the sync is still held, or None if there was no answer in time."""
    try:
        async with asyncio.timeout_at(until):
            return await beat()
    except (Unavailable, TimeoutError):
        return None
