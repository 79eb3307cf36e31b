"""The overview: filtered, sorted, paged and counted in the database."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from random import Random

import pytest
from sqlalchemy import select, text

from app.caller import SpaceId
from app.posture.model import Cell, CellState, Kind, Severity, Verdict
from app.store import findings, posture_rows
from app.store.posture_rows import Filter, Sort, api_id
from app.store.tables import posture_rows as table
from tests.store.estate import NOW, PRODUCTION, SPACE, TEST, make_finding, make_posture, rows_of

NOT_THERE = Cell(CellState.NOT_DEPLOYED)
UNREADABLE = Cell(CellState.UNREADABLE, reason="It answered 403.")
DEPLOYED = Cell(CellState.DEPLOYED)


@pytest.fixture
async def estate(ours):
    """Five APIs, one of each verdict, and a finding of the environments."""
    critical = make_finding("f-a", severity=Severity.CRITICAL, kind=Kind.POLICY_MISSING)
    low = make_finding("f-b", severity=Severity.LOW, kind=Kind.POLICY_ORDER)
    rows = rows_of(
        make_posture("g1/orders", critical, make_finding("f-c")),
        make_posture("g1/stock", low, verdict=Verdict.DRIFT),
        make_posture(
            "g2/billing",
            verdict=Verdict.UNKNOWN,
            cells={TEST.id: DEPLOYED, PRODUCTION.id: UNREADABLE},
        ),
        make_posture(
            "g2/100%_sure",
            verdict=Verdict.NOT_COMPARABLE,
            cells={TEST.id: DEPLOYED, PRODUCTION.id: NOT_THERE},
        ),
        make_posture("name:old", verdict=Verdict.ALIGNED, group_id=None, asset_id=None, name="Old"),
        automated=[make_finding("f-auto", kind=Kind.AUTOMATED_POLICY_MISSING)],
    )
    await ours.published(rows=rows)
    return ours


async def keys(home, **wanted):
    async with home.database.transaction(home.site_id) as db:
        page = await posture_rows.page(db, home.site_id, SPACE, 1, Filter(**wanted))
    return [row.api_key.rpartition("/")[2] for row in page.rows]


async def fingerprints(home, **wanted):
    async with home.database.transaction(home.site_id) as db:
        page = await findings.listed(db, home.site_id, SPACE, 1, Filter(**wanted))
    return [row.fingerprint for row in page.rows]


async def test_the_worst_stand_first(estate):
    assert await keys(estate) == ["orders", "stock", "billing", "100%_sure", "name:old"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"search": "ORD"}, ["orders"]),
        ({"search": "g2"}, ["billing", "100%_sure"]),
        ({"search": "%"}, ["100%_sure"]),
        ({"search": "_"}, ["100%_sure"]),
        ({"search": "'; --"}, []),
        ({"groups": ("g1",)}, ["orders", "stock"]),
        ({"verdicts": ("drift", "unknown")}, ["stock", "billing"]),
        ({"severities": ("critical",)}, ["orders"]),
        ({"kinds": ("policy_order", "policy_missing")}, ["orders", "stock"]),
        ({"environments": (PRODUCTION.id,)}, ["orders", "stock", "billing", "name:old"]),
        ({"groups": ("g1",), "severities": ("low",)}, ["stock"]),
        ({"sort": Sort.NAME, "groups": ("g2",)}, ["100%_sure", "billing"]),
        ({"sort": Sort.NAME_REVERSED, "groups": ("g1",)}, ["stock", "orders"]),
        ({"sort": Sort.BEST, "groups": ("g1",)}, ["stock", "orders"]),
        ({"sort": Sort.ASSET, "groups": ("g1", "g2")}, ["orders", "stock", "100%_sure", "billing"]),
        ({"page": 2, "size": 2}, ["billing", "100%_sure"]),
        ({"page": 9, "size": 2}, []),
    ],
)
async def test_filters_combine_and_sort(estate, wanted, found):
    assert await keys(estate, **wanted) == found


FILTERS = [
    Filter(),
    Filter(search="b"),
    Filter(groups=("g1", "g2"), verdicts=("threat", "drift")),
    Filter(verdicts=("aligned",)),
    Filter(severities=("high",), environments=(TEST.id,)),
]
WITH_THE_INDEX = ("enable_seqscan", "enable_bitmapscan", "enable_sort")
BY_SORTING = ("enable_indexscan", "enable_bitmapscan")


@pytest.mark.parametrize("seed", range(3))
async def test_the_index_gives_the_rows_that_sorting_gives(ours, theirs, seed):
    """In every order, through every filter, page by page, at each number, and of one site alone."""
    chance = Random(seed)
    numbers = range(1, 4)
    for _ in numbers:
        for home in (ours, theirs):
            await home.published(rows=rows_of(*some_postures(chance)))
    for number, wanted, sort in product(numbers, FILTERS, Sort):
        asked = replace(wanted, sort=sort, size=3)
        found = await paged(ours, number, asked, WITH_THE_INDEX)
        assert found == await paged(ours, number, asked, BY_SORTING)
        assert len({row.api_key for row in found}) == len(found)


def some_postures(chance):
    """Return a few APIs, some of the same name, each with a verdict and findings by chance."""
    for n in range(12):
        severities = chance.choices(list(Severity), k=chance.randrange(4))
        found = [make_finding(f"f{n}-{i}", severity=s) for i, s in enumerate(severities)]
        name, verdict = chance.choice(("Api", "api b", "Blue")), chance.choice(list(Verdict))
        yield make_posture(f"g{n % 3}/api-{n}", *found, name=name, verdict=verdict)


async def paged(home, number, wanted, without):
    """Return the rows of all pages; Postgres is kept from some of its ways."""
    found = []
    async with home.database.transaction(home.site_id) as db:
        for way in without:
            await db.execute(text(f"SET LOCAL {way} = off"))
        for turn in range(1, 9):
            asked = replace(wanted, page=turn)
            page = await posture_rows.page(db, home.site_id, SPACE, number, asked)
            found += page.rows
    assert len(found) == page.total
    return found


async def test_a_page_in_the_usual_order_is_read_by_its_index(ours):
    await ours.published(rows=rows_of(*some_postures(Random(1))))
    async with ours.database.transaction(ours.site_id) as db:
        for way in WITH_THE_INDEX:
            await db.execute(text(f"SET LOCAL {way} = off"))
        rows = posture_rows.valid(ours.site_id, SPACE, 1)
        question = select(table).where(rows).order_by(*posture_rows.in_order(Sort.WORST)).limit(50)
        written = question.compile(dialect=db.dialect, compile_kwargs={"literal_binds": True})
        plan = await db.scalars(text(f"EXPLAIN {written}"))
    assert "posture_rows_worst" in "\n".join(plan)


async def test_the_total_counts_the_filtered_rows_not_the_page(estate):
    async with estate.database.transaction(estate.site_id) as db:
        wanted = Filter(groups=("g1",), page=5, size=1)
        page = await posture_rows.page(db, estate.site_id, SPACE, 1, wanted)
        summary = await posture_rows.summary(db, estate.site_id, SPACE, 1)
        _, groups = await posture_rows.counted(db, estate.site_id, SPACE, 1)
    assert (page.total, page.rows) == (2, ())
    assert (summary.total, summary.verdicts) == (5, dict.fromkeys(Verdict, 1))
    assert groups == {"g1": 2, "g2": 2}


async def test_a_row_says_what_was_published(estate):
    async with estate.database.transaction(estate.site_id) as db:
        wanted = api_id(SPACE, "g2/billing")
        row = await posture_rows.one(db, estate.site_id, SPACE, 1, wanted)
        nothing = await posture_rows.one(db, estate.site_id, SPACE, 2**62, "no such id")
    assert nothing is None
    assert row is not None
    assert row.cells[PRODUCTION.id]["state"] == "unreadable"
    assert row.cells[PRODUCTION.id]["reason"] == "It answered 403."
    assert row.cells[TEST.id]["instances"] == []
    assert row.counts == dict.fromkeys(Severity, 0)
    assert row.coverage["sentence"] == "8 of 8 parts read"


def test_an_apis_id_is_opaque_and_its_spaces_own():
    assert api_id(SPACE, "g/a") != api_id(SpaceId("2"), "g/a")
    assert len(api_id(SPACE, "g/a")) == 32


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["f-a", "f-auto", "f-c", "f-b"]),
        ({"search": "stock"}, ["f-b"]),
        ({"verdicts": ("threat",)}, ["f-a", "f-c"]),
        ({"severities": ("high",)}, ["f-auto", "f-c"]),
        ({"kinds": ("automated_policy_missing",)}, ["f-auto"]),
        ({"environments": (TEST.id,)}, ["f-a", "f-auto", "f-c", "f-b"]),
        ({"environments": ("elsewhere",)}, []),
    ],
)
async def test_findings_follow_the_same_filters_worst_first(estate, wanted, found):
    assert await fingerprints(estate, **wanted) == found


async def test_findings_are_paged(estate):
    async with estate.database.transaction(estate.site_id) as db:
        page = await findings.listed(db, estate.site_id, SPACE, 1, Filter(), page=2, size=3)
        of_api = await findings.of_api(db, estate.site_id, SPACE, 1, api_id(SPACE, "g1/orders"))
    assert ([row.fingerprint for row in page.rows], page.total) == (["f-b"], 4)
    assert [row.fingerprint for row in of_api] == ["f-a", "f-c"]
    assert of_api[0].values == {TEST.id: "a", PRODUCTION.id: "b"}


async def test_the_last_change_is_the_sync_that_a_row_is_new_in(ours):
    still, moved = make_posture("g1/still", name="Still"), make_posture("g1/moved", name="Moved")
    later = NOW + timedelta(hours=1)
    await ours.published(rows=rows_of(still, moved))
    worse = make_posture("g1/moved", make_finding("f-new"), name="Moved")
    await ours.published(rows=rows_of(still, worse), now=later)
    async with ours.database.transaction(ours.site_id) as db:
        place = (db, ours.site_id, SPACE, 2)
        latest = await posture_rows.page(*place, Filter(sort=Sort.CHANGED))
        oldest = await posture_rows.page(*place, Filter(sort=Sort.CHANGED_REVERSED))
        times = await posture_rows.changed(*place[:3], latest.since)
    assert [row.name for row in latest.rows] == ["Moved", "Still"]
    assert [row.name for row in oldest.rows] == ["Still", "Moved"]
    assert [times[row.api_id] for row in oldest.rows] == [NOW, later]
