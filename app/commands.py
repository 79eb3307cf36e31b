"""What an operator asks of the product: serve, work, migrate, rotate, verify, show."""

import argparse
import asyncio
import gc
import json
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvloop
from pydantic import SecretStr

from app.caller import SiteId
from app.connect.descriptor import descriptor
from app.errors import BadConfiguration, Unavailable
from app.forge import publishing
from app.main import create_app, web_routes
from app.parts import join
from app.serving import GentleServer
from app.settings import Settings, parse_keys, written_keys
from app.store import agenda, server_words, snapshots
from app.store.database import Database
from app.store.embedded import EmbeddedPostgres, app_role
from app.store.encryption import Keyring, load_or_make_keys
from app.store.key_care import Rotation, rotate_all, told
from app.store.migrating import upgrade
from app.sync.monitoring import LOOPBACK
from app.sync.working import working

log = logging.getLogger(__name__)

ONE_ROLE = "one database role both owns and serves: see PLUMBLINE_MIGRATION_DATABASE_URL"


def serve(settings: Settings, _: argparse.Namespace) -> None:
    """Answer requests until told to stop; 0 after SIGTERM."""
    told = _noted_signals()
    with _database(settings) as ready:
        asyncio.run(_check_role(ready))
        _check_port(ready.host, ready.port, "PLUMBLINE_PORT")
        if ready.metrics_port is not None:
            _check_port(LOOPBACK, ready.metrics_port, "PLUMBLINE_METRICS_PORT")
            if ready.metrics_port == ready.port:
                raise BadConfiguration("PLUMBLINE_METRICS_PORT: is the same as PLUMBLINE_PORT")
        server = GentleServer(create_app(ready), ready.host, ready.port, told)
        _keep_what_is_loaded()
        server.run_until_told()
        if not server.started:
            raise BadConfiguration("PLUMBLINE_PORT: the server could not start, see above")


def worker(settings: Settings, options: argparse.Namespace) -> None:
    """Run jobs until told to stop; 0 after SIGTERM."""
    told = _noted_signals()
    with _database(settings) as ready:
        asyncio.run(_check_role(ready))
        uvloop.run(_work(ready, options.concurrency, told))


def migrate(settings: Settings, _: argparse.Namespace) -> None:
    """Bring the database's schema to this release."""
    app_url = settings.database_url.get_secret_value()
    if not app_url:
        with _database(settings):
            return
    owner_url = settings.migration_database_url.get_secret_value() or app_url
    if app_role(owner_url) == app_role(app_url):
        log.warning(ONE_ROLE)
    upgrade(owner_url, app_role(app_url))


def show_descriptor(settings: Settings, _: argparse.Namespace) -> None:
    """Print the Connect descriptor of this deployment."""
    print(json.dumps(descriptor(settings.base_url), indent=2))


def show_routes(settings: Settings, options: argparse.Namespace) -> None:
    """Print every route with the token and the right that it asks for."""
    routes = web_routes(settings)
    if options.json:
        print(json.dumps(routes, indent=2))
        return
    if options.markdown:
        print(written_table(routes))
        return
    for route in routes:
        print(f"{route['method']:7} {route['path']:60} {route['token']:10} {route['right']}")


def written_table(routes: Sequence[Mapping[str, str]]) -> str:
    """Return the routes as the table of docs/security.md."""
    lines = ["| method | path | token | right |", "|---|---|---|---|"]
    lines += ["| {method} | `{path}` | {token} | {right} |".format_map(route) for route in routes]
    return "\n".join(lines)


def verify(settings: Settings, _: argparse.Namespace) -> int:
    """Check every snapshot against its hash and the one before it; 1 if one does not hold."""
    with _database(settings) as ready:
        total, broken = asyncio.run(_verified(ready))
    for snapshot_id in broken:
        print(f"plumbline: snapshot {snapshot_id} does not match its hash", file=sys.stderr)
    print(f"{total} {'snapshot' if total == 1 else 'snapshots'} checked, {len(broken)} broken")
    return 1 if broken else 0


def rotate_keys(settings: Settings, _: argparse.Namespace) -> int:
    """Seal all stored secrets with the first key, while serving goes on; 1 if a key is missing."""
    with _database(settings) as ready:
        rotated, lines = asyncio.run(_rotated(ready))
    for line in lines:
        print(line)
    return 1 if rotated.failed_sites else 0


def forge_publish(settings: Settings, options: argparse.Namespace) -> int:
    """Write the Forge app of this deployment, check it, and say how the Forge CLI deploys it."""
    url = publishing.checked_url(options.url or settings.base_url)
    app_id = publishing.checked_app_id(options.app_id)
    publishing.write_app(options.folder, url, app_id)
    publishing.lint(options.folder)
    print("\n".join(publishing.steps(options.folder, url, app_id)))
    return 0


def forge_connect_manifest(settings: Settings, options: argparse.Namespace) -> None:
    """Print the Connect-on-Forge manifest: a fallback until the end of Connect."""
    url = publishing.checked_url(options.url or settings.base_url)
    app_id = publishing.checked_app_id(options.app_id)
    print(publishing.connect_manifest(descriptor(url), app_id), end="")


@contextmanager
def _database(settings: Settings) -> Iterator[Settings]:
    """Lend settings that name a database and keys; the embedded one runs meanwhile."""
    if settings.database_url.get_secret_value():
        yield settings
        return
    embedded = EmbeddedPostgres(settings.data_dir)
    owner_url, app_url = embedded.start()
    try:
        upgrade(owner_url, app_role(app_url))
        keys = settings.encryption_keys.get_secret_value() or written_keys(
            load_or_make_keys(settings.data_dir)
        )
        yield settings.model_copy(
            update={
                "database_url": SecretStr(app_url),
                "encryption_keys": SecretStr(keys),
            }
        )
    finally:
        embedded.stop()


def _check_port(host: str, port: int, name: str) -> None:
    """Raise `BadConfiguration` where nobody can listen: the server's own complaint names no setting."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = found[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise BadConfiguration(f"{name}: {host}:{port}: {error.strerror}") from None


async def _check_role(settings: Settings) -> None:
    """Refuse a role that would see through row-level security; a database may come later."""
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        if problem := await database.role_problem():
            raise BadConfiguration(f"PLUMBLINE_DATABASE_URL: {problem}")
        if await database.owns_schema():
            log.warning(ONE_ROLE)
    except Unavailable as error:
        log.warning("the database is waited for: %s", server_words.reason(error))
    finally:
        await database.close()


@asynccontextmanager
async def _maintained(settings: Settings) -> AsyncIterator[tuple[Database, Sequence[SiteId]]]:
    """Lend one connection to the database, and the ids of all sites to walk through."""
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        if problem := await _schema_problem(database):
            raise Unavailable(problem)
        async with database.agenda() as db:
            every = await agenda.all_sites(db)
        yield database, every
    finally:
        await database.close()


async def _schema_problem(database: Database) -> str | None:
    try:
        return await database.schema_problem()
    except Unavailable as error:
        return f"The database cannot be reached: {server_words.reason(error)}"


async def _verified(settings: Settings) -> tuple[int, list[str]]:
    """Return how many snapshots of all sites there are, and the ids of those that do not hold."""
    checked: dict[str, bool] = {}
    async with _maintained(settings) as (database, every):
        for site_id in every:
            async with database.transaction(site_id) as db:
                checked |= {name: holds async for name, holds in snapshots.checked(db, site_id)}
    return len(checked), [name for name, holds in checked.items() if not holds]


async def _rotated(settings: Settings) -> tuple[Rotation, list[str]]:
    keyring = Keyring(parse_keys(settings.encryption_keys.get_secret_value()))
    async with _maintained(settings) as (database, every):
        rotated = await rotate_all(database, keyring, every)
    return rotated, told(rotated, keyring)


def _keep_what_is_loaded() -> None:
    # A collection that goes through all modules stops every request and call for 0.1 s.
    gc.collect()
    gc.freeze()


def _noted_signals() -> list[bool]:
    """Note SIGTERM until somebody acts on it: a start is not broken off, an embedded database ended."""
    told: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    return told


async def _work(settings: Settings, concurrency: int, told: list[bool]) -> None:
    parts = join(settings)
    _keep_what_is_loaded()
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    if told:
        told_to_stop.set()
    async with parts.opened(), working(parts.queue, concurrency, parts.database.problem):
        await told_to_stop.wait()
