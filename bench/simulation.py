"""Hundreds of connections of several sites with two worker processes: throughput, turns, nothing lost.

Run by `make bench`, or alone: `python -m bench.simulation --json out.json`. It ends by itself.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import quantiles
from typing import Any

from app.caller import SiteId, SpaceId
from app.store import agenda
from bench.sync import cpu_seconds, deployed, peak_mb
from sandbox.processes import Child
from tests.faults import invariants
from tests.faults.machines import Machines, eventually, utc_now
from tests.postgres import stop_cluster

CROWD_SPACES = 190
OTHER_SITES, SPACES_OF_OTHERS = 6, 10
SITES_DUE_AGAIN = 3
APIS, ENVIRONMENTS, LATENCY_MS = 4, 2, 20
WORKERS = ("first", "second")
LONGEST_SECONDS = 190
MOST_SHARE_BEFORE_THE_SINGLE = 0.2
"""Of the crowd's syncs, so many may be over before the single one: first come, then turns."""

Place = tuple[SiteId, SpaceId]

AGES = """
SELECT extract(epoch FROM started_at - requested_at)::float AS waited FROM syncs
WHERE started_at IS NOT NULL
"""

BEFORE_THE_SINGLE = """
SELECT count(*) FILTER (WHERE s.finished_at < one.finished_at)::float / count(*) AS share,
  extract(epoch FROM max(one.finished_at - one.requested_at))::float AS single,
  extract(epoch FROM max(s.finished_at) - min(s.requested_at))::float AS crowd
FROM syncs s, syncs one
WHERE s.site_id = '{crowd}' AND one.site_id = '{single}'
"""

PUBLISHED = """
SELECT c.site_id::text AS site, c.space_id AS space, count(s.sync_id) AS times FROM connections c
LEFT JOIN syncs s ON s.site_id = c.site_id AND s.space_id = c.space_id AND s.state = 'published'
GROUP BY c.site_id, c.space_id
"""


async def connected(machines: Machines, name: str, spaces: int) -> list[Place]:
    """Return so many connected spaces of a new site."""
    site = await machines.site(name)
    places = [(site, SpaceId(str(number))) for number in range(1, spaces + 1)]
    for place in places:
        await machines.connect(*place)
    return places


async def make_due(machines: Machines, places: Sequence[Place]) -> None:
    """Let the schedule find these spaces due."""
    for site, space in places:
        async with machines.database.transaction(site) as db:
            await agenda.schedule(db, site, space, utc_now())


async def all_over(machines: Machines, syncs: int, until: float) -> tuple[float, int]:
    """Wait until so many syncs have ended, or no longer; return the seconds and how many have."""
    begun = time.monotonic()
    ended = "SELECT count(*) AS n FROM syncs WHERE finished_at IS NOT NULL"

    async def so_many() -> int:
        return int(machines.rows(ended)[0]["n"])

    with suppress(AssertionError):  # what is not over in time is told in the figures
        await eventually(so_many, lambda n: n >= syncs, "the last sync", until - begun)
    return time.monotonic() - begun, await so_many()


def megabytes(machines: Machines) -> float:
    """Return the size of the database."""
    size: int = machines.rows("SELECT pg_database_size(current_database()) AS n")[0]["n"]
    return size / 2**20


def cost(workers: Sequence[Child], syncs: int) -> dict[str, Any]:
    """Return what the worker processes took for so many syncs."""
    pids = [worker.process.pid for worker in workers]
    return {
        "cpu_seconds_per_sync": round(sum(map(cpu_seconds, pids)) / syncs, 3),
        "worker_mb": [round(peak_mb(pid)) for pid in pids],
    }


def waits(machines: Machines) -> dict[str, float]:
    """Return for how long syncs waited in the queue, in seconds."""
    cuts = quantiles([row["waited"] for row in machines.rows(AGES)], n=20)
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1)}


def lost_or_repeated(machines: Machines, due: dict[Place, int]) -> int:
    """Return how many connections were not published exactly as often as they were due."""
    times = {(row["site"], row["space"]): row["times"] for row in machines.rows(PUBLISHED)}
    return sum(times[place] != n for place, n in due.items())


async def simulated() -> dict[str, Any]:
    """Let everything be due at once, then the smaller sites once more; return the figures."""
    async with deployed(APIS, LATENCY_MS, ENVIRONMENTS) as machines:
        crowd = await connected(machines, "crowd", CROWD_SPACES)
        single = await connected(machines, "single", 1)
        others = [
            place
            for number in range(OTHER_SITES)
            for place in await connected(machines, f"other{number}", SPACES_OF_OTHERS)
        ]
        empty = megabytes(machines)
        for place in (*crowd, *single):
            await machines.start(*place)
        await make_due(machines, others)
        until = time.monotonic() + LONGEST_SECONDS
        workers = [await machines.worker(name, PLUMBLINE_LEASE_SECONDS="30") for name in WORKERS]
        first = len(crowd) + len(single) + len(others)
        took, over = await all_over(machines, first, until)
        figures = {"connections": first, "seconds": round(took, 1), **cost(workers, over)}
        figures["syncs_per_minute"] = round(60 * over / took)
        figures["queue_seconds"] = waits(machines)
        fair = BEFORE_THE_SINGLE.format(crowd=crowd[0][0], single=single[0][0])
        figures["fairness"] = {k: round(v, 2) for k, v in machines.rows(fair)[0].items()}
        full = megabytes(machines)
        again_due = others[: SITES_DUE_AGAIN * SPACES_OF_OTHERS]
        await make_due(machines, again_due)
        await all_over(machines, first + len(again_due), until)
        again = megabytes(machines)
        figures["database_mb"] = [round(size, 1) for size in (empty, full, again)]
        due = dict.fromkeys((*crowd, *single, *others), 1) | dict.fromkeys(again_due, 2)
        figures["lost_or_repeated"] = lost_or_repeated(machines, due)
        ends = "SELECT state, reason, count(*) AS n FROM syncs GROUP BY 1, 2 ORDER BY 3 DESC"
        figures["ends"] = machines.rows(ends)
        figures["requests"] = (await machines.stats())["requests"]
        if not figures["lost_or_repeated"]:
            await invariants.check(machines, apis=APIS * first)
        return figures


def told(figures: dict[str, Any]) -> str:
    """Return the figures as they are printed."""
    fair, waited = figures["fairness"], figures["queue_seconds"]
    empty, full, again = figures["database_mb"]
    return (
        f"    {figures['connections']} connections of {OTHER_SITES + 2} sites, all due at once, "
        f"{APIS} APIs × {ENVIRONMENTS}, two workers: {figures['syncs_per_minute']} syncs a minute, "
        f"{figures['cpu_seconds_per_sync']} s of processor each, "
        f"workers of {' and '.join(map(str, figures['worker_mb']))} MB\n"
        f"    waited in the queue: median {waited['p50']} s, 95th percentile {waited['p95']} s\n"
        f"    turns: the single sync was over after {fair['single']} s, the crowd's {CROWD_SPACES} "
        f"after {fair['crowd']} s; {fair['share']:.0%} of these before the single one, "
        f"goal ≤ {MOST_SHARE_BEFORE_THE_SINGLE:.0%}\n"
        f"    database: {empty} MB connected, {full} MB after the first syncs, "
        f"{again} MB after {SITES_DUE_AGAIN * SPACES_OF_OTHERS} unchanged ones\n"
        f"    connections not published exactly as often as due: {figures['lost_or_repeated']}"
        f" (syncs ended: {', '.join(str(tuple(end.values())) for end in figures['ends'])})"
    )


def main() -> int:
    """Run it; with `--json` the figures go to that file too."""
    parser = argparse.ArgumentParser(prog="bench.simulation", description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    try:
        figures = asyncio.run(simulated())
    finally:
        stop_cluster()
    is_fair = figures["fairness"]["share"] <= MOST_SHARE_BEFORE_THE_SINGLE
    is_ok = is_fair and figures["lost_or_repeated"] == 0
    print(told(figures))
    print(
        f"    {'ok' if is_ok else 'MISSED'}; load before {load:.1f}, after "
        f"{os.getloadavg()[0]:.1f}; {os.cpu_count()} cores"
    )
    if options.json:
        options.json.write_text(json.dumps(figures | {"ok": is_ok}, indent=2))
    return 0 if is_ok else 1


if __name__ == "__main__":
    sys.exit(main())
