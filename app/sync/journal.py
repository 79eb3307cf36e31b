"""Where a reading is written: each call is one short transaction that checks the lease."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from app.store import leases, marks, readings, sections
from app.store.database import DB, Database
from app.store.readings import Reading
from app.store.syncs import Outcome, Sync
from app.sync.lease import Hold


@dataclass(slots=True)
class Batch:
    """What was read and not yet written: rows, and the bodies of sections not kept before."""

    rows: list[Reading] = field(default_factory=list)
    bodies: dict[bytes, bytes] = field(default_factory=dict)
    size: int = 0
    """Bytes of the bodies."""

    def keep(self, digest: bytes, body: bytes) -> None:
        """Add a body once."""
        if digest not in self.bodies:
            self.bodies[digest] = body
            self.size += len(body)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the reading of one environment ended; a failed one says no more than why."""

    outcome: Outcome
    reason: str | None
    read_at: datetime | None = None
    instances: int = 0
    automated_digest: bytes | None = None
    automated_unread: str | None = None
    instance_ids: Collection[int] | None = None
    """What is there now, where an earlier attempt may have read what has gone since."""


@dataclass(slots=True)
class Count:
    """How far one environment is, in instances."""

    listed: int = 0
    is_whole: bool = False
    done: int = 0


class Journal:
    """Writes one attempt's batches, marks and progress."""

    def __init__(self, database: Database, hold: Hold, requests: Callable[[], int]) -> None:
        self._database = database
        self._hold = hold
        self._requests = requests
        self._earlier_requests: int | None = None
        self._counts: dict[str, Count] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._one_at_a_time = asyncio.Lock()

    def resume(self, sync: Sync) -> None:
        """Take over the counts of environments that an earlier attempt has finished."""
        if self._earlier_requests is None:
            self._earlier_requests = sync.requests
        for environment in sync.environments:
            n = environment.instances if environment.finished else 0
            self._counts[environment.id] = Count(n, environment.finished, n)
            self._outcomes[environment.id] = environment.outcome

    @property
    def has_read_anything(self) -> bool:
        """Whether some environment was read, if only in part."""
        return not {Outcome.OK, Outcome.PARTIAL}.isdisjoint(self._outcomes.values())

    def listed(self, environment_id: str, instances: int, *, is_whole: bool) -> None:
        """Note how many instances are known of an environment; shown with the next batch."""
        count = self._counts.setdefault(environment_id, Count())
        count.listed, count.is_whole = instances, is_whole

    async def earlier(self, environment_id: str) -> dict[int, bytes]:
        """Return the facts' digests of what earlier attempts read whole of an environment."""
        async with self._database.transaction(self._hold.site_id) as db:
            return await readings.whole(db, *self._hold.sync, environment_id)

    def found(self, environment_id: str) -> None:
        """Count an instance that an earlier attempt has read."""
        self._counts[environment_id].done += 1

    async def save(self, environment_id: str, batch: Batch) -> None:
        """Write a batch."""
        self._counts[environment_id].done += len(batch.rows)
        await self._write(environment_id, batch, None)

    async def finish(self, environment_id: str, batch: Batch, ending: Ending) -> None:
        """Write the last batch and the environment's mark, together."""
        self._counts[environment_id] = Count(ending.instances, True, ending.instances)
        self._outcomes[environment_id] = ending.outcome
        await self._write(environment_id, batch, ending)

    async def _write(self, environment_id: str, batch: Batch, ending: Ending | None) -> None:
        hold = self._hold
        async with self._one_at_a_time, self._database.transaction(hold.site_id) as db:
            # First of all: it takes the sync's row, so that no two writers wait for each other.
            await leases.progress(
                db, *hold.fence, done=self._done, total=self._total, requests=self._sent
            )
            if batch.bodies:
                await sections.save(db, hold.site_id, batch.bodies)
            if batch.rows:
                await readings.save(db, *hold.fence, batch.rows)
            if ending is None:
                done = self._counts[environment_id].done
                await marks.listed(db, *hold.fence, environment_id, done)
            else:
                await self._mark(db, environment_id, ending)

    async def _mark(self, db: DB, environment_id: str, ending: Ending) -> None:
        await marks.finish_environment(
            db,
            *self._hold.fence,
            environment_id,
            outcome=ending.outcome,
            reason=ending.reason,
            read_at=ending.read_at,
            instances=ending.instances,
            automated_digest=ending.automated_digest,
            automated_unread=ending.automated_unread,
        )

        if ending.instance_ids is not None:
            await readings.keep_only(db, *self._hold.fence, environment_id, ending.instance_ids)

    @property
    def _sent(self) -> int:
        return (self._earlier_requests or 0) + self._requests()

    @property
    def _done(self) -> int:
        return sum(count.done for count in self._counts.values())

    @property
    def _total(self) -> int | None:
        counts = self._counts.values()
        return sum(count.listed for count in counts) if all(c.is_whole for c in counts) else None
