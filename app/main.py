"""Where things are built and joined: settings in, a running product out."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypedDict

import httpx
import orjson
from fastapi import FastAPI
from pydantic import SecretStr

from app import metrics, outgoing
from app.anypoint.auth import Credentials
from app.anypoint.client import AnypointClient
from app.anypoint.limiter import Gates, Limiter
from app.caller import TokenKind
from app.confluence import people, permissions, spaces
from app.connect.descriptor import app_key, descriptor
from app.connect.door import ConnectDoor
from app.connect.lifecycle import Lifecycle
from app.connect.removed_spaces import RemovedSpaces
from app.forge.door import ForgeDoor
from app.forge.keys import ForgeKeys
from app.forge.lifecycle import ForgeLifecycle
from app.forge.page_token import PageTokens
from app.serving import Leaving
from app.settings import KEY_BYTES, Settings, parse_keys, written_keys
from app.store import site_news
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.key_care import KeyCheck
from app.store.pipeline_tokens import PREFIX
from app.sync.connecting import ConnectionService
from app.sync.job import SyncJobs
from app.sync.monitoring import Monitoring
from app.sync.queue import Chores, Queue
from app.sync.refreshing import RefreshService
from app.sync.retention import Retention
from app.sync.schedule import Schedule
from app.sync.service import SyncService
from app.sync.working import working
from app.web.assembly import bare_app, install_web
from app.web.pipeline_door import PipelineDoor
from app.web.refusals import note_refusal
from app.web.rights import Rights
from app.web.routing import manifest
from app.web.schemes import by_prefix, by_scheme
from app.web.state import Services

log = logging.getLogger(__name__)

INLINE_JOBS = 4
"""Jobs that the worker inside `serve` runs side by side."""


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
        client=partial(_anypoint_client, settings, http, Gates()),
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


def create_app(settings: Settings) -> Leaving:
    """Return the web app as it is served, with its inner worker if there is to be one."""
    parts = join(settings)
    services = _services(parts)
    url = settings.database_url.get_secret_value()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with parts.opened(), AsyncExitStack() as stack:
            kept = services.lifecycle.known_sites.kept
            await stack.enter_async_context(site_news.listening(url, kept))
            if settings.worker == "inline":
                problem = parts.database.problem
                await stack.enter_async_context(working(parts.queue, INLINE_JOBS, problem))
            try:
                yield
            finally:
                services.stopping.set()

    return Leaving(install_web(bare_app(lifespan), services), services.stopping)


def web_routes(settings: Settings) -> list[dict[str, str]]:
    """Return the route manifest; nothing is connected for it, so no database need be named."""
    nowhere = {
        "database_url": SecretStr("postgresql://nobody@127.0.0.1/nowhere"),
        "encryption_keys": SecretStr(written_keys({"none": bytes(KEY_BYTES)})),
    }
    app = bare_app()
    install_web(app, _services(join(settings.model_copy(update=nowhere))))
    return manifest(app)


def _services(parts: Parts) -> Services:
    settings = parts.settings
    door = _connect_door(parts)
    forge = _forge_door(parts)
    context = by_scheme({"jwt": door.context, "bearer": forge.context})
    pipelines = PipelineDoor(parts.database, utc_now)
    return Services(
        base_url=settings.base_url,
        connect_script_url=settings.connect_script_url,
        confluence_origins=settings.confluence_origins,
        control_planes=settings.all_control_planes,
        descriptor=orjson.dumps(descriptor(settings.base_url)),
        database=parts.database,
        keyring=parts.keyring,
        keys=KeyCheck(parts.database, parts.keyring),
        doors={
            TokenKind.INSTALL: door.install,
            TokenKind.URL: door.url,
            TokenKind.CALLBACK: door.callback,
            TokenKind.CONTEXT: context,
            TokenKind.INVOCATION: forge.invocation,
            TokenKind.PAGE: forge.page,
            TokenKind.PIPELINE: by_prefix(PREFIX, pipelines.pipeline, context),
        },
        lifecycle=_lifecycle(parts, door),
        removed_spaces=parts.removed_spaces,
        forge=forge,
        forge_lifecycle=parts.forge_lifecycle,
        rights=Rights(
            partial(permissions.rights, parts.http), seconds=settings.permission_cache_seconds
        ),
        note_refusal=partial(note_refusal, parts.database),
        spaces=partial(spaces.space, parts.http),
        names=partial(people.names, parts.http),
        syncs=parts.syncs,
        connections=parts.connections,
        refreshes=parts.refreshes,
        kept_days=settings.retention_days,
        kept_days_when_gone=settings.uninstall_retention_days,
    )


def _connect_door(parts: Parts) -> ConnectDoor:
    settings = parts.settings
    return ConnectDoor(
        database=parts.database,
        keyring=parts.keyring,
        http=parts.http,
        base_url=settings.base_url,
        install_keys_url=settings.install_keys_url,
        oauth_url=settings.atlassian_oauth_url,
        clock=utc_now,
    )


def _lifecycle(parts: Parts, door: ConnectDoor) -> Lifecycle:
    settings = parts.settings
    return Lifecycle(
        database=parts.database,
        keyring=parts.keyring,
        user_tokens=door.user_tokens,
        known_sites=door.known_sites,
        app_key=app_key(),
        confluence_origins=settings.confluence_origins,
        uninstall_retention=timedelta(days=settings.uninstall_retention_days),
        clock=utc_now,
    )


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


def _forge_door(parts: Parts) -> ForgeDoor:
    settings = parts.settings
    return ForgeDoor(
        database=parts.database,
        keyring=parts.keyring,
        keys=ForgeKeys(parts.http, settings.forge_jwks_url, utc_now),
        page_tokens=PageTokens(parse_keys(settings.encryption_keys.get_secret_value())),
        lifecycle=parts.forge_lifecycle,
        space_id=partial(spaces.id_of, parts.http),
        app_ids=settings.forge_apps,
        api_origins=[origin for origin in settings.confluence_origins if "*" not in origin],
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


def _anypoint_client(
    settings: Settings,
    http: httpx.AsyncClient,
    gates: Gates,
    base_url: str,
    client_id: str,
    client_secret: str,
    fingerprint_key: bytes,
) -> AnypointClient:
    credentials = Credentials(client_id, client_secret)
    return AnypointClient(
        http,
        base_url,
        credentials,
        limiter=Limiter(settings.sync_concurrency, gates.of(base_url, credentials.digest)),
        fingerprint_key=fingerprint_key,
        retry_wait_cap=settings.retry_wait_cap_seconds,
    )
