"""What an operator gets wrong at the command line is named in one line, and nothing is begun."""

import os
import socket
import subprocess
from urllib.parse import urlsplit

import pytest

from app.store import migrating
from sandbox.stack import PLUMBLINE, free_port
from tests.postgres import FreshDatabase

UNMIGRATED = "plumbline: The database's schema is missing, this release needs "


def run(settings: dict[str, str], *words: str) -> tuple[int, list[str]]:
    """Return a command's status and what it said to the operator."""
    bare = {name: value for name, value in os.environ.items() if "PLUMBLINE" not in name}
    done = subprocess.run(
        [str(PLUMBLINE), *words], env=bare | settings, capture_output=True, text=True, timeout=60
    )
    return done.returncode, [line for line in done.stderr.splitlines() if "plumbline" in line]


@pytest.mark.parametrize("count", ["0", "-3", "many", "65"])
def test_a_worker_that_would_run_nothing_is_refused(settings: dict[str, str], count: str) -> None:
    status, said = run(settings, "worker", f"--concurrency={count}")
    assert status == 1
    assert said[-1].endswith("argument --concurrency: must be a number from 1 to 64")


@pytest.mark.parametrize("name", ["PLUMBLINE_PORT", "PLUMBLINE_METRICS_PORT"])
def test_a_port_that_is_taken_is_named_by_its_setting(settings: dict[str, str], name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"PLUMBLINE_PORT": str(free_port()), name: str(port)}
        status, said = run(settings | ports, "serve")
    assert (status, said[-1]) == (1, f"plumbline: {name}: 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize("command", ["verify", "rotate-keys"])
def test_a_database_that_was_not_migrated_is_told_as_such(
    settings: dict[str, str], addresses: FreshDatabase, command: str
) -> None:
    of_nobody = addresses.superuser_url.rpartition("/")[0] + "/postgres"
    login = urlsplit(addresses.app_url)
    empty = urlsplit(of_nobody)._replace(netloc=login.netloc).geturl()
    status, said = run(settings | {"PLUMBLINE_DATABASE_URL": empty}, command)
    assert status == 1
    assert said[-1].startswith(UNMIGRATED)


def test_a_role_that_may_not_migrate_is_told_which_one_may(
    settings: dict[str, str], addresses: FreshDatabase
) -> None:
    migrating.migrate(addresses.owner_url, "base")
    both = {"PLUMBLINE_MIGRATION_DATABASE_URL": addresses.app_url}
    status, said = run(settings | both, "migrate")
    assert status == 1
    assert said[-1].startswith("plumbline: PLUMBLINE_MIGRATION_DATABASE_URL: this role may not")


def test_a_role_that_does_not_exist_is_named(
    settings: dict[str, str], addresses: FreshDatabase
) -> None:
    parts = urlsplit(addresses.app_url)
    stranger = parts._replace(netloc=parts.netloc.replace(parts.username or "", "nobody")).geturl()
    status, said = run(settings | {"PLUMBLINE_DATABASE_URL": stranger}, "migrate")
    assert (status, said[-1]) == (
        1,
        "plumbline: PLUMBLINE_DATABASE_URL: the database has no such role",
    )
