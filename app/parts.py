"""What both `serve` and `worker` are made of: settings in, joined parts out."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypedDict

import httpx

from app import metrics, outgoing
from app.anypoint.auth import Credentials
from app.anypoint.client import AnypointClient
from app.anypoint.limiter import Gates, Limiter
from app.connect.descriptor import app_key
from app.connect.removed_spaces import RemovedSpaces
from app.forge.lifecycle import ForgeLifecycle
from app.settings import Settings, parse_keys
from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.connecting import ConnectionService
from app.sync.job import SyncJobs
from app.sync.monitoring import Monitoring
from app.sync.queue import Chores, Queue
from app.sync.refreshing import RefreshService
from app.sync.retention import Retention
from app.sync.schedule import Schedule
from app.sync.service import SyncService


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


class Reading(TypedDict):
    """What everybody needs who reads from Anypoint for a space."""

    database: Database
    keyring: Keyring
    control_planes: Mapping[str, str]
    client: Callable[[str, str, str, bytes], AnypointClient]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Parts:
    """The joined parts that both `serve` and `worker` need."""

    settings: Settings
    database: Database
    keyring: Keyring
    queue: Queue
    http: httpx.AsyncClient
    syncs: SyncService
    connections: ConnectionService
    refreshes: RefreshService
    monitoring: Monitoring
    forge_lifecycle: ForgeLifecycle
    removed_spaces: RemovedSpaces

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the queue's connections open, and give everything back in the end."""
        try:
            await self.queue.open()
            async with self.monitoring.served(self.settings.metrics_port):
                yield
        finally:
            await self.queue.close()
            await self.http.aclose()
            await self.database.close()


def join(settings: Settings) -> Parts:
    """Build the parts; the database and the keys must be named by now."""
    url = settings.database_url.get_secret_value()
    database = Database(url)
    keyring = Keyring(parse_keys(settings.encryption_keys.get_secret_value()))
    http = _outgoing(settings)
    reading = Reading(
        database=database,
        keyring=keyring,
        control_planes=settings.all_control_planes,
        client=partial(anypoint_client, settings, http, Gates()),
        now=utc_now,
    )
    queue = Queue(url, settings.lease_seconds)
    syncs = SyncService(database, queue, utc_now)
    parts = Parts(
        settings=settings,
        database=database,
        keyring=keyring,
        queue=queue,
        http=http,
        syncs=syncs,
        connections=ConnectionService(**reading, syncs_service=syncs),
        refreshes=RefreshService(**reading),
        monitoring=Monitoring(database, utc_now),
        forge_lifecycle=_forge_lifecycle(settings, database, keyring),
        removed_spaces=_removed_spaces(settings, database, keyring, http),
    )
    schedule = Schedule(database, syncs, utc_now)
    jobs = SyncJobs(
        **reading,
        queue=queue,
        schedule=schedule,
        concurrency=settings.sync_concurrency,
        lease_seconds=settings.lease_seconds,
    )
    queue.register(_chores(parts, schedule, jobs))
    return parts


def _chores(parts: Parts, schedule: Schedule, jobs: SyncJobs) -> Chores:
    """Return what workers do: syncs, what is due, what is to be purged, and rescues."""
    kept_for = timedelta(days=parts.settings.retention_days)
    retention = Retention(parts.database, kept_for, utc_now, parts.removed_spaces.is_gone)

    async def do_due() -> None:
        await schedule.start_due()
        await schedule.reopen_due()

    async def purge() -> None:
        await parts.forge_lifecycle.end_silent()
        await retention.purge()

    return Chores(jobs.run, do_due, purge, jobs.rescue)


def _removed_spaces(
    settings: Settings, database: Database, keyring: Keyring, http: httpx.AsyncClient
) -> RemovedSpaces:
    return RemovedSpaces(
        database=database,
        keyring=keyring,
        http=http,
        app_key=app_key(),
        retention=timedelta(days=settings.uninstall_retention_days),
        clock=utc_now,
    )


def _forge_lifecycle(settings: Settings, database: Database, keyring: Keyring) -> ForgeLifecycle:
    return ForgeLifecycle(
        database=database,
        keyring=keyring,
        uninstall_retention=timedelta(days=settings.uninstall_retention_days),
        silence=timedelta(days=settings.forge_silence_days),
        began_at=utc_now(),
        clock=utc_now,
    )


def _outgoing(settings: Settings) -> httpx.AsyncClient:
    http = outgoing.client(
        timeout=settings.request_timeout_seconds,
        operator_origins=settings.operator_origins,
    )
    hosts = {httpx.URL(url).host for url in settings.all_control_planes.values()}

    async def count(answer: httpx.Response) -> None:
        vendor = "anypoint" if answer.url.host in hosts else "atlassian"
        metrics.UPSTREAM_CALLS.labels(vendor, f"{answer.status_code // 100}xx").inc()

    http.event_hooks = {"response": [count]}
    return http


def anypoint_client(
    settings: Settings,
    http: httpx.AsyncClient,
    gates: Gates,
    base_url: str,
    client_id: str,
    client_secret: str,
    fingerprint_key: bytes,
) -> AnypointClient:
    """Return a client of one connection; those of one Connected App wait together."""
    credentials = Credentials(client_id, client_secret)
    return AnypointClient(
        http,
        base_url,
        credentials,
        limiter=Limiter(settings.sync_concurrency, gates.of(base_url, credentials.digest)),
        fingerprint_key=fingerprint_key,
        retry_wait_cap=settings.retry_wait_cap_seconds,
    )
