"""Real processes against a real Postgres and a stand-in's port: what can be killed and stopped."""

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from app.caller import AccountId, Door, SiteId, SpaceId
from app.store import arrivals, connections, syncs
from app.store.connections import ConnectionValues
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.install_tokens import Receipt
from app.store.syncs import State, Sync
from app.sync.queue import Queue
from app.sync.service import SyncService
from sandbox.processes import Child, Processes
from sandbox.stack import PLUMBLINE
from tests.postgres import FreshDatabase

SPACE = SpaceId("65538")
EDITOR = AccountId("editor")
LEASE_SECONDS = 5
KEY = b"k" * 32
PATIENCE_SECONDS = 60.0

WORKERS = "SELECT id FROM procrastinate_workers"
WORKERS_PER_PROCESS = 2  # one for syncs, one for housekeeping


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Machines:
    """One database, one Anypoint stand-in, and as many workers as a test starts."""

    addresses: FreshDatabase
    processes: Processes
    database: Database
    queue: Queue
    anypoint: dict[str, Any]
    http: httpx.AsyncClient
    keyring: Keyring = field(default_factory=lambda: Keyring({"test": KEY}))

    def __post_init__(self) -> None:
        self.syncs = SyncService(self.database, self.queue, utc_now)

    async def worker(self, name: str = "worker", *, jobs: int = 4, **settings: str) -> Child:
        """Start `plumbline worker` and wait until it looks for jobs."""
        known = {row["id"] for row in self.rows(WORKERS)}
        command = [str(PLUMBLINE), "worker", "--concurrency", str(jobs)]
        child = self.processes.start(name, command, self.settings() | settings)

        async def new() -> int:
            child.alive()
            return len({row["id"] for row in self.rows(WORKERS)} - known)

        await eventually(new, lambda n: n >= WORKERS_PER_PROCESS, f"the start of {name}")
        return child

    def settings(self) -> dict[str, str]:
        """Return the environment of a process of this deployment; two calls at a time, so that it takes a while."""
        return {
            "PLUMBLINE_DATABASE_URL": self.addresses.app_url,
            "PLUMBLINE_MIGRATION_DATABASE_URL": self.addresses.owner_url,
            "PLUMBLINE_ENCRYPTION_KEYS": f"test:{base64.b64encode(KEY).decode()}",
            "PLUMBLINE_CONTROL_PLANES": json.dumps({"sandbox": self.anypoint["url"]}),
            "PLUMBLINE_LEASE_SECONDS": str(LEASE_SECONDS),
            "PLUMBLINE_SYNC_CONCURRENCY": "2",
            "PLUMBLINE_LOG_FORMAT": "json",
            "COVERAGE_PROCESS_START": "",
        }

    async def site(self, issuer: str = "ours") -> SiteId:
        """Install the app on a site."""
        arrival = arrivals.Arrival(
            door=Door.CONNECT,
            issuer=issuer,
            base_url=f"https://{issuer}.atlassian.net/wiki",
            display_url=f"https://{issuer}.atlassian.net/wiki",
            oauth_client_id="oauth-client",
            shared_secret="a secret of enough length",
        )
        receipt = Receipt(issuer.encode(), b"body", utc_now() + timedelta(minutes=3))
        async with self.database.lookup(issuer) as db:
            site_id, _ = await arrivals.install(db, arrival, receipt, self.keyring, utc_now())
        return site_id

    async def connect(self, site_id: SiteId, space_id: SpaceId = SPACE, **other: Any) -> None:
        """Save the stand-in's credentials for a space."""
        values: dict[str, Any] = {
            "control_plane": "sandbox",
            "client_id": self.anypoint["client_id"],
            "client_secret": self.anypoint["client_secret"],
            "sync_interval_hours": 24,
        }
        async with self.database.transaction(site_id) as db:
            changed = ConnectionValues(**(values | other))
            await connections.save(
                db, site_id, space_id, changed, self.keyring, by=EDITOR, now=utc_now()
            )

    async def start(self, site_id: SiteId, space_id: SpaceId = SPACE) -> str:
        """Start a sync, or meet the one under way; return its id."""
        return (await self.syncs.start(site_id, space_id, EDITOR)).id

    async def seen(self, site_id: SiteId, sync_id: str, space_id: SpaceId = SPACE) -> Sync:
        """Return the sync as people see it."""
        async with self.database.transaction(site_id) as db:
            found = await syncs.one(db, site_id, space_id, sync_id)
        assert found is not None
        return found

    async def until(
        self, site_id: SiteId, sync_id: str, reached: Callable[[Sync], bool], what: str
    ) -> Sync:
        """Wait until the sync has come so far."""
        found: Sync = await eventually(lambda: self.seen(site_id, sync_id), reached, what)
        return found

    async def ended(self, site_id: SiteId, sync_id: str, space_id: SpaceId = SPACE) -> Sync:
        """Wait until the sync is over."""
        over = {State.PUBLISHED, State.FAILED, State.CANCELLED}
        found: Sync = await eventually(
            lambda: self.seen(site_id, sync_id, space_id), lambda s: s.state in over, "the end"
        )
        return found

    async def trouble(self, **wish: Any) -> None:
        """Have the stand-in fail, change or be slow."""
        (await self.http.post(f"{self.anypoint['url']}/_control", json=wish)).raise_for_status()

    async def stats(self) -> dict[str, Any]:
        """Return what the stand-in was asked so far."""
        counted: dict[str, Any] = (
            await self.http.get(f"{self.anypoint['url']}/_control/stats")
        ).json()
        return counted

    async def truth(self) -> dict[str, Any]:
        """Return what the stand-in knows of its estate."""
        known: dict[str, Any] = (
            await self.http.get(f"{self.anypoint['url']}/_control/truth")
        ).json()
        return known

    def rows(self, question: str) -> list[dict[str, Any]]:
        """Return rows as the superuser sees them, over all sites."""
        options = "-csearch_path=plumbline,jobs"
        with psycopg.connect(self.addresses.superuser_url, options=options) as db:
            return db.cursor(row_factory=dict_row).execute(question.encode()).fetchall()


async def eventually(
    ask: Callable[[], Awaitable[Any]],
    reached: Callable[[Any], bool],
    what: str,
    seconds: float = PATIENCE_SECONDS,
) -> Any:
    """Return the first answer that will do; fail with the last one otherwise."""
    until = time.monotonic() + seconds
    while True:
        answer = await ask()
        if reached(answer):
            return answer
        assert time.monotonic() < until, f"{what} did not come within {seconds} s: {answer}"
        await asyncio.sleep(0.1)


def finished(sync: Sync) -> list[str]:
    """Return the ids of the environments that have their mark."""
    return [item.id for item in sync.environments if item.finished]


def send(child: Child, number: int) -> None:
    """Send a signal to a process."""
    os.kill(child.process.pid, number)


async def exit_status(child: Child, seconds: float) -> int:
    """Return the exit status of a process that is to end by itself."""
    return await asyncio.to_thread(child.process.wait, seconds)


def standin(processes: Processes, *, apis: int = 8, latency_ms: int = 120) -> dict[str, Any]:
    """Start an Anypoint stand-in with three environments; return what it announces."""
    words = ["--port", "0", "--apis", str(apis), "--environments", "3", "--seed", "1"]
    return processes.announced(
        "Anypoint", "sandbox.anypoint", *words, "--latency-ms", str(latency_ms)
    )


def python() -> str:
    """Return the interpreter that runs the tests."""
    return sys.executable


def logs(tmp_path: Path) -> Path:
    """Return where the processes' messages go."""
    return tmp_path / "logs"
