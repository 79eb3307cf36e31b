"""The tests' own Postgres: one cluster per process, one migrated template, a copy per test."""

import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from app.store import migrating
from app.store.embedded import APP, DATABASE, OWNER, EmbeddedPostgres

FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=64MB")
numbers = count(1)


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """One database of a test: the owner's URL, the app's, and how the superuser would connect."""

    owner_url: str
    app_url: str
    superuser_url: str


class Cluster:
    """A server with a data directory of its own, gone with the process that asked for it."""

    def __init__(self) -> None:
        """Start the server and migrate the database that all others are copied from."""
        self._home = Path(tempfile.mkdtemp(prefix="plumbline-tests-"))
        self._server = EmbeddedPostgres(self._home / "data", options=FAST)
        self.owner_url, self.app_url = self._server.start()
        self.superuser_url = self._server.superuser_url
        migrating.upgrade(self.owner_url, APP)

    def fresh_database(self) -> FreshDatabase:
        """Return a new, migrated, empty database."""
        return self._made(f"TEMPLATE {DATABASE} STRATEGY wal_log")

    def empty_database(self) -> FreshDatabase:
        """Return a new database without any schema: for tests of the migrations."""
        return self._made("TEMPLATE template0")

    def drop(self, database: FreshDatabase) -> None:
        """Drop a database, whoever is still connected."""
        name = urlsplit(database.app_url).path[1:]
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def stop(self) -> None:
        """End the server and remove its directory."""
        self._server.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _made(self, how: str) -> FreshDatabase:
        name = f"test_{next(numbers)}"
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {OWNER} {how}".encode())
        urls = (self.owner_url, self.app_url, self.superuser_url)
        return FreshDatabase(*(_of_database(url, name) for url in urls))


@cache
def cluster() -> Cluster:
    """Return this process's cluster, started at its first use; stop it with `stop_cluster`."""
    return Cluster()


def stop_cluster() -> None:
    """End the cluster if one was started."""
    if cluster.cache_info().currsize:
        cluster().stop()
        cluster.cache_clear()


def fresh_database() -> FreshDatabase:
    """Return a new, migrated, empty database of this process's cluster."""
    return cluster().fresh_database()


def _of_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
