"""The sync's speed, requests and memory: goal 21, in real processes.

Run by `make bench`, or alone: `python -m bench.sync --json out.json`.
"""

import argparse
import asyncio
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psycopg

from app.anypoint.auth import Credentials
from app.anypoint.client import AnypointClient
from app.anypoint.limiter import Limiter
from app.caller import SiteId, SpaceId
from app.store import connections
from app.store.database import Database
from app.store.syncs import State
from app.sync.queue import Queue
from bench.harness import Line
from sandbox.processes import Processes
from tests.faults.machines import LEASE_SECONDS, SPACE, Machines
from tests.postgres import cluster, fresh_database, stop_cluster

LATENCY_MS = 80
CONCURRENCY = 16
APIS, ENVIRONMENTS = 50, 3
LARGE_APIS = 1667
MOST_GROWTH_MB = 40
ROUNDS = 3
LOOK_SECONDS = 0.01
SEEN = "SELECT state, reason, finished_at IS NOT NULL FROM plumbline.syncs WHERE sync_id = %s"


@asynccontextmanager
async def deployed(
    apis: int, latency_ms: int, environments: int = ENVIRONMENTS
) -> AsyncIterator[Machines]:
    """Lend a database of its own and a stand-in; workers are the caller's to start."""
    addresses = fresh_database()
    database = Database(addresses.app_url)
    queue = Queue(addresses.app_url, LEASE_SECONDS)
    await queue.open()
    words = ["--port", "0", "--apis", str(apis), "--environments", str(environments)]
    words += ["--seed", "1", "--latency-ms", str(latency_ms)]
    try:
        with (
            tempfile.TemporaryDirectory(prefix="plumbline-bench-") as home,
            Processes(Path(home)) as processes,
        ):
            said = processes.announced("Anypoint", "sandbox.anypoint", *words)
            async with httpx.AsyncClient(trust_env=False) as http:
                yield Machines(addresses, processes, database, queue, said, http)
    finally:
        await queue.close()
        await database.close()
        cluster().drop(addresses)


async def connect(machines: Machines, site: SiteId, spaces: Sequence[SpaceId]) -> None:
    """Connect spaces as the settings page leaves them: their environments are known by then."""
    key = Credentials(machines.anypoint["client_id"], machines.anypoint["client_secret"])
    url = machines.anypoint["url"]
    client = AnypointClient(machines.http, url, key, limiter=Limiter(1), fingerprint_key=b"")
    organization = (await client.organizations())[0]
    environments = await client.environments(organization.id)
    for space in spaces:
        await machines.connect(site, space, organization_id=organization.id)
        async with machines.database.transaction(site) as db:
            await connections.keep_environments(db, site, space, environments)


async def measured(machines: Machines, site: SiteId, space: SpaceId) -> dict[str, Any]:
    """Run one sync from its start to its publishing; return wall, requests and peak in flight."""
    await machines.trouble(reset=True)
    # A bare connection: who watches must not take the processor from what is watched.
    watching = await psycopg.AsyncConnection.connect(
        machines.addresses.superuser_url, autocommit=True
    )
    async with watching:
        begun = time.perf_counter()
        sync_id = await machines.start(site, space)
        await published(watching, sync_id)
        wall = time.perf_counter() - begun
    stats = await machines.stats()
    return {"wall": wall, "requests": stats["requests"], "peak": stats["peak"]}


async def published(watching: psycopg.AsyncConnection, sync_id: str) -> None:
    """Wait until a sync is published; end the run where it ends in another way."""
    while True:
        row = await (await watching.execute(SEEN, [sync_id])).fetchone()
        state, reason, is_over = row or ("gone", None, True)
        if state == State.PUBLISHED:
            return
        if is_over:
            raise SystemExit(f"the sync ended as {state}: {reason}")
        await asyncio.sleep(LOOK_SECONDS)


async def reference() -> tuple[Line, dict[str, Any]]:
    """Measure the reference audit, first syncs and one of an unchanged estate."""
    async with deployed(APIS, LATENCY_MS) as machines:
        worker = await machines.worker(
            PLUMBLINE_SYNC_CONCURRENCY=str(CONCURRENCY), PLUMBLINE_LEASE_SECONDS="30"
        )
        site = await machines.site()
        spaces = [SpaceId(str(n)) for n in range(1, ROUNDS + 1)]
        await connect(machines, site, spaces)
        idle = cpu_seconds(worker.process.pid)
        runs = [await measured(machines, site, space) for space in spaces]
        cpu = (cpu_seconds(worker.process.pid) - idle) / len(runs)
        before = machines.rows("SELECT count(*) AS n FROM sections")[0]["n"]
        again = await measured(machines, site, spaces[0])
        written = machines.rows("SELECT count(*) AS n FROM sections")[0]["n"] - before
        instances = machines.rows(
            "SELECT count(*) AS n FROM instance_versions WHERE space_id = '1'"
            " AND to_number = 9223372036854775807"
        )[0]["n"]
    allowed = 3 + ENVIRONMENTS * (math.ceil(APIS / 100) + 1) + 3 * instances
    most = max(run["requests"] for run in [*runs, again])
    line = Line(
        "21",
        f"sync of {APIS} APIs × {ENVIRONMENTS} at {LATENCY_MS} ms, {CONCURRENCY} in flight",
        [run["wall"] for run in [*runs, again]],
        [math.ceil(run["requests"] / CONCURRENCY) * LATENCY_MS / 1000 for run in [*runs, again]],
        1.3,
        "s",
        f"{most} requests of {allowed} allowed, peak {max(run['peak'] for run in runs)},"
        f" {written} bodies written again, {cpu:.2f} s of processor a sync",
    )
    facts = {"runs": runs, "again": again, "allowed": allowed, "bodies": written, "cpu": cpu}
    facts["ok"] = most <= allowed and written == 0
    return line, facts


def peak_mb(pid: int) -> float:
    """Return the most memory that a process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


async def memory(apis: int) -> float:
    """Return a worker's peak memory after a sync of so many APIs."""
    async with deployed(apis, 0) as machines:
        worker = await machines.worker(PLUMBLINE_SYNC_CONCURRENCY=str(CONCURRENCY))
        site = await machines.site()
        await connect(machines, site, [SPACE])
        await measured(machines, site, SPACE)
        return peak_mb(worker.process.pid)


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure() -> tuple[bool, dict[str, Any]]:
    """Print every figure; tell whether all goals were reached."""
    load = os.getloadavg()[0]
    line, facts = await reference()
    print(line.told())
    small, large = await memory(APIS), await memory(LARGE_APIS)
    growth = large - small
    print(
        f"    memory of a worker: {small:.0f} MB at {APIS * ENVIRONMENTS} instances, "
        f"{large:.0f} MB at {LARGE_APIS * ENVIRONMENTS}: growth {growth:.0f} MB, "
        f"goal ≤ {MOST_GROWTH_MB} MB  {'ok' if growth <= MOST_GROWTH_MB else 'MISSED'}"
    )
    is_ok = line.is_ok and bool(facts["ok"]) and growth <= MOST_GROWTH_MB
    print(f"    load before {load:.1f}, after {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores")
    figures = {"line": line.as_json(), **facts, "memory_mb": [small, large]}
    figures["median_wall"] = median(line.ours)
    return is_ok, figures


def main() -> int:
    """Run everything; with `--json` the figures go to that file too."""
    parser = argparse.ArgumentParser(prog="bench.sync", description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    try:
        is_ok, figures = asyncio.run(measure())
    finally:
        stop_cluster()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    return 0 if is_ok else 1


if __name__ == "__main__":
    sys.exit(main())
