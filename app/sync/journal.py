"""Where a reading is written: each call is one short transaction that checks the lease."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.caller import SiteId, SpaceId
from app.store import leases, readings, sections
from app.store.database import DB, Database
from app.store.readings import Reading
from app.store.syncs import Outcome, Sync


@dataclass(slots=True)
class Batch:
    """What was read and not yet written: rows, and the bodies of sections not kept before."""

    rows: list[Reading] = field(default_factory=list)
    bodies: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the reading of one environment ended; a failed one says no more than why."""

    outcome: Outcome
    reason: str | None
    read_at: datetime | None = None
    instances: int = 0
    automated_digest: bytes | None = None
    automated_unread: str | None = None


@dataclass(slots=True)
class Count:
    """How far one environment is, in instances."""

    listed: int = 0
    is_whole: bool = False
    done: int = 0


class Journal:
    """Writes one attempt's batches, marks and progress."""

    def __init__(
        self,
        database: Database,
        site_id: SiteId,
        space_id: SpaceId,
        sync_id: str,
        attempt: int,
        requests: Callable[[], int],
    ) -> None:
        self._database = database
        self._where = (site_id, space_id, sync_id, attempt)
        self._requests = requests
        self._counts: dict[str, Count] = {}
        self._one_at_a_time = asyncio.Lock()

    def resume(self, sync: Sync) -> None:
        """Take over the counts of environments that an earlier attempt has finished."""
        earlier = sync.requests
        made = self._requests
        self._requests = lambda: earlier + made()
        for environment in sync.environments:
            n = environment.instances if environment.finished else 0
            self._counts[environment.id] = Count(n, environment.finished, n)

    def listed(self, environment_id: str, instances: int, *, is_whole: bool) -> None:
        """Note how many instances are known of an environment; shown with the next batch."""
        count = self._counts.setdefault(environment_id, Count())
        count.listed, count.is_whole = instances, is_whole

    async def begin(self, environment_id: str) -> None:
        """Forget what an earlier attempt read of an environment that it did not finish."""
        site_id, space_id, sync_id, attempt = self._where
        async with self._database.transaction(site_id) as db:
            await readings.discard(db, site_id, space_id, sync_id, attempt, environment_id)

    async def save(self, environment_id: str, batch: Batch) -> None:
        """Write a batch."""
        self._counts[environment_id].done += len(batch.rows)
        await self._write(batch, None)

    async def finish(self, environment_id: str, batch: Batch, ending: Ending) -> None:
        """Write the last batch and the environment's mark, together."""
        self._counts[environment_id] = Count(ending.instances, True, ending.instances)
        await self._write(batch, (environment_id, ending))

    async def _write(self, batch: Batch, mark: tuple[str, Ending] | None) -> None:
        site_id, space_id, sync_id, attempt = self._where
        async with self._one_at_a_time, self._database.transaction(site_id) as db:
            # First of all: it takes the sync's row, so that no two writers wait for each other.
            await leases.progress(
                db, *self._where, done=self._done, total=self._total, requests=self._requests()
            )
            if batch.bodies:
                await sections.save(db, site_id, batch.bodies)
            if batch.rows:
                await readings.save(db, site_id, space_id, sync_id, attempt, batch.rows)
            if mark:
                await self._mark(db, *mark)

    async def _mark(self, db: DB, environment_id: str, ending: Ending) -> None:
        await leases.finish_environment(
            db,
            *self._where,
            environment_id,
            outcome=ending.outcome,
            reason=ending.reason,
            read_at=ending.read_at,
            instances=ending.instances,
            automated_digest=ending.automated_digest,
            automated_unread=ending.automated_unread,
        )

    @property
    def _done(self) -> int:
        return sum(count.done for count in self._counts.values())

    @property
    def _total(self) -> int | None:
        counts = self._counts.values()
        return sum(count.listed for count in counts) if all(c.is_whole for c in counts) else None
