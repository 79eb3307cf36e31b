"""Reading one sync: every chosen environment side by side, written in small batches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from app.anypoint.client import AnypointClient, InstanceListing
from app.anypoint.errors import BadAnswer, CouldNotRead, Gone, Throttled
from app.posture.matching import api_key
from app.posture.model import Environment, Json, SectionName
from app.store.readings import Reading
from app.store.sections import Digests, canonical, digest_of
from app.store.syncs import Outcome
from app.sync.journal import Batch, Ending, Journal
from app.sync.together import first_of, together

BATCH_INSTANCES = 2000
"""How many instances are written in one transaction at most; a transaction has its price."""

BATCH_BYTES = 1 << 20
"""How much new text waits in memory to be written."""

BATCH_SECONDS = 1.0
"""How old what was read may become before it is written: people watch it, a crash costs no more."""

MOST_INSTANCES = 20_000
"""Instances of one environment that are read; a list that is longer is not what it seems."""

SECTIONS = (SectionName.POLICIES, SectionName.TIERS, SectionName.CONTRACTS)

Part = tuple[bytes | None, str | None]
"""The digest of a section that was read, or the reason why it was not."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One attempt's reading of one organisation."""

    client: AnypointClient
    organization_id: str
    journal: Journal
    known: set[bytes]
    now: Callable[[], datetime]
    concurrency: int

    async def read(self, environments: Mapping[int, Environment], *, is_first: bool) -> None:
        """Read the environments by position, earlier ones first; raise what ends the whole sync.

        Unless it is the first attempt, what earlier ones read of an environment is not read again.
        """
        async with together() as group:
            for position, environment in environments.items():
                earlier = None if is_first else await self.journal.earlier(environment.id)
                one = EnvironmentReader(self, position, environment, earlier)
                group.create_task(one.read())


class EnvironmentReader:
    """The reading of one environment: its list, its automated policies, its instances.

    `earlier` is what earlier attempts read whole, None in the first attempt.
    """

    def __init__(
        self,
        reader: Reader,
        position: int,
        environment: Environment,
        earlier: Mapping[int, bytes] | None,
    ) -> None:
        self._client = reader.client
        self._organization_id = reader.organization_id
        self._journal = reader.journal
        self._known = reader.known
        self._now = reader.now
        self._position = position
        self._environment = environment
        self._is_first = earlier is None
        self._earlier = earlier or {}
        self._ids: set[int] = set()
        self._batch = Batch()
        self._saved_at = asyncio.get_running_loop().time()
        self._reasons: list[str] = []
        # Bounds the instances in memory; the limiter alone would let them all queue.
        self._room = asyncio.Semaphore(2 * reader.concurrency)

    async def read(self) -> None:
        """Read everything of the environment and write its mark; its own trouble stays its own."""
        problem: str | None = None
        try:
            async with asyncio.TaskGroup() as group:
                automated = group.create_task(self._automated())
                group.create_task(self._instances())
        # Not `except*`, see `together`.
        except BaseExceptionGroup as errors:
            if graver := errors.split(CouldNotRead)[1]:
                raise graver from None
            if throttled := errors.subgroup(Throttled):
                # What was read before the wait need not be read again after it.
                await self._save()
                raise throttled from None
            problem = str(first_of(errors))
        if problem is not None:
            self._batch = Batch()
            await self._finish(Ending(Outcome.FAILED, problem))
            return
        kept, unread = automated.result()
        reason = " ".join(dict.fromkeys(self._reasons)) or None
        outcome = Outcome.PARTIAL if reason else Outcome.OK
        # Also where nothing was read whole before: what was read in part may have gone since.
        ids = None if self._is_first else self._ids
        await self._finish(
            Ending(outcome, reason, self._now(), len(self._ids), kept, unread, instance_ids=ids)
        )

    async def _finish(self, ending: Ending) -> None:
        batch, self._batch = self._batch, Batch()
        await self._journal.finish(self._environment.id, batch, ending)
        self._known |= batch.bodies.keys()

    async def _save(self) -> None:
        batch, self._batch = self._batch, Batch()
        self._saved_at = asyncio.get_running_loop().time()
        await self._journal.save(self._environment.id, batch)
        self._known |= batch.bodies.keys()

    async def _automated(self) -> Part:
        return await self._part(
            self._client.automated_policies(
                self._organization_id, self._environment, priority=self._position
            )
        )

    async def _instances(self) -> None:
        """Read page by page; the next one is asked for meanwhile, so that all are counted early."""
        pages = self._client.instances(
            self._organization_id, self._environment, priority=self._position
        )
        async with asyncio.TaskGroup() as group:
            page = await self._listed(pages)
            while page is not None:
                following = group.create_task(self._listed(pages))
                for listing in page:
                    await self._begin(group, listing)
                page = await following

    async def _listed(
        self, pages: AsyncIterator[Sequence[InstanceListing]]
    ) -> Sequence[InstanceListing] | None:
        """Return the next page of the list, which may have no instance; None behind the last one."""
        page: Sequence[InstanceListing] | None = None
        with suppress(StopAsyncIteration):
            page = await anext(pages)
        self._ids |= {listing.instance_id for listing in page or ()}
        if len(self._ids) > MOST_INSTANCES:
            raise BadAnswer(f"Anypoint lists more than {MOST_INSTANCES} API instances.")
        self._journal.listed(self._environment.id, len(self._ids), is_whole=page is None)
        return page

    async def _begin(self, group: asyncio.TaskGroup, listing: InstanceListing) -> None:
        facts = self._earlier.get(listing.instance_id)
        if facts is not None and facts == digest_of(canonical(listing.facts)):
            self._journal.found(self._environment.id)
            return
        await self._room.acquire()
        group.create_task(self._instance(listing))

    async def _instance(self, listing: InstanceListing) -> None:
        try:
            parts = await self._sections(listing)
        except Gone:
            # Deleted between the list and the detail: it is no longer there to be compared.
            self._ids.discard(listing.instance_id)
            return
        finally:
            self._room.release()
        named = dict(zip(SECTIONS, parts, strict=True))
        self._batch.rows.append(
            Reading(
                environment_id=self._environment.id,
                instance_id=listing.instance_id,
                api_key=api_key(listing.facts),
                digests=Digests(self._keep(listing.facts), *(part[0] for part in parts)),
                unread={name: part[1] for name, part in named.items() if part[1] is not None},
                url=listing.url,
            )
        )
        if self._is_due:
            await self._save()

    @property
    def _is_due(self) -> bool:
        """Whether what was read is enough, or has waited long enough, to be written."""
        batch, waited = self._batch, asyncio.get_running_loop().time() - self._saved_at
        is_full = len(batch.rows) >= BATCH_INSTANCES or batch.size >= BATCH_BYTES
        return is_full or waited >= BATCH_SECONDS

    async def _sections(self, listing: InstanceListing) -> tuple[Part, Part, Part]:
        """Read the three lists of an instance; raise `Gone` where it has vanished."""
        where = (self._organization_id, self._environment, listing.instance_id)
        priority = self._position
        active = listing.facts["active_contracts"]
        return await asyncio.gather(
            self._part(self._client.policies(*where, priority=priority)),
            self._part(self._client.tiers(*where, priority=priority)),
            self._part(self._client.contracts(*where, active_contracts=active, priority=priority)),
        )

    async def _part(self, reading: Awaitable[Json]) -> Part:
        try:
            return self._keep(await reading), None
        except (Gone, Throttled):
            raise
        except CouldNotRead as error:
            self._reasons.append(error.message)
            return None, error.message

    def _keep(self, body: Json) -> bytes:
        encoded = canonical(body)
        name = digest_of(encoded)
        if name not in self._known:
            self._batch.keep(name, encoded)
        return name
