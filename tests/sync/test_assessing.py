"""What is expected or accepted counts at once, from what is stored, as a sync would have it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.caller import INSIDE
from app.store import (
    agenda,
    audit,
    connections,
    exceptions,
    expected_differences,
    findings,
    judging,
    posture_rows,
    rollups,
    syncs,
)
from app.store.exceptions import ExceptionRow, Reason
from app.store.expected_differences import ExpectedRow
from app.store.findings import FindingRow
from app.store.posture_rows import Filter, PostureRow
from app.sync.accepting import Acceptable, AcceptedAlready, accept, withdraw_exception
from app.sync.assessing import assess_anew
from app.sync.expecting import Expectation, ExpectedAlready, expect, withdraw_expectation
from tests.sync.world import ADMIN, SPACE, World

ALL = Filter(size=10_000)
Rows = dict[str, PostureRow]
Found = dict[str, FindingRow]


@pytest.fixture
async def synced(world: World) -> World:
    await world.connect()
    assert (await world.sync()).state is syncs.State.PUBLISHED
    return world


async def seen(world: World, number: int | None = None) -> tuple[Rows, Found]:
    """Return rows and findings as a reader of a number sees them; of the published one without."""
    async with world.database.transaction(world.site_id) as db:
        place = (db, world.site_id, SPACE)
        sync = await syncs.published(*place)
        assert sync is not None
        wanted = number or sync.number or 0
        rows = (await posture_rows.page(*place, wanted, ALL)).rows
        found = (await findings.listed(*place, wanted, ALL, size=10_000)).rows
    return {row.api_key: row for row in rows}, {row.fingerprint: row for row in found}


async def number_of(world: World) -> int:
    async with world.database.transaction(world.site_id) as db:
        sync = await syncs.published(db, world.site_id, SPACE)
    assert sync is not None
    return sync.number or 0


async def accepted(world: World, *found: FindingRow, days: float = 30) -> tuple[ExceptionRow, ...]:
    wanted = Acceptable(
        [row.fingerprint for row in found],
        Reason.ACCEPTED_RISK,
        "Known.",
        world.now + timedelta(days=days),
    )
    return await accept(world.database, world.site_id, SPACE, wanted, ADMIN, INSIDE, world.now)


async def expected(world: World, finding: FindingRow, *, own: bool = True) -> ExpectedRow:
    assert finding.path is not None
    policy = (finding.subject or "").partition("#")[0].partition(" @ ")[0]
    wanted = Expectation(
        policy,
        finding.path,
        "Each stage has its own.",
        {name: {"any": True} for name in finding.values},
        finding.api_id if own else None,
    )
    return await expect(world.database, world.site_id, SPACE, wanted, ADMIN, INSIDE, world.now)


def of_one_setting(found: Found) -> FindingRow:
    """Return a finding about one setting of an API's policy."""
    return next(
        row
        for row in found.values()
        if row.kind == "policy_config" and row.api_id and len(row.paths) == 1
    )


def worst(found: Found) -> FindingRow:
    return next(row for row in found.values() if row.api_id)


async def kept(world: World, exception_id: str) -> ExceptionRow:
    async with world.database.transaction(world.site_id) as db:
        row = await exceptions.one(db, world.site_id, SPACE, exception_id)
    assert row is not None
    return row


def said(rows: Rows, found: Found) -> tuple[Any, Any]:
    """Return all that rows and findings say, but for when they were seen."""
    about = {
        key: (row.verdict, row.headline, row.counts, row.accepted, row.cells, row.notes, row.digest)
        for key, row in rows.items()
    }
    return about, {
        key: (row.sentence, row.severity, row.values, row.paths, row.accepted, row.values_digest)
        for key, row in found.items()
    }


async def test_assessing_anew_with_nothing_changed_says_the_same(synced):
    before, number = await seen(synced), await number_of(synced)
    async with synced.database.transaction(synced.site_id) as db:
        await assess_anew(db, synced.site_id, SPACE, synced.now)
    assert said(*await seen(synced)) == said(*before)
    assert await number_of(synced) == number + 1


@pytest.mark.parametrize("own", [True, False])
async def test_assessing_anew_says_what_a_sync_of_the_same_data_says(synced, own):
    """Both ways: what is in force before the sync, and what comes into force after it."""
    _, found = await seen(synced)
    finding = of_one_setting(found)
    await expected(synced, finding, own=own)
    others = [row for row in found.values() if row.fingerprint != finding.fingerprint]
    _, found = await seen(synced)
    await accepted(
        synced, *(found[row.fingerprint] for row in others[:5] if row.fingerprint in found)
    )
    anew = await seen(synced)
    await synced.sync()
    assert said(*await seen(synced)) == said(*anew)
    async with synced.database.transaction(synced.site_id) as db:
        # Another rule of the house: every input is another one, so all is assessed from nothing.
        await db.exec_driver_sql("UPDATE posture_rows SET input_digest = 'x'::bytea")
    await synced.sync()
    assert said(*await seen(synced)) == said(*anew)


async def test_settings_that_were_saved_since_the_sync_are_everybodys_or_nobodys(synced):
    _, found = await seen(synced)
    before = await _inputs(synced)
    await synced.connect(ignored_application_suffixes=("-stage",))
    await accepted(synced, worst(found))
    alone = await _inputs(synced)
    async with synced.database.transaction(synced.site_id) as db:
        await assess_anew(db, synced.site_id, SPACE, synced.now)
    assert await _inputs(synced) == alone != before


async def _inputs(world: World) -> dict[str, bytes]:
    async with world.database.transaction(world.site_id) as db:
        return dict(await posture_rows.input_digests(db, world.site_id, SPACE))


async def test_a_reader_of_the_number_before_reads_a_whole_state(synced):
    before, number = await seen(synced), await number_of(synced)
    finding = of_one_setting(before[1])
    await expected(synced, finding)
    (made,) = await accepted(synced, worst((await seen(synced))[1]))
    assert said(*await seen(synced, number)) == said(*before)
    (_, again) = await seen(synced, number)
    assert all(row.last_seen_at is not None for row in again.values())
    assert made.fingerprint in {f for f, row in (await seen(synced))[1].items() if row.accepted}


async def test_an_unchanged_row_is_the_row_it_was(synced):
    question = "SELECT count(*) FROM posture_rows"
    async with synced.database.transaction(synced.site_id) as db:
        count = (await db.exec_driver_sql(question)).scalar_one()
    await accepted(synced, worst((await seen(synced))[1]))
    async with synced.database.transaction(synced.site_id) as db:
        assert (await db.exec_driver_sql(question)).scalar_one() == count + 1


async def test_the_day_of_the_sync_is_counted_anew(synced):
    rows, found = await seen(synced)
    day = synced.now.date()
    synced.now += timedelta(days=2)
    await accepted(synced, *found.values())
    async with synced.database.transaction(synced.site_id) as db:
        days = await rollups.since(db, synced.site_id, SPACE, day, synced.now.date())
    assert [each.date for each in days] == [day]
    assert sum(days[0].severities.values()) == 0
    assert days[0].verdicts["threat"] == days[0].verdicts["drift"] == 0
    assert sum(days[0].verdicts.values()) == len(rows)


async def test_an_exception_ends_at_its_date_without_a_sync(synced):
    _, found = await seen(synced)
    finding = worst(found)
    (made,) = await accepted(synced, finding, days=1)
    synced.now = made.until - timedelta(seconds=1)
    await synced.schedule.reopen_due()
    assert (await seen(synced))[1][finding.fingerprint].accepted is not None
    synced.now = made.until
    await asyncio.gather(*(synced.schedule.reopen_due() for _ in range(4)))
    assert (await seen(synced))[1][finding.fingerprint].accepted is None
    row = await kept(synced, made.id)
    assert (row.ended_why, row.ended_by, row.ended_at) == ("expired", None, made.until)
    async with synced.database.transaction(synced.site_id) as db:
        entries, _ = await audit.newest(db, synced.site_id, SPACE, 1, 50)
        assert await agenda.due_assessments(db, synced.now + timedelta(days=400)) == ()
    assert [e.object_id for e in entries if e.action == "exception_expired"] == [made.id]


async def test_a_sync_after_the_date_does_the_same(synced):
    finding = worst((await seen(synced))[1])
    (made,) = await accepted(synced, finding, days=1)
    synced.now += timedelta(days=2)
    await synced.sync()
    assert (await seen(synced))[1][finding.fingerprint].accepted is None
    assert (await kept(synced, made.id)).ended_why == "expired"


async def test_a_finding_whose_exception_is_over_is_accepted_again_at_once(synced):
    finding = worst((await seen(synced))[1])
    await accepted(synced, finding, days=1)
    synced.now += timedelta(days=2)
    (again,) = await accepted(synced, finding)
    shown = (await seen(synced))[1][finding.fingerprint].accepted
    assert shown is not None
    assert shown["exception_id"] == again.id


async def test_a_changed_value_opens_its_finding_and_ends_the_exception(synced):
    finding = worst((await seen(synced))[1])
    (made,) = await accepted(synced, finding)
    async with synced.database.transaction(synced.site_id) as db:
        # As if another value had been accepted: the sync finds one that is not it.
        await db.exec_driver_sql("UPDATE exceptions SET values_digest = 'another'")
    await synced.sync()
    assert (await seen(synced))[1][finding.fingerprint].accepted is None
    row = await kept(synced, made.id)
    assert (row.ended_why, row.ended_by) == ("value_changed", None)


async def test_an_environment_that_cannot_be_read_ends_no_exception(synced):
    _, found = await seen(synced)
    everywhere = [row for row in found.values() if len(row.values) > 1 and row.api_id]
    made = await accepted(synced, *everywhere)
    async with synced.database.transaction(synced.site_id) as db:
        sync = await syncs.published(db, synced.site_id, SPACE)
        assert sync is not None
        await db.exec_driver_sql(
            "UPDATE sync_environments SET outcome = 'failed', reason = 'It answered 403.'"
            f" WHERE environment_id = '{sync.environments[0].id}'"
        )
        await db.exec_driver_sql("UPDATE posture_rows SET input_digest = 'x'::bytea")
        await assess_anew(db, synced.site_id, SPACE, synced.now)
    states = {(await kept(synced, row.id)).ended_why for row in made}
    assert states == {None}
    await synced.sync()
    _, found = await seen(synced)
    assert all(found[row.fingerprint].accepted for row in made)


async def test_an_exception_of_a_finding_that_is_gone_stays_and_counts_when_it_returns(synced):
    finding = of_one_setting((await seen(synced))[1])
    (made,) = await accepted(synced, finding)
    rule = await expected(synced, finding)
    assert finding.fingerprint not in (await seen(synced))[1]
    assert (await kept(synced, made.id)).ended_at is None
    await withdraw_expectation(
        synced.database, synced.site_id, SPACE, rule.id, ADMIN, INSIDE, synced.now
    )
    shown = (await seen(synced))[1][finding.fingerprint].accepted
    assert shown is not None
    assert shown["exception_id"] == made.id


async def test_two_administrators_at_once_make_one(synced):
    finding = of_one_setting((await seen(synced))[1])
    made = await asyncio.gather(
        *(accepted(synced, finding) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, AcceptedAlready) for each in made) == 2
    rules = await asyncio.gather(
        *(expected(synced, finding) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, ExpectedAlready) for each in rules) == 2
    async with synced.database.transaction(synced.site_id) as db:
        assert len(await exceptions.in_force(db, synced.site_id, SPACE)) == 1
        assert len(await expected_differences.in_force(db, synced.site_id, SPACE)) == 1


async def test_many_changes_at_once_are_all_in_force(synced):
    _, found = await seen(synced)
    rows = list(found.values())[:6]
    number = await number_of(synced)
    made = await asyncio.gather(*(accepted(synced, row) for row in rows))
    await asyncio.gather(
        *(
            withdraw_exception(
                synced.database, synced.site_id, SPACE, each.id, ADMIN, INSIDE, synced.now
            )
            for (each,) in made[:3]
        )
    )
    _, found = await seen(synced)
    is_accepted = [found[row.fingerprint].accepted is not None for row in rows]
    assert is_accepted == [False] * 3 + [True] * (len(rows) - 3)
    assert await number_of(synced) == number + len(rows) + 3


async def test_a_change_while_a_sync_is_published_is_lost_on_neither_side(synced):
    """The sync assesses, the administrator changes, the sync publishes: both are in force."""
    _, found = await seen(synced)
    finding, other = list(found.values())[:2]
    synced.now += timedelta(hours=1)
    async with synced.database.transaction(synced.site_id) as db:
        await judging.hold(db, synced.site_id, SPACE)
        run = asyncio.create_task(synced.sync())
        await _waits_for_the_space(synced)
        version = await judging.version(db, synced.site_id, SPACE)
        await _accept_within(db, synced, finding)
        assert await judging.version(db, synced.site_id, SPACE) == (version or 0) + 1
    sync = await run
    assert sync.state is syncs.State.PUBLISHED
    _, found = await seen(synced)
    assert found[finding.fingerprint].accepted is not None
    assert found[other.fingerprint].accepted is None
    async with synced.database.transaction(synced.site_id) as db:
        published = await syncs.published(db, synced.site_id, SPACE)
    assert published is not None
    assert published.id == sync.id


async def _accept_within(db: Any, world: World, finding: FindingRow) -> None:
    row = ExceptionRow(
        id="0e8f3c1e-6a52-4a0e-9a1b-3c1d5b7f9a20",
        fingerprint=finding.fingerprint,
        values_digest=finding.values_digest,
        api_id=finding.api_id,
        api_key=finding.api_key,
        reason=Reason.PLANNED,
        note="Known.",
        made_by=ADMIN,
        made_at=world.now,
        until=world.now + timedelta(days=30),
    )
    await exceptions.make(db, world.site_id, SPACE, [row])
    await assess_anew(db, world.site_id, SPACE, world.now, [finding.api_id or ""])


async def _waits_for_the_space(world: World) -> None:
    """Return once somebody waits for the space's lock."""
    question = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with asyncio.timeout(30):
        while True:
            async with world.database.transaction(world.site_id) as db:
                if (await db.exec_driver_sql(question)).scalar_one():
                    return
            await asyncio.sleep(0.05)


async def test_ten_syncs_after_many_changes_the_history_is_there(synced):
    """Rows of eight published syncs are kept, however often each was assessed anew."""
    first = await number_of(synced)
    finding = worst((await seen(synced))[1])
    for _ in range(12):
        (made,) = await accepted(synced, finding)
        await withdraw_exception(
            synced.database, synced.site_id, SPACE, made.id, ADMIN, INSIDE, synced.now
        )
    before = await seen(synced, first)
    assert before[0]
    for _ in range(3):
        await synced.sync()
    assert said(*await seen(synced, first)) == said(*before)


async def test_a_removed_connection_lets_exceptions_end(synced):
    finding = worst((await seen(synced))[1])
    (made,) = await accepted(synced, finding, days=1)
    async with synced.database.transaction(synced.site_id) as db:
        await connections.remove(db, synced.site_id, SPACE, synced.now)
    synced.now = made.until
    await synced.schedule.reopen_due()
    assert (await seen(synced))[1][finding.fingerprint].accepted is None
