"""A Postgres of one test's own, that can be stopped and started again on the same port."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from app.store import migrating
from app.store.embedded import APP, DATABASE, EmbeddedPostgres
from app.store.launching import launcher
from tests.postgres import FAST, FreshDatabase

START_SECONDS = 30


class Server:
    """One migrated database on a server whose life is in the test's hands."""

    def __init__(self) -> None:
        """Make the cluster by the product's own means, then run its server by ours."""
        self._home = Path(tempfile.mkdtemp(prefix="plumbline-faults-"))
        made = EmbeddedPostgres(self._home / "data", options=FAST)
        owner_url, app_url = made.start()
        migrating.upgrade(owner_url, APP)
        superuser_url = _of_database(made.superuser_url, DATABASE)
        self.addresses = FreshDatabase(owner_url, app_url, superuser_url)
        made.stop()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start the server on the port that it had; return when it answers."""
        port = urlsplit(self.addresses.app_url).port
        assert port is not None
        home = self._home / "data"
        how = launcher(EmbeddedPostgres.find_binaries(), home)
        with (self._home / "server.log").open("ab") as log:
            command = how.server_command(home / "postgres", port, FAST)
            self._process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < until, (self._home / "server.log").read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server at once: all sessions are terminated, what was not committed is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Let the server say nothing more, its lines open: as if the network had lost it."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self.thaw()
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _processes(self) -> list[int]:
        """Return the server itself, first so that it starts no others, and all that it started."""
        if self._process is None:
            return []
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.addresses.superuser_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _of_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
