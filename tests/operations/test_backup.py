"""Backup and restore: dumped, restored into another server, and everything is good again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from app.settings import written_keys
from app.store.embedded import EmbeddedPostgres
from sandbox.processes import Processes
from sandbox.stack import PLUMBLINE, Stack
from tests.operations.conftest import KEY, finish
from tests.operations.test_upgrade import readiness, serve, until
from tests.postgres import FAST, FreshDatabase

OTHER_KEY = b"o" * 32


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[FreshDatabase]:
    """The server of another machine, with the two roles and an empty database."""
    server = EmbeddedPostgres(tmp_path / "other", options=FAST)
    owner_url, app_url = server.start()
    yield FreshDatabase(owner_url, app_url, of_database(server.superuser_url))
    server.stop()


@pytest.fixture
def backup_url(addresses: FreshDatabase) -> Iterator[str]:
    """The role of docs/operations.md that may read all rows, and nothing else."""
    with psycopg.connect(addresses.superuser_url, autocommit=True) as db:
        db.execute("CREATE ROLE plumbline_backup LOGIN BYPASSRLS PASSWORD 'backup'")
        db.execute("GRANT pg_read_all_data TO plumbline_backup")
    place = addresses.superuser_url.partition("@")[2]
    yield f"postgresql://plumbline_backup:backup@{place}"
    with psycopg.connect(addresses.superuser_url, autocommit=True) as db:
        db.execute("DROP ROLE plumbline_backup")


@pytest.fixture
def restored(
    deployment: Stack,
    addresses: FreshDatabase,
    backup_url: str,
    elsewhere: FreshDatabase,
    tmp_path: Path,
) -> FreshDatabase:
    """A deployment with two syncs and two snapshots, dumped while it serves, restored elsewhere."""
    for _ in range(2):
        assert deployment.call("POST", "snapshots", role="editor", body={}).status_code == 201
    deployment.call("POST", "syncs", role="editor")
    finish(deployment)
    dump = tmp_path / "plumbline.dump"
    run("pg_dump", "--format=custom", f"--file={dump}", backup_url)
    run("pg_restore", "--exit-on-error", f"--dbname={elsewhere.superuser_url}", str(dump))
    return elsewhere


def run(program: str, *arguments: str) -> None:
    """Run one of Postgres's own programs, as an operator does."""
    command = [str(EmbeddedPostgres.find_binaries() / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def of_database(url: str, name: str = "plumbline") -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def rows(database: FreshDatabase) -> dict[str, tuple[int, str]]:
    """Return every table's number of rows and a digest over all of them."""
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'plumbline'"
    digest = (
        "SELECT count(*), coalesce(md5(string_agg(r::text, ',' ORDER BY r::text)), '') FROM {} r"
    )
    with psycopg.connect(database.superuser_url, options="-csearch_path=plumbline") as db:
        names = [name for (name,) in db.execute(tables).fetchall()]
        found = {}
        for name in names:
            row = db.execute(digest.format(name).encode()).fetchone()
            assert row is not None
            found[name] = (int(row[0]), str(row[1]))
        return found


def plumbline(
    database: FreshDatabase, processes: Processes, word: str, keys: dict[str, bytes]
) -> str:
    """Run one command on the restored database; return its output and its messages."""
    child = processes.start(word, [str(PLUMBLINE), word], its_settings(database, keys))
    child.process.wait(60)
    assert child.process.stdout is not None
    return child.process.stdout.read().decode() + child.log.read_text()


def its_settings(database: FreshDatabase, keys: dict[str, bytes]) -> dict[str, str]:
    return {
        "PLUMBLINE_DATABASE_URL": database.app_url,
        "PLUMBLINE_MIGRATION_DATABASE_URL": database.owner_url,
        "PLUMBLINE_ENCRYPTION_KEYS": written_keys(keys),
        "PLUMBLINE_WORKER": "external",
    }


def test_all_is_good_again_after_a_restore(
    restored: FreshDatabase, addresses: FreshDatabase, deployment: Stack, processes: Processes
) -> None:
    kept = rows(restored)
    assert kept == rows(addresses)
    assert {"snapshots", "audit", "findings"} <= {
        name for name, (count, _) in kept.items() if count
    }
    assert "2 snapshots checked, 0 broken" in plumbline(
        restored, processes, "verify", {"test": KEY}
    )
    # Every ciphertext opens: each can be sealed anew with another first key.
    told = plumbline(restored, processes, "rotate-keys", keys={"new": OTHER_KEY, "test": KEY})
    assert "key test: 0 values, may be removed" in told
    url = serve(processes, its_settings(restored, {"new": OTHER_KEY}))
    until(lambda: readiness(url)[0] == 200, "readiness")


def test_the_owner_cannot_take_a_backup_that_lacks_rows(addresses: FreshDatabase) -> None:
    """Forced row-level security would hide every site's rows from it: pg_dump refuses instead."""
    program = EmbeddedPostgres.find_binaries() / "pg_dump"
    command = [str(program), "--format=custom", "--file=/dev/null", addresses.owner_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "row-level security" in done.stderr
