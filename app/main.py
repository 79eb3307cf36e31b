"""The web app as it is served: settings in, a running product out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

import orjson
from fastapi import FastAPI
from pydantic import SecretStr

from app.caller import TokenKind
from app.confluence import people, permissions, spaces
from app.connect.descriptor import app_key, descriptor
from app.connect.door import ConnectDoor
from app.connect.lifecycle import Lifecycle
from app.forge.door import ForgeDoor
from app.forge.keys import ForgeKeys
from app.forge.page_token import PageTokens
from app.parts import Parts, join, utc_now
from app.serving import Leaving
from app.settings import KEY_BYTES, Settings, parse_keys, written_keys
from app.store import site_news
from app.store.key_care import KeyCheck
from app.store.pipeline_tokens import PREFIX
from app.sync.working import working
from app.web.assembly import bare_app, install_web
from app.web.pipeline_door import PipelineDoor
from app.web.refusals import note_refusal
from app.web.rights import Rights
from app.web.routing import manifest
from app.web.schemes import by_prefix, by_scheme
from app.web.state import Services

INLINE_JOBS = 4
"""Jobs that the worker inside `serve` runs side by side."""


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
