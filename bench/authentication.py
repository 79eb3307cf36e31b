"""Signed pages against atlassian-connect-express: goals 1 to 4, both sides as served.

The page is `/pages/start`: its work beyond the authentication is a small template, and no right is
asked of Confluence for it. The peer sends the very same body without rendering anything, logs
nothing and adds no headers of its own choice, but signs a token on each answer, as it always does.
Run by `make bench`, or alone: `python -m bench.authentication --json out.json`.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.harness import Line
from bench.peers.door import in_process
from bench.peers.servers import SITES, Load, Served, ace, install, ours, signed, tampered
from sandbox.processes import Broken, Processes
from tests.postgres import FreshDatabase, cluster, fresh_database, stop_cluster

ROUNDS = 5
REQUESTS = 2000
CONNECTIONS = 8
ALONE_REQUESTS = 400
GOALS = ("1", "2", "3", "4", "4t")


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours and the peer, ready to be asked."""

    ours: Served
    peer: Served
    proof: str


def targets(count: int) -> list[str]:
    """Return so many signed addresses, the sites in turn."""
    return list(islice(cycle([signed(site) for site in SITES]), count))


def checked(load: Load, mine: Served, peer: Served) -> Pair:
    """Return the pair once both give the same page, and both refuse a query that was changed."""
    bodies = set()
    for server in (mine, peer):
        said = load.asked(server.port, targets(REQUESTS // 4), CONNECTIONS)
        if set(said["statuses"]) != {"200"}:
            raise Broken(f"{server.name} answered {said['statuses']}")
        bodies |= set(said["bodies"])
        refused = load.asked(server.port, [tampered(SITES[0])], 1)["statuses"]
        if refused != {"401": 1}:
            raise Broken(f"{server.name} answered a tampered query with {refused}")
    if len(bodies) != 1:
        raise Broken("the pages are not the same")
    return Pair(mine, peer, "same page; a tampered query is refused by both")


def cpu(load: Load, server: Served) -> float:
    """Return the processor time of one request, in milliseconds."""
    wanted = targets(REQUESTS)
    before = server.cpu_seconds()
    said = load.asked(server.port, wanted, CONNECTIONS)
    spent = server.cpu_seconds() - before
    if said["statuses"] != {"200": REQUESTS}:
        raise Broken(f"{server.name} answered {said['statuses']}")
    return spent / REQUESTS * 1000


def p50(load: Load, server: Served) -> float:
    """Return how long a request takes in the middle, with one at a time, in milliseconds."""
    seconds: list[float] = load.asked(server.port, targets(ALONE_REQUESTS), 1)["seconds"]
    return median(seconds) * 1000


def line(load: Load, pair: Pair, number: str, what: str, goal: float, measure: Any) -> Line:
    """Measure both in every round, the order rotated."""
    times: dict[str, list[float]] = {pair.ours.name: [], pair.peer.name: []}
    for turn in range(ROUNDS):
        for server in (pair.ours, pair.peer) if turn % 2 else (pair.peer, pair.ours):
            times[server.name].append(measure(load, server))
    mine, peers = times.values()
    return Line(number, what, mine, peers, goal, "ms", pair.proof)


def served(addresses: FreshDatabase, home: Path) -> Iterator[Line]:
    """Measure goals 1 to 3; say what the peer is made of first."""
    asyncio.run(install(addresses))
    with Processes(home) as processes, Load() as load:
        mine = ours(processes, addresses, has_memory=True)
        page = httpx.get(f"http://127.0.0.1:{mine.port}{signed(SITES[0])}", trust_env=False).text
        peer, versions = ace(processes, page)
        tell_setting(versions)
        pair = checked(load, mine, peer)
        yield line(load, pair, "1", "processor per signed page, site in memory", 0.65, cpu)
        yield line(load, pair, "3", "p50 of a signed page, one connection", 0.8, p50)
        mine = ours(processes, addresses, has_memory=False)
        peer, _ = ace(processes, page, addresses.superuser_url)
        pair = checked(load, mine, peer)
        yield line(load, pair, "2", "the same, site read from Postgres each time", 1.0, cpu)


def tell_setting(versions: Mapping[str, str]) -> None:
    """Print what is measured, where."""
    print(
        f"signed pages: {os.cpu_count()} cores, Python {platform.python_version()}, PyJWT "
        f"{version('pyjwt')}, atlassian-connect-express {versions['ace']}, Express "
        f"{versions['express']}, Node {versions['node']}, {ROUNDS} rounds of {REQUESTS} requests",
        flush=True,
    )


def measured() -> Iterator[Line]:
    """Measure everything on a database of its own."""
    addresses = fresh_database()
    try:
        with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as home:
            yield from served(addresses, Path(home))
        yield from in_process(addresses)
    finally:
        cluster().drop(addresses)
        stop_cluster()


def main() -> int:
    """Print the setting and a line per goal; 0 if all are reached."""
    parser = argparse.ArgumentParser(prog="bench.authentication", description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    lines = []
    load_before = os.getloadavg()[0]
    try:
        for each in measured():
            lines.append(each)
            print(each.told(), flush=True)
    except Broken as problem:
        missing = [goal for goal in GOALS if goal not in {each.number for each in lines}]
        print(f"NOT RUN: goals {', '.join(missing)}: {problem}  MISSED")
        return 1
    print(f"    load before {load_before:.1f}, after {os.getloadavg()[0]:.1f}")
    if options.json:
        options.json.write_text(json.dumps([each.as_json() for each in lines], indent=2))
    return 0 if all(each.is_ok for each in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
