"""The store's growth and speed as ratios: goals 16 to 20, on a real database, in the product's code.

The peers are what is usual: one JSONB document per instance and sync, and a trend that is counted
again from what is kept. Run by `make bench`, or alone: `python -m bench.storage --json out.json`.
"""

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
import psycopg
from sqlalchemy import text

from app.posture.assessment import assess_api
from app.posture.model import ApiPosture, ApiReading, InstanceReading, Section
from app.store import (
    asking,
    connections,
    leases,
    marks,
    posture_rows,
    publishing,
    readings,
    rollups,
    sections,
)
from app.store.database import DB, Database
from app.store.embedded import APP, EmbeddedPostgres
from app.store.encryption import Keyring
from app.store.migrating import upgrade
from app.store.posture_rows import Filter
from app.store.publishing import AssessedApi, PublishedRows
from app.store.readings import Reading
from app.store.sections import Digests
from app.store.syncs import Outcome
from app.sync.collect import BATCH_INSTANCES
from bench.comparison import ENVIRONMENTS, estate, scope
from bench.harness import Line
from tests.store.estate import SPACE, Home, settle

INSTANCES = 10_000
DAYS = 90
BLOCKS = 5
SHARE = 0.01
BATCH = BATCH_INSTANCES
"""What a sync writes at once, where no network keeps it waiting: that is left out on both sides."""

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
GROUP = "9a11f2a0-0000-4000-8000-000000000001"
YEAR = 365
WANTED = Filter(search="experience", verdicts=("threat", "drift"), environments=("test",))
TABLES = [
    "sections",
    "instance_versions",
    "posture_rows",
    "findings",
    "syncs",
    "sync_environments",
    "daily_rollups",
    "readings",
]

Instance = tuple[str, int]
Bodies = tuple[bytes, bytes, bytes, bytes]


# ── The data ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class Landscape:
    """What Anypoint would say: sections of each API in three environments, changing day by day."""

    apis: dict[str, list[Bodies]]
    rng: Random = field(default_factory=lambda: Random(7))

    def instances(self) -> Iterator[tuple[str, str, int, Bodies]]:
        """Go through all instances: API, environment, id, bodies."""
        for number, (asset, sides) in enumerate(self.apis.items()):
            for place, (environment, bodies) in enumerate(zip(ENVIRONMENTS, sides, strict=True)):
                yield f"{GROUP}/{asset}", environment.id, number * 3 + place, bodies

    def change(self) -> tuple[set[str], int]:
        """Change one section of one instance in a hundred; return the APIs and the raw bytes."""
        count = round(len(self.apis) * len(ENVIRONMENTS) * SHARE)
        changed, size = set(), 0
        for asset in self.rng.sample(list(self.apis), count):
            place = self.rng.randrange(len(ENVIRONMENTS))
            facts, policies, tiers, contracts = self.apis[asset][place]
            held = orjson.loads(policies)
            held[1]["configuration"]["rateLimits"][0]["maximumRequests"] = self.rng.randrange(
                10_000
            )
            policies = sections.canonical(held)
            self.apis[asset][place] = (facts, policies, tiers, contracts)
            changed.add(f"{GROUP}/{asset}")
            size += len(policies)
        return changed, size


def landscape(instances: int) -> Landscape:
    """Return so many instances, about 3.5 KB each; a fifth of the APIs differ somewhere."""
    raw = estate(instances // len(ENVIRONMENTS))
    return Landscape({asset: [_undated(side) for side in sides] for asset, sides in raw})


def _undated(bodies: Bodies) -> Bodies:
    # The peer counts by digests alone, so dates that are never compared must not differ.
    facts, policies, tiers, contracts = bodies
    plain = [contract | {"approved_at": None} for contract in orjson.loads(contracts)]
    return facts, policies, tiers, sections.canonical(plain)


# ── Ours ─────────────────────────────────────────────────────────────────────────────────────


class Ours:
    """The product's own store, fed as a sync feeds it."""

    def __init__(self, home: Home, data: Landscape) -> None:
        self.home, self.data = home, data
        self.known: frozenset[bytes] = frozenset()

    def postures(self, keys: set[str] | None) -> PublishedRows:
        """Assess what changed; None means everything."""
        assessed, kept = [], []
        for asset, sides in self.data.apis.items():
            key = f"{GROUP}/{asset}"
            if keys is None or key in keys:
                assessed.append(AssessedApi(_posture(key, sides), _input(sides)))
            else:
                kept.append(key)
        return PublishedRows(assessed, kept, baseline_environment_id="prod")

    async def store(self, rows: PublishedRows, now: datetime, batch: int) -> None:
        """Hash and write a whole sync, batch by batch as it would come, and publish it."""
        home = self.home
        place = (home.site_id, home.space_id)
        async with home.database.transaction(home.site_id) as db:
            sync, _ = await asking.request(db, *place, None, now)
            attempt = await leases.begin(db, *place, sync.id, 600)
            assert attempt is not None
            await marks.save_environments(db, *place, sync.id, attempt, ENVIRONMENTS)
        staged: list[Reading] = []
        bodies: dict[bytes, bytes] = {}
        for key, environment, instance, held in self.data.instances():
            digests = [sections.digest_of(body) for body in held]
            pairs = zip(digests, held, strict=True)
            bodies.update(pair for pair in pairs if pair[0] not in self.known)
            staged.append(Reading(environment, instance, key, Digests(*digests), {}, None))
            if len(staged) == batch:
                await self._write(sync.id, attempt, staged, bodies)
                staged, bodies = [], {}
        await self._write(sync.id, attempt, staged, bodies)
        async with home.database.transaction(home.site_id) as db:
            for finished in ENVIRONMENTS:
                await marks.finish_environment(
                    db, *place, sync.id, attempt, finished.id,
                    outcome=Outcome.OK, reason=None, read_at=now, instances=len(self.data.apis),
                )  # fmt: skip
        async with home.database.transaction(home.site_id) as db:
            await publishing.publish(db, *place, sync.id, attempt, rows, now)

    async def _write(
        self, sync_id: str, attempt: int, staged: Sequence[Reading], bodies: dict[bytes, bytes]
    ) -> None:
        site_id = self.home.site_id
        async with self.home.database.transaction(site_id) as db:
            await sections.save(db, site_id, bodies)
            await readings.save(db, site_id, SPACE, sync_id, attempt, staged)

    async def learn(self) -> None:
        """Look up, as a sync does at its beginning, what is kept already."""
        async with self.home.database.transaction(self.home.site_id) as db:
            held = await sections.known_digests(db, self.home.site_id, SPACE)
        every = (digest for digests in held.values() for digest in astuple(digests))
        self.known = frozenset(digest for digest in every if digest)

    async def page(self, db: DB, number: int) -> tuple[list[str], int]:
        """Return the first page of a filtered overview, and its total."""
        found = await posture_rows.page(db, self.home.site_id, SPACE, number, WANTED)
        return [row.api_key for row in found.rows], found.total

    async def trend(self, db: DB, days: int) -> list[tuple[int, int]]:
        """Return per day how many APIs are aligned and how many are not."""
        first = START.date()
        found = await rollups.since(
            db, self.home.site_id, SPACE, first, first + timedelta(days=days - 1)
        )
        return [(day.verdicts["aligned"], _others(day.verdicts)) for day in found]


def _others(verdicts: Mapping[str, int]) -> int:
    return sum(verdicts.values()) - verdicts["aligned"]


def _posture(key: str, sides: Sequence[Bodies]) -> ApiPosture:
    pairs = enumerate(zip(ENVIRONMENTS, sides, strict=True))
    read = (_reading(place, environment.id, bodies) for place, (environment, bodies) in pairs)
    return assess_api(scope(), ApiReading(key, tuple(read)))


def _reading(place: int, environment_id: str, bodies: Bodies) -> InstanceReading:
    facts, policies, tiers, contracts = (
        Section(orjson.loads(body), sections.digest_of(body)) for body in bodies
    )
    return InstanceReading(environment_id, place, facts, policies, tiers, contracts)


def _input(sides: Sequence[Bodies]) -> bytes:
    return sections.digest_of(b"".join(sections.digest_of(body) for side in sides for body in side))


# ── The peers ────────────────────────────────────────────────────────────────────────────────

PEER_TABLE = """
CREATE TABLE plumbline.peer_documents (
  number bigint NOT NULL, environment_id text NOT NULL, instance_id bigint NOT NULL,
  document jsonb NOT NULL, PRIMARY KEY (number, environment_id, instance_id))
"""

PEER_PAGE = """
WITH apis AS (
  SELECT document ->> 'api_key' AS api_key, min(document -> 'api' ->> 'name') AS name,
    min((document -> 'api' ->> 'verdict_rank')::int) AS verdict_rank,
    {counts}
  FROM plumbline.peer_documents
  WHERE number = %(number)s AND document -> 'api' ->> 'verdict' IN ('threat', 'drift')
    AND (document -> 'api' ->> 'name' ILIKE '%%experience%%'
      OR document -> 'api' ->> 'group_id' ILIKE '%%experience%%'
      OR document -> 'api' ->> 'asset_id' ILIKE '%%experience%%')
    AND jsonb_exists(document -> 'api' -> 'places', 'test')
  GROUP BY 1)
SELECT api_key, count(*) OVER () FROM apis
ORDER BY verdict_rank, critical DESC, high DESC, medium DESC, low DESC, info DESC, lower(name),
  api_key
LIMIT 50
""".format(
    counts=", ".join(
        f"min((document -> 'api' ->> '{name}')::int) AS {name}"
        for name in ("critical", "high", "medium", "low", "info")
    )
)

RECOUNT = """
SELECT day.number, count(*) FILTER (WHERE NOT differs), count(*) FILTER (WHERE differs)
FROM generate_series(1, CAST(:days AS int)) day(number), LATERAL (
  SELECT v.api_key, count(DISTINCT v.policies) > 1 OR count(DISTINCT v.tiers) > 1
      OR count(DISTINCT v.contracts) > 1 AS differs
  FROM instance_versions v
  WHERE v.site_id = CAST(:site_id AS uuid) AND v.space_id = :space_id
    AND v.from_number <= day.number AND v.to_number > day.number
  GROUP BY v.api_key) apis
GROUP BY day.number ORDER BY day.number
"""


def document_rows(
    data: Landscape, rows: dict[str, dict[str, Any]], number: int
) -> Iterator[tuple[object, ...]]:
    """Return one document per instance: its four sections, and what the overview shows."""
    for key, environment, instance, bodies in data.instances():
        facts, policies, tiers, contracts = bodies
        document = b'{"api_key":%s,"api":%s,"facts":%s,"policies":%s,"tiers":%s,"contracts":%s}' % (
            orjson.dumps(key), orjson.dumps(rows[key]), facts, policies, tiers, contracts,
        )  # fmt: skip
        yield number, environment, instance, document.decode()


class Peer:
    """The usual way, on the same server, with a connection of its own."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], data: Landscape) -> None:
        self.connection, self.data = connection, data
        self.number = 0

    async def store(self, rows: dict[str, dict[str, Any]]) -> None:
        """Write a whole sync: all documents, in one COPY."""
        self.number += 1
        statement = "COPY plumbline.peer_documents FROM STDIN"
        async with (
            self.connection.transaction(),
            self.connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for row in document_rows(self.data, rows, self.number):
                await copy.write_row(row)

    async def page(self) -> tuple[list[str], int]:
        """Return the first page of the same filtered overview, and its total."""
        async with self.connection.transaction():
            found = await self.connection.execute(PEER_PAGE.encode(), {"number": self.number})
            rows = await found.fetchall()
        return [row[0] for row in rows], rows[0][1] if rows else 0


async def recounted(db: DB, ours: Ours, days: int) -> list[tuple[int, int]]:
    """Return the trend, counted from the digests of every instance of every day."""
    values = {"site_id": ours.home.site_id, "space_id": SPACE, "days": days}
    rows = await db.execute(text(RECOUNT), values)
    return [(row[1], row[2]) for row in rows]


# ── The measuring ────────────────────────────────────────────────────────────────────────────


@dataclass
class Bench:
    """Both designs with the same data."""

    ours: Ours
    peer: Peer
    data: Landscape
    owner: psycopg.AsyncConnection[Any]
    days: int
    processors: Callable[[], float]
    day: int = 0

    async def next_day(self) -> tuple[PublishedRows, datetime, int]:
        """Let a hundredth change; return what to publish, when, and the changed bytes."""
        changed, size = (None, 0) if self.day == 0 else self.data.change()
        rows = self.ours.postures(changed)
        await self.ours.learn()
        self.day += 1
        return rows, START + timedelta(days=self.day - 1), size

    async def size(self, *tables: str) -> int:
        """Return the bytes of tables with their indexes, what was deleted swept up."""
        total = 0
        for table in tables:
            await self.owner.execute(f"VACUUM ANALYZE plumbline.{table}".encode())
            question = f"SELECT pg_total_relation_size('plumbline.{table}')"
            row = await (await self.owner.execute(question.encode())).fetchone()
            total += row[0] if row else 0
        return total

    async def overview_rows(self) -> dict[str, dict[str, Any]]:
        """Return what the overview shows of each API, for the peer's documents."""
        async with self.ours.home.database.transaction(self.ours.home.site_id) as db:
            rows = await db.execute(
                text("SELECT * FROM posture_rows WHERE to_number > :n"), {"n": self.day}
            )
            return {row["api_key"]: _shown(row) for row in rows.mappings()}


HIDDEN = {"site_id", "space_id", "from_number", "to_number", "api_id", "input_digest", "digest"}


def _shown(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in HIDDEN}


async def seconds(run: Callable[[], Awaitable[Any]]) -> float:
    """Return the time of one run by the clock: most of it is the server's."""
    start = time.perf_counter()
    await run()
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class Processors:
    """The processor time of this process and of the server with all of its backends.

    The clock on the wall says more of who else is at work: ours asks a hundred times where the
    peer streams once, and each answer waits for its turn.
    """

    postmaster: int

    def __call__(self) -> float:
        """Return the seconds used so far; what backends used that have ended is in them."""
        used = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):
                pid, parent, times = _parts(stat.read_text())
                if pid == self.postmaster:
                    used += sum(times)
                elif parent == self.postmaster:
                    used += sum(times[:2])
        return time.process_time() + used / os.sysconf("SC_CLK_TCK")


def _parts(stat: str) -> tuple[int, int, list[int]]:
    """Return a process's id, its parent's, and its own ticks and those of its ended children."""
    before, _, after = stat.rpartition(")")
    fields = after.split()
    return int(before.split()[0]), int(fields[1]), [int(each) for each in fields[11:15]]


async def rotated(
    rounds: int,
    ours: Callable[[], Awaitable[Any]],
    peer: Callable[[], Awaitable[Any]],
    times: int = 1,
) -> tuple[list[float], list[float]]:
    """Time both in every round, the order rotated; `times` are runs of ours per round."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        for place in (0, 1) if turn % 2 else (1, 0):
            count = 1 if place else times
            spent = 0.0
            for _ in range(count):
                spent += await seconds(peer if place else ours)
            found[place].append(spent / count)
    return found


async def growth(bench: Bench) -> Iterator[Line]:
    """Fill the history; goals 16 and 17."""
    rows, now, _ = await bench.next_day()
    await bench.ours.store(rows, now, BATCH)
    first = before = await bench.size(*TABLES)
    grown, raw = [], []
    block = max(1, (bench.days - 1) // BLOCKS)
    while bench.day < bench.days:
        changed = 0
        start = bench.day
        while bench.day < min(bench.days, start + block):
            rows, now, size = await bench.next_day()
            await bench.ours.store(rows, now, BATCH)
            await bench.size(*TABLES)  # as Postgres sweeps by itself within a day
            changed += size
        after = await bench.size(*TABLES)
        days = bench.day - start
        grown.append((after - before) / days / 1000)
        raw.append(changed / days / 1000)
        before = after
    await bench.peer.store(await bench.overview_rows())
    documents = await bench.size("peer_documents") * YEAR
    year = first + sum(grown) / len(grown) * 1000 * YEAR
    proof = f"{bench.days} syncs, {SHARE:.0%} changed a day; tables, indexes and all"
    extrapolated = f"extrapolated from {bench.days} syncs and from one sync of the peer"
    return iter(
        (
            Line(
                "16", "growth per daily sync, by raw changed sections", grown, raw, 1.2, "kB", proof
            ),
            Line(
                "17", "a year of syncs", [year / 1e6], [documents / 1e6], 1 / 40, "MB", extrapolated
            ),
        )
    )


async def overview(bench: Bench, rounds: int) -> Line:
    """Goal 18: filter, page and total."""
    home = bench.ours.home
    async with home.database.transaction(home.site_id) as db:

        async def ours() -> tuple[list[str], int]:
            return await bench.ours.page(db, bench.day)

        mine, theirs = await ours(), await bench.peer.page()
        assert mine == theirs, (mine[1], theirs[1])
        times = await rotated(rounds, ours, bench.peer.page, 10)
    proof = f"the same {len(mine[0])} rows of {mine[1]} in the same order"
    return _milliseconds("18", "overview: filter, page, total", times, 15, proof)


async def trend(bench: Bench, rounds: int) -> Line:
    """Goal 19: the trend of all days."""
    home = bench.ours.home
    async with home.database.transaction(home.site_id) as db:
        await db.execute(text("SET LOCAL statement_timeout = '300s'"))

        async def ours() -> list[tuple[int, int]]:
            return await bench.ours.trend(db, bench.days)

        async def peer() -> list[tuple[int, int]]:
            return await recounted(db, bench.ours, bench.days)

        mine = await ours()
        assert mine == await peer()
        times = await rotated(rounds, ours, peer, 20)
    proof = f"the same counts on {len(mine)} days"
    return _milliseconds(
        "19", f"{bench.days}-day trend, by a recount from digests", times, 100, proof
    )


async def storing(bench: Bench, rounds: int) -> Line:
    """Goal 20: one more sync with all of its instances, hashing included."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        rows, now, _ = await bench.next_day()
        shown = await bench.overview_rows()
        runs: list[tuple[int, Callable[[], Awaitable[Any]]]] = [
            (0, partial(bench.ours.store, rows, now, BATCH)),
            (1, partial(bench.peer.store, shown)),
        ]
        for place, run in runs if turn % 2 else runs[::-1]:
            start = bench.processors()
            await run()
            found[place].append(bench.processors() - start)
    count = len(bench.data.apis) * len(ENVIRONMENTS)
    proof = f"processor time of both and their server; {count} instances, batches of {BATCH}"
    return Line(
        "20", f"storing a sync, {SHARE:.0%} changed, hashing included", *found, 0.5, "s", proof
    )


def _milliseconds(
    number: str, what: str, times: tuple[list[float], list[float]], goal: float, proof: str
) -> Line:
    ours, peer = ([1000 * value for value in side] for side in times)
    return Line(number, what, ours, peer, goal, "ms", proof, at_least=True)


async def _postmaster(owner: psycopg.AsyncConnection[Any]) -> int:
    """Return the process id of the server."""
    found = await owner.execute("SELECT pg_read_file('postmaster.pid')")
    row = await found.fetchone()
    assert row is not None
    return int(row[0].split()[0])


@asynccontextmanager
async def prepared(instances: int, days: int) -> Any:
    """Start a server of its own, and connect both designs to it."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "data")
        owner_url, app_url = server.start()
        try:
            upgrade(owner_url, APP)
            database = Database(app_url, statement_seconds=300)
            home = await settle(database, Keyring({"bench": b"k" * 32}), "bench")
            async with database.transaction(home.site_id) as db:
                await connections.keep_environments(db, home.site_id, SPACE, ENVIRONMENTS)
            url = urlsplit(server.superuser_url)._replace(path=urlsplit(app_url).path)
            async with await psycopg.AsyncConnection.connect(
                urlunsplit(url), autocommit=True
            ) as owner:
                await owner.execute(PEER_TABLE.encode())
                data = landscape(instances)
                clock = Processors(await _postmaster(owner))
                yield Bench(Ours(home, data), Peer(owner, data), data, owner, days, clock)
            await database.close()
        finally:
            server.stop()


async def measured(instances: int, days: int, rounds: int) -> list[Line]:
    """Return the line of every goal."""
    async with prepared(instances, days) as bench:
        lines = list(await growth(bench))
        lines.append(await overview(bench, rounds))
        lines.append(await trend(bench, rounds))
        lines.append(await storing(bench, rounds))
        return lines


def main() -> int:
    """Print a line per goal; 0 only if all are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=INSTANCES)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    options = parser.parse_args()
    print(
        f"cores {os.cpu_count()}  load {os.getloadavg()[0]:.1f}  Python {platform.python_version()}  "
        f"instances {options.instances}  days {options.days}  rounds {options.rounds}",
        flush=True,
    )
    lines = asyncio.run(measured(options.instances, options.days, options.rounds))
    for line in lines:
        print(line.told())
    print(f"load {os.getloadavg()[0]:.1f}")
    if options.json:
        options.json.write_text(json.dumps([line.as_json() for line in lines], indent=2))
    return 0 if all(line.is_ok for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())
