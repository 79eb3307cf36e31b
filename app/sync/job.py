"""One sync as a job: take it, read what is not read yet, publish, and set the next date."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from app.anypoint.client import AnypointClient
from app.anypoint.errors import CouldNotRead, CredentialsRefused, Throttled
from app.caller import SiteId, SpaceId
from app.errors import AppError
from app.posture.model import Environment
from app.store import agenda, connections, leases, sections, sites, syncs
from app.store.connections import Connection
from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.collect import Reader
from app.sync.connecting import DESIGN, ClientFactory
from app.sync.journal import Journal
from app.sync.lease import held
from app.sync.publish import publish
from app.sync.queue import Queue
from app.sync.service import SyncService

log = logging.getLogger(__name__)

JITTER = 0.1
"""Share of the interval by which a space's next sync is moved, so that not all come at once."""


Confirming = asyncio.Task[tuple[str, tuple[Environment, ...]]]
"""Anypoint's own word on the organisation and its environments, on its way."""


@dataclass(frozen=True, slots=True)
class Task:
    """A sync that this worker holds: which one, by which attempt, with which connection."""

    site_id: SiteId
    space_id: SpaceId
    sync_id: str
    attempt: int
    connection: Connection
    client: AnypointClient


class SyncJobs:
    """What the queue's tasks run."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        queue: Queue,
        syncs_service: SyncService,
        control_planes: Mapping[str, str],
        client: ClientFactory,
        concurrency: int,
        lease_seconds: int,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._queue = queue
        self._syncs = syncs_service
        self._control_planes = control_planes
        self._client = client
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._now = now

    async def run(self, site_id: SiteId, space_id: SpaceId, sync_id: str) -> None:
        """Bring a sync to its end, or leave it to whoever holds it or comes later."""
        task = await self._taken(site_id, space_id, sync_id)
        if task is None:
            return
        try:
            async with held(lambda: self._beat(task), self._lease_seconds):
                await self._read_and_publish(task)
        except leases.Fenced:
            log.info("sync %s is in other hands or has ended", sync_id)
        except Throttled as error:
            await self._park(task, error)
        except (CredentialsRefused, CouldNotRead) as error:
            await self._fail(task, error)
        except BaseException:
            # Stopped or broken: a successor need not wait for the lease to run out.
            await self._release(task)
            raise

    async def start_due(self) -> None:
        """Start the syncs that are due, each once, whoever else looks at the agenda now."""
        now = self._now()
        async with self._database.agenda() as db:
            due = await agenda.due_syncs(db, now)
        for entry in due:
            await self._start(entry, now)

    async def _start(self, entry: agenda.Due, now: datetime) -> None:
        async with self._database.transaction(entry.site_id) as db:
            connection = await connections.current(db, entry.site_id, entry.space_id)
            if connection is None or connection.refused_at is not None:
                await agenda.schedule(db, entry.site_id, entry.space_id, None)
                return
            following = next_date(now, connection.sync_interval_hours)
            if await agenda.claim(db, entry.site_id, entry.space_id, entry.due_at, following):
                await self._syncs.request(db, entry.site_id, entry.space_id, None)

    async def _taken(self, site_id: SiteId, space_id: SpaceId, sync_id: str) -> Task | None:
        """Take the sync; if a living worker holds it, look again when its lease could be over."""
        async with self._database.transaction(site_id) as db:
            attempt = await leases.begin(db, site_id, space_id, sync_id, self._lease_seconds)
            if attempt is None:
                await self._look_again(site_id, space_id, sync_id)
                return None
            connection = await connections.current(db, site_id, space_id)
            secret = await connections.client_secret(db, site_id, space_id, self._keyring)
            key = await sites.fingerprint_key(db, site_id, self._keyring)
            base_url = self._control_planes.get(connection.control_plane) if connection else None
            if connection is None or secret is None or base_url is None:
                reason = "The connection's control plane is no longer configured."
                await leases.fail(db, site_id, space_id, sync_id, attempt, reason)
                return None
        client = self._client(base_url, connection.client_id, secret, key)
        return Task(site_id, space_id, sync_id, attempt, connection, client)

    async def _look_again(self, site_id: SiteId, space_id: SpaceId, sync_id: str) -> None:
        async with self._database.transaction(site_id) as db:
            found = await syncs.one(db, site_id, space_id, sync_id)
            if found and found.state in {syncs.State.QUEUED, syncs.State.RUNNING}:
                at = self._now() + timedelta(seconds=self._lease_seconds)
                await self._queue.enqueue_sync(db, site_id, space_id, sync_id, at)

    async def _read_and_publish(self, task: Task) -> None:
        organization_id, environments, confirming = await self._ground(task)
        try:
            journal = await self._read(task, organization_id, environments)
            _, listed = await confirming
        finally:
            confirming.cancel()
        added = tuple(item for item in listed if item not in environments)
        if added:
            await self._read(task, organization_id, (*environments, *added), journal)
        where = (task.site_id, task.space_id, task.sync_id, task.attempt)
        await publish(self._database, *where, self._now())
        await self._set_next_date(task)

    async def _read(
        self,
        task: Task,
        organization_id: str,
        environments: tuple[Environment, ...],
        journal: Journal | None = None,
    ) -> Journal:
        """Read the environments that nobody has finished yet; return the journal for more."""
        where = (task.site_id, task.space_id, task.sync_id)
        async with self._database.transaction(task.site_id) as db:
            await leases.save_environments(db, *where, task.attempt, environments)
            sync = await syncs.one(db, *where)
            current = await sections.known_digests(db, task.site_id, task.space_id)
        assert sync is not None
        known = frozenset(name for digests in current.values() for name in astuple(digests) if name)
        if journal is None:
            journal = Journal(self._database, *where, task.attempt, lambda: task.client.requests)
            journal.resume(sync)
        reader = Reader(
            client=task.client,
            organization_id=organization_id,
            journal=journal,
            known_digests=known,
            now=self._now,
            concurrency=self._concurrency,
        )
        finished = {environment.id for environment in sync.environments if environment.finished}
        pending = {at: env for at, env in enumerate(environments) if env.id not in finished}
        if task.attempt > 1:
            for environment in pending.values():
                await journal.begin(environment.id)
        await reader.read(pending)
        return journal

    async def _ground(self, task: Task) -> tuple[str, tuple[Environment, ...], Confirming]:
        """Return organisation and environments at once if they are kept, else as Anypoint says.

        What is kept is confirmed beside the reading: the answers cost a round trip each.
        """
        confirming = asyncio.create_task(self._confirmed(task))
        connection = task.connection
        if connection.organization_id and connection.environments:
            return connection.organization_id, connection.environments, confirming
        organization_id, environments = await confirming
        return organization_id, environments, confirming

    async def _confirmed(self, task: Task) -> tuple[str, tuple[Environment, ...]]:
        """Ask Anypoint for organisations and environments, and keep what it says."""
        organizations = await task.client.organizations(task.connection.organization_id)
        organization_id = task.connection.organization_id or organizations[0].id
        listed = await task.client.environments(organization_id)
        chosen = chosen_environments(task.connection.environment_ids, listed)
        names = {item.id: item.name for item in organizations}
        async with self._database.transaction(task.site_id) as db:
            where = (db, task.site_id, task.space_id)
            await leases.fence(*where, task.sync_id, task.attempt)
            await connections.keep_environments(*where, chosen)
            await connections.keep_group_names(*where, names)
            await connections.keep_organization(
                *where, organization_id, names.get(organization_id, organization_id)
            )
        return organization_id, chosen

    async def _beat(self, task: Task) -> bool:
        async with self._database.transaction(task.site_id) as db:
            return await leases.beat(
                db, task.site_id, task.space_id, task.sync_id, task.attempt, self._lease_seconds
            )

    async def _release(self, task: Task) -> None:
        async with self._database.transaction(task.site_id) as db:
            await leases.release(db, task.site_id, task.space_id, task.sync_id, task.attempt)

    async def _park(self, task: Task, error: Throttled) -> None:
        async with self._database.transaction(task.site_id) as db:
            where = (db, task.site_id, task.space_id, task.sync_id)
            await leases.park(*where, task.attempt, error.message)
            await self._queue.enqueue_sync(*where, error.until)

    async def _fail(self, task: Task, error: AppError) -> None:
        async with self._database.transaction(task.site_id) as db:
            where = (db, task.site_id, task.space_id)
            await leases.fail(*where, task.sync_id, task.attempt, error.message)
            if isinstance(error, CredentialsRefused):
                await connections.mark_refused(*where, task.connection.version, self._now())
                await agenda.schedule(*where, None)
        await self._set_next_date(task)

    async def _set_next_date(self, task: Task) -> None:
        async with self._database.transaction(task.site_id) as db:
            connection = await connections.current(db, task.site_id, task.space_id)
            if connection and connection.refused_at is None:
                following = next_date(self._now(), connection.sync_interval_hours)
                await agenda.schedule(db, task.site_id, task.space_id, following)


def chosen_environments(
    ids: tuple[str, ...] | None, listed: Sequence[Environment]
) -> tuple[Environment, ...]:
    """Return the chosen environments that are still there; without a choice all but `design`."""
    if ids is None:
        return tuple(item for item in listed if item.type != DESIGN)
    found = {item.id: item for item in listed}
    return tuple(found[id_] for id_ in ids if id_ in found)


def next_date(now: datetime, interval_hours: int) -> datetime:
    """Return when a space is synced next: after its interval, less a little by chance."""
    seconds = interval_hours * 3600
    return now + timedelta(seconds=seconds * (1 - random.random() * JITTER))  # noqa: S311
