"""The overview in a real browser, and under load: goals 10, 11, 12 and 22.

Both stand-ins and `plumbline serve` run as in the demo, with a space of 10,000 APIs, one of 1,000
and one of 10,000 instances, planted into the store by its own functions. The floor is a static page: the tab's own HTML
with 50 rows and its style sheets, no script, served from memory into a frame of the same size.
Run by `make bench`, or alone: `python -m bench.pages --json out.json`.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from pathlib import Path
from threading import Thread

import httpx
from playwright.async_api import Frame, Page

from app.caller import SpaceId
from app.posture.assessment import assess_api
from app.posture.model import Environment, EnvironmentReading, Scope
from app.store import asking, connections, leases, marks, publishing, sites
from app.store.database import Database
from app.store.embedded import EmbeddedPostgres
from app.store.publishing import AssessedApi, PublishedRows
from app.store.sections import digest
from app.store.syncs import Outcome
from bench.comparison import estate, lazy
from bench.harness import Line
from sandbox import browser as browsers
from sandbox import stack
from sandbox.journey import POSTURE
from sandbox.stack import Estate, Stack

MANY, FEW = 10_000, 1_000
ENVIRONMENTS, INSTANCES = 3, 10_000
LOADED = ceil(INSTANCES / ENVIRONMENTS)
"""APIs of the space that is under load: goal 22 speaks of instances, the others of APIs."""
ROUNDS = 7
PEOPLE, PAUSE, SECONDS = 20, 2.0, 20.0
MOST_SECONDS = 0.3
STATIC = Path(__file__).parents[1] / "static"
ROWS = "table.posture tbody tr"
USABLE = """
addEventListener("load", () => {
  const root = document.documentElement;
  const told = () => requestAnimationFrame(() => requestAnimationFrame(() => {
    window.usable = performance.now();
  }));
  if (!document.querySelector("script[type=module]") || root.dataset.ready) return told();
  new MutationObserver((_, watch) => {
    if (root.dataset.ready) { watch.disconnect(); told(); }
  }).observe(root, { attributes: true });
});
"""
"""In every frame: when the page is loaded, its script is up, and the frame after is drawn."""

FILTERED = """
(id) => new Promise((done) => {
  const start = performance.now();
  const drawn = () => requestAnimationFrame(() => requestAnimationFrame(() => {
    done(performance.now() - start);
  }));
  new MutationObserver((_, watch) => {
    if (document.querySelector("[aria-busy]")) return;
    watch.disconnect();
    drawn();
  }).observe(document.getElementById("table-region").parentNode.parentNode,
             { childList: true, subtree: true });
  document.getElementById(id).click();
})
"""
"""From a click on a verdict's total to the frame in which the new rows stand."""


# ── The data ─────────────────────────────────────────────────────────────────────────────────


async def plant(database: Database, issuer: str, space: str, apis: int) -> None:
    """Publish a sync of so many APIs in the space's own environments, as a sync would."""
    async with database.lookup(issuer) as db:
        site_id = await sites.site_of(db, issuer)
    assert site_id is not None
    place, now = (site_id, SpaceId(space)), datetime.now(UTC)
    async with database.transaction(site_id) as db:
        connection = await connections.current(db, *place)
        assert connection is not None
        environments = connection.environments
        sync, _ = await asking.request(db, *place, None, now)
        attempt = await leases.begin(db, *place, sync.id, 600)
        assert attempt is not None
        await marks.save_environments(db, *place, sync.id, attempt, environments)
        for each in environments:
            await marks.finish_environment(
                db, *place, sync.id, attempt, each.id,
                outcome=Outcome.OK, read_at=now, instances=apis,
            )  # fmt: skip
    rows = await asyncio.to_thread(_assessed, environments, apis, now)
    async with database.transaction(site_id) as db:
        await publishing.publish(db, *place, sync.id, attempt, rows, now)


def _assessed(environments: Sequence[Environment], apis: int, now: datetime) -> PublishedRows:
    over = Scope(tuple(map(EnvironmentReading, environments)), environments[-1].id, now)
    rows = []
    for asset, sides in estate(apis):
        raw = lazy(asset, sides)
        pairs = zip(raw.instances, environments, strict=True)
        here = tuple(each._replace(environment_id=place.id) for each, place in pairs)
        rows.append(AssessedApi(assess_api(over, raw._replace(instances=here)), digest(asset)))
    return PublishedRows(rows, baseline_environment_id=environments[-1].id)


@contextmanager
def product(folder: Path) -> Iterator[tuple[Stack, Stack, Stack]]:
    """Run the product with its spaces; yields that of many APIs, of few, and that under load."""
    small = Estate(apis=3, environments=ENVIRONMENTS)
    with stack.running(folder, sites=3, estate=small) as running:
        places = running, running.at_site(1), running.at_site(2)
        server = EmbeddedPostgres(folder)
        _, app_url = server.start()
        try:
            for place, apis in zip(places, (MANY, FEW, LOADED), strict=True):
                place.install()
                place.connect()
                for _ in place.progress():
                    pass
                asyncio.run(_planted(app_url, place, apis))
            yield places
        finally:
            server.stop()


async def _planted(app_url: str, place: Stack, apis: int) -> None:
    database = Database(app_url, statement_seconds=300)
    try:
        await plant(database, place.site["client_key"], place.space["id"], apis)
    finally:
        await database.close()


# ── The floor ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def static_site(page: str) -> Iterator[str]:
    """Serve a page in a frame from memory; yields the address of what frames it."""
    files = {f"/{path.name}": path.read_bytes() for path in STATIC.glob("*.css")}
    frame = b'<!doctype html><iframe id="app" src="/page" width="1240" height="820"></iframe>'
    pages = {"/host": frame, "/page": page.encode()}

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = f"/{self.path.rpartition('/')[2]}"
            body = pages.get(name) or files.get(name, b"")
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html" if name in pages else "text/css")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store" if name in pages else "max-age=3600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the time of printing would be measured too."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/host"
    finally:
        server.shutdown()


async def as_static(frame: Frame) -> str:
    """Return the tab as it stands in the browser, as a page without scripts."""
    return re.sub(r"<script\b.*?</script>", "", await frame.content(), flags=re.DOTALL)


# ── In the browser ───────────────────────────────────────────────────────────────────────────


@dataclass
class Seen:
    """A window of one person, and the addresses of both spaces and of the floor."""

    page: Page
    many: str
    few: str
    floor: str = ""

    async def usable(self, address: str) -> float:
        """Open a page and return after how many milliseconds its frame was usable."""
        frame = await self.opened(address)
        await frame.wait_for_function("() => window.usable")
        return float(await frame.evaluate("() => window.usable"))

    async def opened(self, address: str) -> Frame:
        """Open a page anew and return the frame in it."""
        await self.page.goto("about:blank")
        await self.page.goto(address)
        holder = await self.page.wait_for_selector("iframe")
        frame = await holder.content_frame() if holder else None
        assert frame is not None
        # Not until they are visible: to find that out the page would be laid out for our sake.
        await frame.wait_for_selector(ROWS, state="attached")
        return frame

    async def filtered(self) -> float:
        """Return the milliseconds from a click on a filter to the drawn rows."""
        frame = await self.opened(self.many)
        await frame.wait_for_function("() => window.usable")
        spent = float(await frame.evaluate(FILTERED, "total-drift"))
        assert await frame.locator(f'{ROWS}:not([data-verdict="drift"])').count() == 0
        return spent

    async def nodes(self, address: str) -> int:
        """Return how many elements a page of 100 rows has."""
        frame = await self.opened(f"{address}#!size=100")
        await frame.wait_for_function(
            "(rows) => document.querySelectorAll(rows).length == 100", arg=ROWS
        )
        return int(await frame.evaluate("() => document.querySelectorAll('*').length"))


async def in_browser(many: Stack, few: Stack, rounds: int) -> list[Line]:
    """Return the lines of goals 10, 11 and 12."""
    async with browsers.chromium() as chromium:
        context = await chromium.new_context(viewport={"width": 1280, "height": 900})
        await context.add_init_script(USABLE)
        seen = Seen(await context.new_page(), address_of(many), address_of(few))
        await seen.usable(seen.few)
        frame = await seen.opened(seen.many)
        await frame.wait_for_function("() => window.usable")
        with static_site(await as_static(frame)) as seen.floor:
            return [*await opening(seen, rounds), await drawing(seen, rounds), await size(seen)]


def address_of(place: Stack) -> str:
    """Return where the host shows the tab to a viewer."""
    return f"{place.address(POSTURE)}&as=viewer"


async def opening(seen: Seen, rounds: int) -> list[Line]:
    """Goal 10: until the overview is usable."""
    times: dict[str, list[float]] = {seen.many: [], seen.few: [], seen.floor: []}
    for turn in range(rounds + 1):
        order = list(times) if turn % 2 else list(times)[::-1]
        for address in order:
            spent = await seen.usable(address)
            if turn:  # the first one fills the browser's caches
                times[address].append(spent)
    many, few, floor = times.values()
    what = f"overview usable in the browser, {MANY:,} APIs stored, against "
    proof = "the same 50 rows; script up, frame drawn"
    return [
        Line("10", f"{what}a static page of 50", many, floor, 1.5, "ms", proof),
        Line("10", f"{what}{FEW:,}", many, few, 1.1, "ms", "50 rows each"),
    ]


async def drawing(seen: Seen, rounds: int) -> Line:
    """Goal 12: from a filter to the drawn rows."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        times[0].append(await seen.filtered())
        times[1].append(await seen.usable(seen.floor))
    what = f"filter to drawn, {MANY:,} APIs stored, against a static page of 50"
    return Line("12", what, *times, 2.0, "ms", "server trip included; only matching rows stand")


async def size(seen: Seen) -> Line:
    """Goal 11: elements of the largest page."""
    found = [float(await seen.nodes(address)) for address in (seen.many, seen.few)]
    what = f"elements of a page of 100, {MANY:,} and {FEW:,} APIs stored"
    return Line("11", what, found, [4000.0] * 2, 1.0, "", "the peer is the most there may be")


# ── Under load ───────────────────────────────────────────────────────────────────────────────


async def under_load(place: Stack, rounds: int) -> Line:
    """Goal 22: the slowest of a hundred overviews while twenty people click, a round each."""
    token = place.control("token", **{"as": "viewer", "space": place.space["id"]})["token"]
    url = f"{place.app_url}/fragments/spaces/{place.space['id']}/posture"
    every = [await _clicked(url, {"Authorization": f"JWT {token}"}) for _ in range(rounds)]
    slowest = [sorted(times)[ceil(len(times) * 0.99) - 1] * 1000 for times in every]
    what = f"overview under load, {INSTANCES:,} instances stored, 99 of 100"
    proof = (
        f"{sum(map(len, every))} answers to {PEOPLE} people who filter or turn the page every "
        f"{PAUSE:.0f} s, asked for by the cores that answer; the peer is the most there may be"
    )
    return Line("22", what, slowest, [MOST_SECONDS * 1000] * rounds, 1.0, "ms", proof)


async def _clicked(url: str, headers: dict[str, str]) -> list[float]:
    """Return the times of all answers of one round, in seconds."""
    times: list[float] = []
    async with httpx.AsyncClient(headers=headers, timeout=60) as http:
        until = time.monotonic() + SECONDS
        await asyncio.gather(*(_clicking(http, url, n, until, times) for n in range(PEOPLE)))
    return times


async def _clicking(
    http: httpx.AsyncClient, url: str, person: int, until: float, times: list[float]
) -> None:
    """Ask for another filtered page every now and then."""
    await asyncio.sleep(PAUSE * person / PEOPLE)
    for turn in range(1000):
        if time.monotonic() > until:
            return
        query = ({}, {"verdict": "drift"}, {"search": "0"}, {"page": "3"})[(person + turn) % 4]
        start = time.monotonic()
        answer = await http.get(url, params=query)
        times.append(time.monotonic() - start)
        assert answer.status_code == 200, answer.text
        await asyncio.sleep(max(0.0, PAUSE - times[-1]))


# ── Together ─────────────────────────────────────────────────────────────────────────────────


def measured(rounds: int) -> Iterator[Line]:
    """Yield the line of every goal."""
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder,
        product(Path(folder)) as (many, few, loaded),
    ):
        yield from asyncio.run(in_browser(many, few, rounds))
        yield asyncio.run(under_load(loaded, rounds))


def main() -> int:
    """Print a line per goal; 0 only if all are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"pages: load {os.getloadavg()}", flush=True)
    lines = []
    for line in measured(options.rounds):
        print(line.told(), flush=True)
        lines.append(line)
    if options.json:
        options.json.write_text(json.dumps([line.as_json() for line in lines], indent=2))
    return 0 if all(line.is_ok for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
