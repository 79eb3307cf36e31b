"""What an operator gets wrong at the command line is named in one line, and nothing is begun."""

import os
import socket
import subprocess
from urllib.parse import urlsplit

import pytest

from app.store import migrating
from sandbox.processes import Processes
from sandbox.stack import PLUMBLINE, free_port
from tests.operations.test_upgrade import said, until, workers
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
    status, told = run(settings, "worker", f"--concurrency={count}")
    assert status == 1
    assert told[-1].endswith("argument --concurrency: must be a number from 1 to 64")


@pytest.mark.parametrize("name", ["PLUMBLINE_PORT", "PLUMBLINE_METRICS_PORT"])
def test_a_port_that_is_taken_is_named_by_its_setting(settings: dict[str, str], name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"PLUMBLINE_PORT": str(free_port()), name: str(port)}
        status, told = run(settings | ports, "serve")
    assert (status, told[-1]) == (1, f"plumbline: {name}: 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize("command", ["verify", "rotate-keys"])
def test_a_database_that_was_not_migrated_is_told_as_such(
    settings: dict[str, str], addresses: FreshDatabase, command: str
) -> None:
    of_nobody = addresses.superuser_url.rpartition("/")[0] + "/postgres"
    login = urlsplit(addresses.app_url)
    empty = urlsplit(of_nobody)._replace(netloc=login.netloc).geturl()
    status, told = run(settings | {"PLUMBLINE_DATABASE_URL": empty}, command)
    assert status == 1
    assert told[-1].startswith(UNMIGRATED)


def test_a_role_that_may_not_migrate_is_told_which_one_may(
    settings: dict[str, str], addresses: FreshDatabase
) -> None:
    migrating.migrate(addresses.owner_url, "base")
    both = {"PLUMBLINE_MIGRATION_DATABASE_URL": addresses.app_url}
    status, told = run(settings | both, "migrate")
    assert status == 1
    assert told[-1].startswith("plumbline: PLUMBLINE_MIGRATION_DATABASE_URL: this role may not")


def test_a_role_that_does_not_exist_is_named(
    settings: dict[str, str], addresses: FreshDatabase
) -> None:
    parts = urlsplit(addresses.app_url)
    stranger = parts._replace(netloc=parts.netloc.replace(parts.username or "", "nobody")).geturl()
    status, told = run(settings | {"PLUMBLINE_DATABASE_URL": stranger}, "migrate")
    assert (status, told[-1]) == (
        1,
        "plumbline: PLUMBLINE_DATABASE_URL: the database has no such role",
    )


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    netloc = parts.netloc.replace(f":{parts.password}@", f":{password}@")
    return parts._replace(netloc=netloc).geturl()


@pytest.mark.parametrize("command", ["migrate", "verify", "rotate-keys"])
def test_a_wrong_password_is_not_called_a_database_that_is_away(
    settings: dict[str, str], addresses: FreshDatabase, command: str
) -> None:
    wrong = {
        "PLUMBLINE_DATABASE_URL": with_password(addresses.app_url, "wr0ng"),
        "PLUMBLINE_MIGRATION_DATABASE_URL": with_password(addresses.owner_url, "wr0ng"),
    }
    status, told = run(settings | wrong, command)
    assert status == 1
    assert ": password authentication failed for user " in told[-1]
    assert "wr0ng" not in told[-1]


def test_a_database_that_nobody_made_is_named(
    settings: dict[str, str], addresses: FreshDatabase
) -> None:
    nowhere = addresses.owner_url.rpartition("/")[0] + "/nowhere"
    status, told = run(settings | {"PLUMBLINE_MIGRATION_DATABASE_URL": nowhere}, "migrate")
    assert (status, told[-1]) == (
        1,
        'plumbline: The database cannot be migrated now: database "nowhere" does not exist',
    )


def test_two_servers_on_one_port_are_named(settings: dict[str, str]) -> None:
    port = str(free_port())
    one = {"PLUMBLINE_PORT": port, "PLUMBLINE_METRICS_PORT": port}
    status, told = run(settings | one, "serve")
    assert (status, told[-1]) == (
        1,
        "plumbline: PLUMBLINE_METRICS_PORT: is the same as PLUMBLINE_PORT",
    )


@pytest.mark.parametrize("is_one_role", [True, False])
def test_one_role_for_both_is_warned_of_where_it_is_so(
    settings: dict[str, str], addresses: FreshDatabase, processes: Processes, is_one_role: bool
) -> None:
    """A `serve` that is not told the owner's URL may well have a role of its own."""
    del settings["PLUMBLINE_MIGRATION_DATABASE_URL"]
    role = addresses.owner_url if is_one_role else addresses.app_url
    child = processes.start(
        "worker", [str(PLUMBLINE), "worker"], settings | {"PLUMBLINE_DATABASE_URL": role}
    )
    until(lambda: workers(addresses) > 0, "a worker that looks for jobs")
    assert said(child, "one database role both owns and serves") is is_one_role


def test_who_waits_for_a_database_says_for_what(
    settings: dict[str, str], addresses: FreshDatabase, processes: Processes
) -> None:
    wrong = {"PLUMBLINE_DATABASE_URL": with_password(addresses.app_url, "wr0ng")}
    child = processes.start("worker", [str(PLUMBLINE), "worker"], settings | wrong)
    until(lambda: said(child, "is waited for: password authentication failed"), "its reason")
    assert not said(child, "wr0ng")
