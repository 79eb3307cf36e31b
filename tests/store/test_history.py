"""What changed, and for how long each part of it is kept."""

from datetime import timedelta
from itertools import combinations
from random import Random

import pytest
from sqlalchemy import text

from app.posture.model import Acceptance, Finding, Verdict
from app.store import history, posture_rows, rollups, sections, syncs
from app.store.history import Counts
from app.store.posture_rows import Filter
from app.store.publishing import KEPT_SYNCS
from tests.store.estate import NOW, SPACE, TEST, Home, make_finding, make_posture, rows_of
from tests.store.test_snapshots import looked_at, taken

DAY = timedelta(days=1)
ACCEPTED = Acceptance("f", "v1", "by_design", "admin", NOW + DAY)


async def published(home: Home, *prints: str, day: int = 0) -> int:
    found = (make_finding(name, sentence=f"{name} on day {day}") for name in prints)
    return await home.published(rows=rows_of(make_posture("g/a", *found)), now=NOW + day * DAY)


async def changes(home: Home, before: int, after: int) -> history.Changes:
    async with home.database.transaction(home.site_id) as db:
        place = (db, home.site_id, SPACE)
        numbers = [await syncs.before(*place, number + 1) for number in (before, after)]
        first, last = [await history.side(*place, sync.id) for sync in numbers if sync]
        return await history.changes(*place, first, last)


async def test_the_header_counts_since_the_sync_before(ours):
    async with ours.database.transaction(ours.site_id) as db:
        assert await history.counts(db, ours.site_id, SPACE, 0, 1) == Counts(0, 0, 0, 0)
    await published(ours, "a", "b", "c")
    same = make_finding("b", sentence="b on day 0")
    new = [make_finding(name) for name in ("d", "e")]
    await ours.published(rows=rows_of(make_posture("g/a", same, *new, make_finding("c"))))
    async with ours.database.transaction(ours.site_id) as db:
        assert await syncs.number_before(db, ours.site_id, SPACE, 2) == 1
        counts = await history.counts(db, ours.site_id, SPACE, 1, 2)
    assert counts == Counts(added=2, resolved=1, changed=1, unchanged=1)


@pytest.mark.parametrize("seed", range(3))
async def test_the_changes_are_counted_as_they_are_listed(ours, theirs, seed):
    """Findings come, go, come back, say something else, are accepted; another site has its own."""
    chance = Random(seed)
    numbers = range(1, 6)
    for _ in numbers:
        for home in (ours, theirs):
            found = [changing(chance, f"f{n}") for n in range(8) if chance.random() < 0.7]
            await home.published(rows=rows_of(make_posture("g/a", *found)))
    for before, after in combinations(numbers, 2):
        async with ours.database.transaction(ours.site_id) as db:
            counts = await history.counts(db, ours.site_id, SPACE, before, after)
        assert counts == (await changes(ours, before, after)).counts


def changing(chance: Random, fingerprint: str) -> Finding:
    """Return a finding that may say the same as one before, or something else."""
    return make_finding(
        fingerprint,
        sentence=f"{fingerprint} as {chance.randrange(2)}",
        values={TEST.id: chance.choice("ab")},
        accepted=chance.choice((None, ACCEPTED)),
    )


async def test_rows_that_are_no_longer_current_go_after_some_syncs_and_findings_stay(ours):
    for day in range(KEPT_SYNCS + 3):
        await published(ours, "a", f"f{day}", day=day)
    async with ours.database.transaction(ours.site_id) as db:
        place = (db, ours.site_id, SPACE)
        kept = [number for number in range(1, KEPT_SYNCS + 4) if await has_rows(place, number)]
    assert kept == list(range(3, KEPT_SYNCS + 4))
    found = await changes(ours, 1, KEPT_SYNCS + 3)
    assert [row.fingerprint for row in found.added] == [f"f{KEPT_SYNCS + 2}"]
    assert [row.fingerprint for row in found.resolved] == ["f0"]
    assert [row.sentence for row in found.changed[0]] == [
        "a on day 0",
        f"a on day {KEPT_SYNCS + 2}",
    ]


async def has_rows(place, number: int) -> bool:
    return (await posture_rows.page(*place, number, Filter())).total > 0


async def test_a_filtered_snapshot_is_compared_with_a_sync_whose_rows_are_gone(ours):
    await published(ours, "a")
    for day in range(1, KEPT_SYNCS + 3):
        await published(ours, "a", "b", day=day)
    wanted = Filter(search="G", groups=("g",), environments=(TEST.id,), verdicts=("threat",))
    snapshot = await taken(ours, content=await looked_at(ours, wanted))
    async with ours.database.transaction(ours.site_id) as db:
        place = (db, ours.site_id, SPACE)
        first = await syncs.before(*place, 2)
        assert first is not None
        before, after = [await history.side(*place, id_) for id_ in (first.id, snapshot.id)]
        found = await history.changes(*place, before, after)
    assert [row.fingerprint for row in found.added] == ["b"]
    assert len(found.changed) == 1


async def test_what_was_resolved_is_told_when_the_rows_of_then_are_gone(ours):
    """A threat, one that was accepted, and one that could not be confirmed, which was no threat."""
    first = [make_posture(f"g/{name}", make_finding(name)) for name in ("a", "b", "d")]
    known = make_finding("c", accepted=ACCEPTED)
    fine = make_posture("g/c", known, verdict=Verdict.ALIGNED)
    await ours.published(rows=rows_of(*first, fine))
    first[2] = make_posture("g/d")
    before = await ours.published(rows=rows_of(*first, fine, unconfirmed={"d"}), now=NOW + DAY)
    wanted = Filter(verdicts=("threat",))
    told = []
    for day in range(2, KEPT_SYNCS + 5):
        b = make_posture("g/b", make_finding("b", sentence=f"b on day {day}"))
        rows = rows_of(make_posture("g/a"), b, make_posture("g/c"), make_posture("g/d"))
        await ours.published(rows=rows, now=NOW + day * DAY)
        snapshot = await taken(ours, content=await looked_at(ours, wanted))
        async with ours.database.transaction(ours.site_id) as db:
            place = (db, ours.site_id, SPACE)
            then = await syncs.before(*place, before + 1)
            assert then is not None
            sides = [await history.side(*place, id_) for id_ in (then.id, snapshot.id)]
            told.append(
                [row.fingerprint for row in (await history.changes(*place, *sides)).resolved]
            )
    assert told == [["a"]] * len(told)


async def test_each_day_has_its_last_sync_and_the_days_end_with_the_retention(ours):
    for day, prints in enumerate((("a",), ("a", "b"), ())):
        await published(ours, *prints, day=day)
    await published(ours, "c", day=2)
    async with ours.database.transaction(ours.site_id) as db:
        place = (db, ours.site_id, SPACE)
        days = await rollups.since(*place, NOW.date(), NOW.date() + 9 * DAY)
        assert [day.severities["high"] for day in days] == [1, 2, 1]
        await rollups.forget(*place, NOW.date() + 2 * DAY)
        assert len(await rollups.since(*place, NOW.date(), NOW.date() + 9 * DAY)) == 1


async def test_a_body_is_kept_short_and_read_as_it_was(ours):
    long, short = {"rule": "rate limit " * 50}, []
    bodies = {sections.digest(body): sections.canonical(body) for body in (long, short)}
    async with ours.database.transaction(ours.site_id) as db:
        await sections.save(db, ours.site_id, bodies)
        assert await sections.bodies(db, ours.site_id, bodies) == {
            sections.digest(body): body for body in (long, short)
        }
        sizes = await db.scalars(text("SELECT octet_length(body) FROM sections ORDER BY 1"))
        assert sizes.all()[0] == 2
        assert (await db.scalar(text("SELECT max(octet_length(body)) FROM sections"))) < 100
