"""The exports' speed and memory as ratios: goals 13 to 15, on a real database, in the product's code.

Run by `make bench`, or alone: `python -m bench.exports --json out.json`.
"""

import argparse
import asyncio
import csv
import io
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import jinja2
from sqlalchemy import select

from app.caller import AccountId, Caller, Door, Right, SiteId, SpaceId
from app.confluence.spaces import Space
from app.exports import document, spreadsheet, words
from app.exports.evidence import ReadEnvironment, iso, texts
from app.posture.model import ApiPosture, Cell, CellState, InstanceSummary, Severity
from app.store import csv_lines, exporting, posture_rows
from app.store.csv_lines import POSTURE, Sheet
from app.store.database import DB, Database, driver_connection
from app.store.embedded import APP, EmbeddedPostgres
from app.store.encryption import Keyring
from app.store.migrating import upgrade
from app.store.posture_rows import Filter
from app.store.tables import posture_rows as table
from app.web.api.export_reading import Export, Rows, export_of
from app.web.api.exports import csv_file, html_file
from app.web.dependencies import SpaceCaller
from app.web.state import Services
from bench.harness import Line, seconds
from tests.store.estate import ENVIRONMENTS, SPACE, make_finding, make_posture, rows_of, settle
from tests.web.small import World, services

SMALL, LARGE = "small", "large"
WHOLE = Filter()
FETCH = 2000
MEGABYTE = 1_000_000
MOST_GROWTH_KB = 16 * 1024

Run = Callable[[], Awaitable[Any]]


# ── The data ─────────────────────────────────────────────────────────────────────────────────


def postures(count: int) -> Iterator[ApiPosture]:
    """Return so many APIs in two environments: one in fifty with a formula for a name."""
    for number in range(count):
        name = "=HYPERLINK(A1)" if number % 50 == 0 else f"Orders {number} Experience API"
        finding = make_finding(f"f{number}", severity=Severity.MEDIUM)
        yield make_posture(
            f"9a11f2a0-0000-4000-8000-000000000001/orders-{number}-experience-api",
            *([finding] if number % 5 == 0 else []),
            name=name,
            headline="Rate limiting: Production allows 1000 per minute, Test 100",
            cells={place.id: _cell(number * 2 + i) for i, place in enumerate(ENVIRONMENTS)},
        )


def _cell(number: int) -> Cell:
    return Cell(
        CellState.DEPLOYED,
        policies=5,
        automated=1,
        tiers=("Bronze", "Gold, 10/s", "Silver"),
        contracts=number % 15,
        families=("authentication", "rate limiting"),
        instances=(
            InstanceSummary(
                19300000 + number,
                f"orders-v1-{number}",
                "v1",
                "1.0.4",
                "active",
                "mule4",
                f"https://anypoint.mulesoft.com/apimanager/#/organizations/o/apis/{number}",
            ),
        ),
    )


async def filled(database: Database, keyring: Keyring, sizes: dict[str, int]) -> dict[str, SiteId]:
    """Install a site for each size, and publish as many APIs in its space."""
    found = {}
    for issuer, count in sizes.items():
        home = await settle(database, keyring, issuer)
        await home.published(rows=rows_of(*postures(count)))
        found[issuer] = home.site_id
    return found


# ── Ours ─────────────────────────────────────────────────────────────────────────────────────


async def _space(_base: str, _auth: httpx.Auth, space_id: SpaceId) -> Space:
    return Space(space_id, "ORD", "Orders")


def product(database: Database, keyring: Keyring) -> Services:
    """Return services of which the exports' part is real."""
    return services(World(), database=database, keyring=keyring, spaces=_space)


def viewer(site_id: SiteId) -> SpaceCaller:
    """Return a person who may see the space."""
    caller = Caller(site_id, Door.CONNECT, AccountId("bench"), rest_auth=httpx.Auth())
    return SpaceCaller(site_id, SPACE, AccountId("bench"), Right.VIEWER, caller)


async def our_csv(app: Services, who: SpaceCaller) -> int:
    """Make the whole file and return its size."""
    size = 0
    async with csv_file(app, who, WHOLE, Rows.APIS) as body:
        async for piece in body.pieces:
            size += len(piece)
    return size


async def our_html(app: Services, who: SpaceCaller) -> int:
    """Make the whole document and return its size."""
    size = 0
    async with html_file(app, who, WHOLE) as body:
        async for piece in body.pieces:
            size += len(piece)
    return size


# ── The peers ────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def opened(app: Services, who: SpaceCaller) -> AsyncIterator[Export]:
    """Open the transaction with the evidence, which every export needs."""
    async with export_of(app, who, WHOLE, Rows.APIS, datetime.now(UTC)) as export:
        yield export


async def cells(export: Export) -> tuple[str, dict[str, object]]:
    """Return the question for the same cells as ours, formulas as they are, and its values."""
    constants = texts(export.evidence)
    sheet = Sheet(spreadsheet.POSTURE_ROW, b"", spreadsheet.FORMULA, export.environments)
    rows = (
        select(csv_lines.PLACE)
        .where(posture_rows.valid(*export.place))
        .order_by(*posture_rows.in_order(WHOLE.sort))
    )
    lines, values = csv_lines.question(export.db, POSTURE, rows, sheet)
    own = ", ".join(f'line."{name}"' for name in spreadsheet.POSTURE_ROW)
    same = ", ".join(f"%(same_{name})s" for name in constants)
    values |= {f"same_{name}": constant for name, constant in constants.items()}
    return f"SELECT {own}, {same} FROM ({lines}) line", values


async def usual_export(app: Services, who: SpaceCaller) -> int:
    """Stream the rows as they are kept over a cursor, make the lines in Python, write them by csv.

    What one writes first, formulas left as they are.
    """
    size = 0
    async with opened(app, who) as export:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(spreadsheet.POSTURE_COLUMNS)
        ends = list(texts(export.evidence).values())
        async for line in usual_lines(export):
            writer.writerow([*line, *ends])
            if buffer.tell() > csv_lines.CHUNK_BYTES:
                size += len(buffer.getvalue().encode())
                buffer.seek(0)
                buffer.truncate()
        return size + len(buffer.getvalue().encode())


async def usual_lines(export: Export) -> AsyncIterator[list[str]]:
    """Stream the lines, an API at a time."""
    rows = (
        select(table)
        .where(posture_rows.valid(*export.place))
        .order_by(*posture_rows.in_order(WHOLE.sort))
    )
    found = await export.db.stream(rows, execution_options={"yield_per": FETCH})
    async for row in found.mappings():
        for place in export.evidence.shown:
            yield usual_line(row, place)


def usual_line(row: Mapping[Any, Any], place: ReadEnvironment) -> list[str]:
    """Return the cells of one environment of an API, in the columns' order."""
    cell = row["cells"][place.id]
    held = cell["instances"]

    def joined(name: str) -> str:
        return "; ".join(str(item[name]) for item in held)

    made = {
        **{name: row[name] for name in KEPT},
        "environment": place.name,
        "state": cell["state"],
        "product_versions": joined("product_version"),
        "asset_versions": joined("asset_version"),
        "instance_ids": joined("instance_id"),
        "policies": cell["policies"],
        "tiers": "; ".join(cell["tiers"]) or "none",
        "contracts": cell["contracts"],
        "not_read": cell["reason"],
        "differs": str(cell["is_outlier"]).lower(),
        "policies_switched_off": cell["switched_off"],
        "automated_policies": cell["automated"],
        "tier_count": len(cell["tiers"]),
        "instance_labels": joined("label"),
        "instance_statuses": joined("status"),
        "coverage": row["coverage"]["sentence"],
        "environment_id": place.id,
        "environment_type": place.type,
        "environment_outcome": place.outcome,
        "environment_read_at": iso(place.read_at),
    }
    found = (made[name] for name in spreadsheet.POSTURE_ROW)
    return ["" if cell is None else str(cell) for cell in found]


KEPT = (
    *("name", "group_id", "asset_id", "api_id", "verdict", "headline"),
    *("critical", "high", "medium", "low", "info", "accepted"),
)


async def csv_module(app: Services, who: SpaceCaller) -> int:
    """Stream the cells of our own question over a cursor through Python's csv module."""
    size = 0
    async with opened(app, who) as export:
        question, values = await cells(export)
        connection = await driver_connection(export.db)
        async with connection.cursor("peer") as cursor:
            cursor.itersize = FETCH
            await cursor.execute(question.encode(), values)
            buffer = io.StringIO()
            writer = csv.writer(buffer)
            writer.writerow(spreadsheet.POSTURE_COLUMNS)
            async for row in cursor:
                writer.writerow(row)
                if buffer.tell() > csv_lines.CHUNK_BYTES:
                    size += len(buffer.getvalue().encode())
                    buffer.seek(0)
                    buffer.truncate()
            size += len(buffer.getvalue().encode())
    return size


async def bare_copy(app: Services, who: SpaceCaller) -> int:
    """COPY the same rows as they are kept, and do nothing with them."""
    async with opened(app, who) as export:
        question, values = await cells(export)
        return await _copied(export.db, f"COPY ({question}) TO STDOUT (FORMAT csv)", values)


async def _copied(db: DB, statement: str, values: dict[str, object]) -> int:
    size = 0
    connection = await driver_connection(db)
    async with (
        connection.cursor() as cursor,
        cursor.copy(statement.encode(), values or None) as lines,
    ):
        async for line in lines:
            size += len(line)
    return size


async def make_flat(app: Services, who: SpaceCaller) -> None:
    """Keep the very cells in a plain table: the fastest that a COPY can be."""
    async with opened(app, who) as export:
        question, values = await cells(export)
        connection = await driver_connection(export.db)
        lines = ", ".join(f'"{name}"' for name in spreadsheet.POSTURE_COLUMNS)
        async with connection.cursor() as cursor:
            await cursor.execute(
                f"CREATE TEMPORARY TABLE flat ({lines}) ON COMMIT PRESERVE ROWS AS {question}",
                values,
            )


async def flat_copy(app: Services, who: SpaceCaller) -> int:
    """COPY that table."""
    async with app.database.transaction(who.site_id) as db:
        return await _copied(db, "COPY (SELECT * FROM flat) TO STDOUT (FORMAT csv)", {})


PAGE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string("""
{%- for row in rows -%}
<tr>
<th scope="row">{{ row.name }}<small>{{ row.group_id }}/{{ row.asset_id }}</small></th>
<td><span class="word {{ row.verdict }}"><span aria-hidden="true">{{ verdicts[row.verdict][0] }}</span> {{ verdicts[row.verdict][1] }}</span><small>{{ row.headline }}</small>
{%- for name, mark in severities.items() if row.counts[name] -%}
{{ mark }} {{ row.counts[name] }} {{ name }}{% endfor -%}
</td>
{% for place in environments %}{% set cell = row.cells[place.id] -%}
<td>{% for item in cell.instances -%}
<small>{{ item.instance_id }} {{ item.product_version }} · {{ item.asset_version }} · {{ item.status }} · {{ item.label }}</small>
{%- endfor -%}
{{ cell.policies }} policies{% if cell.switched_off %}, {{ cell.switched_off }} switched off{% endif %}
{%- if cell.automated %}, {{ cell.automated }} automated{% endif %}<br>SLA tiers: {{ cell.tiers|join(", ") }}<br>{{ cell.contracts }} approved contract{{ "" if cell.contracts == 1 else "s" }}
{%- if cell.is_outlier %}<small>differs</small>{% endif %}</td>{{ "" if loop.last else "\n" }}
{%- endfor %}
</tr>
{% endfor %}""")


def jinja_stream(rows: list[Any], export: Export) -> list[str]:
    """Render the rows of APIs by a plain template, streamed in pieces of the same size."""
    stream = PAGE.stream(
        rows=rows,
        environments=export.evidence.shown,
        verdicts=words.VERDICTS,
        severities=words.SEVERITIES,
    )
    stream.enable_buffering(1000)
    return list(stream)


def our_rows(batches: list[list[Any]], export: Export) -> list[str]:
    """Render the rows of APIs as the document has them."""
    return [document.apis(batch, export.evidence) for batch in batches]


# ── Measuring ────────────────────────────────────────────────────────────────────────────────


class Bench:
    """One database with the data, and the loop that all runs share."""

    def __init__(self, database: Database, keyring: Keyring, sites: dict[str, SiteId]) -> None:
        self.app = product(database, keyring)
        self.who = viewer(sites[LARGE])
        self.size = 0

    async def timed(self, run: Callable[[Services, SpaceCaller], Awaitable[int]]) -> float:
        """Return the seconds of one run; both sides make the same bytes."""
        start = time.perf_counter()
        self.size = await run(self.app, self.who)
        return time.perf_counter() - start

    async def times(self, rounds: int, *runs: Any) -> list[list[float]]:
        """Return the seconds of each, the order rotated round by round."""
        found: list[list[float]] = [[] for _ in runs]
        for turn in range(rounds):
            for place in range(len(runs)):
                chosen = (place + turn) % len(runs)
                found[chosen].append(await self.timed(runs[chosen]))
        return found


async def same_cells(bench: Bench) -> str:
    """Prove that ours are the peer's cells, neutralised; return how many lines there are."""
    pieces = []
    async with csv_file(bench.app, bench.who, WHOLE, Rows.APIS) as body:
        pieces = [piece async for piece in body.pieces]
    ours = list(csv.reader(io.StringIO(b"".join(pieces).decode(), newline="")))[1:]
    async with opened(bench.app, bench.who) as export:
        question, values = await cells(export)
        connection = await driver_connection(export.db)
        cursor = await connection.execute(question.encode(), values)
        count = 0
        moment = spreadsheet.POSTURE_COLUMNS.index("taken_at")
        async for row in cursor:
            kept = ["" if cell is None else str(cell) for cell in row]
            kept[moment] = ours[count][moment]
            if [spreadsheet.neutralised(cell) for cell in kept] != ours[count]:
                raise SystemExit(f"line {count} differs: a ratio means nothing")
            count += 1
        usual = [line async for line in usual_lines(export)]
    if count != len(ours):
        raise SystemExit("not as many lines: a ratio means nothing")
    if [[spreadsheet.neutralised(cell) for cell in line] for line in usual] != [
        line[: len(spreadsheet.POSTURE_ROW)] for line in ours
    ]:
        raise SystemExit("the usual export has other lines: a ratio means nothing")
    return f"{count:,} equal lines"


async def spreadsheets(bench: Bench, rounds: int) -> AsyncIterator[Line]:
    """Goal 13: the CSV against a bare COPY and against Python's csv module."""
    proof = await same_cells(bench)
    await make_flat(bench.app, bench.who)
    runs = (our_csv, bare_copy, usual_export, csv_module, flat_copy)
    ours, copied, usual, streamed, flat = await bench.times(rounds, *runs)
    proof += f", {bench.size / MEGABYTE:.0f} MB"
    for number, what, peer, goal in (
        ("13", "CSV against bare COPY of the same question", copied, 0.4),
        ("13", "CSV against the csv module over a cursor", usual, 2.5),
        ("13+", "CSV against the csv module fed by our own SQL", streamed, None),
        ("13+", "CSV against COPY of a table of these cells", flat, None),
    ):
        yield Line(number, what, ours, peer, goal, "s", proof, at_least=True)


async def documents(bench: Bench, rounds: int) -> Line:
    """Goal 14: the document's rows against a plain Jinja2 stream, processor time."""
    async with opened(bench.app, bench.who) as export:
        source = (export.db, *export.place, WHOLE)
        batches = [batch async for batch in exporting.api_batches(*source)]
    batches = batches[:HTML_BATCHES]
    rows = [row for batch in batches for row in batch]
    ours, theirs = "".join(our_rows(batches, export)), "".join(jinja_stream(rows, export))
    if words_of(ours) != words_of(theirs):
        raise SystemExit("ours and Jinja2's rows do not say the same: a ratio means nothing")
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        runs = [(0, lambda: our_rows(batches, export)), (1, lambda: jinja_stream(rows, export))]
        for place, run in runs if turn % 2 else runs[::-1]:
            times[place].append(seconds(run))
    what = f"HTML rows of {len(rows):,} APIs against Jinja2's stream"
    return Line("14", what, *times, 1.3, "s", "the same words", True)


HTML_BATCHES = 20


def words_of(page: str) -> list[str]:
    """Return what a page says, without its markup."""
    return re.sub(r"<[^>]+>", " ", page).split()


def growth(home: Path, sites: dict[str, SiteId], kind: str) -> tuple[list[float], list[float]]:
    """Return the peak memory in KB of an export of each size, each in a process of its own."""
    peaks = []
    for issuer in (LARGE, SMALL):
        command = [sys.executable, "-m", "bench.exports", "--peak", str(home), sites[issuer], kind]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append([float(done.stdout)])
    return peaks[0], peaks[1]


def peak(home: str, site_id: str, kind: str) -> None:
    """Make one export and print the peak memory of this process."""

    async def once() -> None:
        with EmbeddedPostgres(Path(home)) as server:
            database = Database(server.start()[1])
            run = our_csv if kind == "CSV" else our_html
            await run(product(database, KEYRING), viewer(SiteId(site_id)))
            await database.close()

    asyncio.run(once())
    # Not getrusage: its peak is the parent's, which the child was for a moment.
    status = Path("/proc/self/status").read_text()
    print(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


def memory(home: Path, sites: dict[str, SiteId], kind: str) -> Line:
    """Goal 15: the peak of a large export against that of one of a tenth."""
    large, small = growth(home, sites, kind)
    grown = large[0] - small[0]
    if grown > MOST_GROWTH_KB:
        large[0] = float("inf")
    proof = f"growth {grown / 1024:.1f} MB, at most {MOST_GROWTH_KB // 1024}"
    return Line("15", f"{kind}: peak memory, ten times the rows", large, small, 1.2, "KB", proof)


KEYRING = Keyring({"bench": bytes(32)})


def setting(rounds: int, apis: int) -> dict[str, Any]:
    """Return under which circumstances was measured."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "psycopg": version("psycopg"),
        "jinja2": version("jinja2"),
        "rounds": rounds,
        "rows": apis * len(ENVIRONMENTS),
        "load_before": os.getloadavg(),
    }


async def measured(home: Path, rounds: int, apis: int) -> list[Line]:
    """Measure all goals and print each line as it comes."""
    lines = []
    with EmbeddedPostgres(home) as server:
        owner_url, app_url = server.start()
        upgrade(owner_url, APP)
        database = Database(app_url, pool_size=1, statement_seconds=600)
        sites = await filled(database, KEYRING, {SMALL: apis // 10, LARGE: apis})
        bench = Bench(database, KEYRING, sites)
        async for line in spreadsheets(bench, rounds):
            print(line.told(), flush=True)
            lines.append(line)
        lines.append(await documents(bench, rounds))
        print(lines[-1].told(), flush=True)
        await database.close()
        for kind in ("CSV", "HTML"):
            lines.append(memory(home, sites, kind))
            print(lines[-1].told(), flush=True)
    return lines


def main() -> int:
    """Print the setting and one line a goal; 0 only if all are ok."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apis", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        peak(*options.peak)
        return 0
    told = setting(options.rounds, options.apis)
    print("exports:", json.dumps(told), flush=True)
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as home:
        lines = asyncio.run(measured(Path(home) / "data", options.rounds, options.apis))
    print("load after:", os.getloadavg())
    if options.json:
        found = {"setting": told, "lines": [line.as_json() for line in lines]}
        options.json.write_text(json.dumps(found, indent=2))
    return 0 if all(line.is_ok for line in lines if not line.number.startswith("(")) else 1


if __name__ == "__main__":
    sys.exit(main())
