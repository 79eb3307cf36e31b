"""The tests' own Postgres: one cluster per process, one migrated template, an empty copy per test."""

import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg

from app.store import migrating
from app.store.embedded import APP, DATABASE, OWNER, EmbeddedPostgres

MOST_BYTES = 40_000_000
"""Of a database that is used again: what once held more is slow to look through for ever."""

STRUCTURE = """
    SELECT md5(string_agg(told, ' ' ORDER BY told)) FROM (
        SELECT 'schema ' || nspname || coalesce(nspacl::text, '') AS told FROM pg_namespace
        UNION ALL SELECT 'table ' || c.oid || relname || relrowsecurity || relforcerowsecurity
            || coalesce(relacl::text, '') || coalesce(attname || atttypid || attnotnull, '')
        FROM pg_class AS c LEFT JOIN pg_attribute ON attrelid = c.oid WHERE c.oid >= 16384
        UNION ALL SELECT 'constraint ' || oid FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT 'trigger ' || oid || tgenabled::text FROM pg_trigger
        UNION ALL SELECT 'policy ' || oid || polname FROM pg_policy
        UNION ALL SELECT 'function ' || oid || xmin || coalesce(proacl::text, '') FROM pg_proc
            WHERE oid >= 16384
        UNION ALL SELECT 'setting ' || setconfig::text FROM pg_db_role_setting
            JOIN pg_database AS d ON d.oid = setdatabase AND datname = current_database()
    ) AS everything
"""
OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
SIZE = "SELECT pg_database_size(current_database())"
DELETIONS = """
    SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), ';') FROM pg_tables
    WHERE schemaname IN ('plumbline', 'jobs') AND tablename <> 'alembic_version'
"""
SEQUENCES = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences
"""
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
        with psycopg.connect(self.superuser_url) as connection:
            self._structure = _value(connection, STRUCTURE)
        self._clean: list[FreshDatabase] = []

    def fresh_database(self) -> FreshDatabase:
        """Return a migrated, empty database, new or as good as new."""
        if self._clean:
            return self._clean.pop()
        return self._made(f"TEMPLATE {DATABASE} STRATEGY wal_log")

    def take_back(self, database: FreshDatabase) -> None:
        """Empty a database for the next test, which takes a tenth of making one; or drop it.

        One whose structure, rights or settings a test has changed is no longer as good as new.
        """
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            connection.execute(OTHERS)
            is_small = _value(connection, SIZE) < MOST_BYTES
            is_as_made = is_small and _value(connection, STRUCTURE) == self._structure
            if is_as_made:
                # In any order, and past the triggers that keep what must not be deleted.
                connection.execute("SET session_replication_role = replica")
                connection.execute(_value(connection, DELETIONS))
                connection.execute(SEQUENCES)
        if is_as_made:
            self._clean.append(database)
        else:
            self.drop(database)

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


def _value(connection: psycopg.Connection[Any], question: LiteralString) -> Any:
    row = connection.execute(question).fetchone()
    return row[0] if row else None


def _of_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
