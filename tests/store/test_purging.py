"""What is over is deleted, what is in force or frozen is not."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.caller import AccountId
from app.store import (
    agenda,
    asking,
    connections,
    exceptions,
    expected_differences,
    findings,
    posture_rows,
    publishing,
    purging,
    sections,
    sites,
    snapshots,
    syncs,
)
from app.store.database import Database
from app.store.posture_rows import Filter
from app.store.tables import metadata
from app.sync.retention import Retention
from tests.store.estate import (
    NOW,
    SPACE,
    TEST,
    Home,
    Read,
    make_finding,
    make_posture,
    rows_of,
)
from tests.store.test_snapshots import checked, opened, taken

DAY = timedelta(days=1)
HISTORY = ("syncs", "instance_versions", "posture_rows", "findings", "daily_rollups")


async def published_daily(home: Home, days: int) -> None:
    """Publish a sync a day, each with another policy, another finding and another verdict."""
    for day in range(days):
        found = make_finding(f"f{day}")
        await home.published(
            [Read(TEST, 1, "g/a", policies=[day])],
            rows_of(make_posture("g/a", found, headline=f"Day {day}")),
            now=NOW + day * DAY,
        )


async def counted(home: Home, *tables: str) -> dict[str, int]:
    async with home.database.transaction(home.site_id) as db:
        return {name: await db.scalar(text(f"SELECT count(*) FROM {name}")) for name in tables}


async def forget(home: Home, before: datetime) -> None:
    async with home.database.transaction(home.site_id) as db:
        await purging.forget_history(db, home.site_id, SPACE, before)


async def forget_sections(home: Home) -> int:
    async with home.database.transaction(home.site_id) as db:
        return await purging.forget_sections(db, home.site_id)


async def test_what_no_kept_sync_shows_is_deleted_and_the_rest_stays(ours):
    await published_daily(ours, 5)
    await forget(ours, NOW + 3 * DAY)
    assert await counted(ours, *HISTORY) == dict.fromkeys(HISTORY, 2)
    async with ours.database.transaction(ours.site_id) as db:
        assert await syncs.before(db, ours.site_id, SPACE, 4) is None
        assert await syncs.before(db, ours.site_id, SPACE, 5) is not None


async def test_a_day_whose_last_sync_is_deleted_goes_with_it_and_the_others_stay(ours):
    await published_daily(ours, 3)
    await forget(ours, NOW + timedelta(hours=1))
    assert await counted(ours, *HISTORY) == dict.fromkeys(HISTORY, 2)


async def test_the_published_sync_stays_however_old_it_is(ours):
    await published_daily(ours, 2)
    await forget(ours, NOW + 500 * DAY)
    found = await counted(ours, *HISTORY)
    assert found == dict.fromkeys(HISTORY, 1) | {"daily_rollups": 0}


async def test_what_a_reader_holds_stays_though_its_sync_was_assessed_anew_meanwhile(ours):
    """A sync's earlier numbers are its own as well: of the oldest one too, and it may be the only."""
    await published_daily(ours, 1)
    async with ours.database.transaction(ours.site_id) as db:
        sync = await syncs.published(db, ours.site_id, SPACE)
        assert sync is not None
        anew = rows_of(make_posture("g/a", make_finding("f9"), headline="Anew"))
        await publishing.publish_anew(db, ours.site_id, SPACE, sync, anew)
    await forget(ours, NOW - DAY)
    async with ours.database.transaction(ours.site_id) as db:
        (held,) = (await posture_rows.page(db, ours.site_id, SPACE, 1, Filter())).rows
        (found,) = await findings.known(db, ours.site_id, SPACE, 1, ["f0", "f9"])
    assert (held.headline, found) == ("Day 0", "f0")
    await ours.published(now=NOW + DAY)
    await forget(ours, NOW + DAY)
    gone = {"syncs": 1, "posture_rows": 0, "findings": 0}
    assert await counted(ours, *gone) == gone


async def test_what_did_not_change_since_long_ago_stays(ours):
    for day in range(3):
        await ours.published(
            [Read(TEST, 1, "g/a")],
            rows_of(make_posture("g/a", make_finding())),
            now=NOW + day * DAY,
        )
    await forget(ours, NOW + 2 * DAY)
    assert await counted(ours, *HISTORY) == dict.fromkeys(HISTORY, 1)


async def test_old_syncs_that_came_to_nothing_go_and_one_under_way_stays(ours):
    failed, _ = await ours.begun(NOW)
    async with ours.database.transaction(ours.site_id) as db:
        await asking.cancel(db, ours.site_id, SPACE, failed, "It was cancelled.")
    running, _ = await ours.begun(NOW)
    await forget(ours, datetime.now(NOW.tzinfo) + DAY)
    async with ours.database.transaction(ours.site_id) as db:
        assert await syncs.one(db, ours.site_id, SPACE, failed) is None
        assert await syncs.one(db, ours.site_id, SPACE, running) is not None


async def test_bodies_that_nothing_refers_to_go_with_the_history(ours):
    await published_daily(ours, 3)
    assert await forget_sections(ours) == 0
    await forget(ours, NOW + 2 * DAY)
    assert await forget_sections(ours) == 2
    async with ours.database.transaction(ours.site_id) as db:
        assert await sections.missing(db, ours.site_id, [sections.digest([2])]) == set()


async def test_no_body_goes_while_a_sync_counts_on_it(ours):
    await published_daily(ours, 3)
    await forget(ours, NOW + 2 * DAY)
    sync_id, _ = await ours.begun()
    assert await forget_sections(ours) == 0
    async with ours.database.transaction(ours.site_id) as db:
        await asking.cancel(db, ours.site_id, SPACE, sync_id, "It was cancelled.")
    assert await forget_sections(ours) == 2


async def test_a_sync_that_begins_just_now_keeps_the_bodies_too(ours):
    await published_daily(ours, 2)
    await forget(ours, NOW + DAY)
    async with ours.database.transaction(ours.site_id) as db:
        await sections.hold(db, ours.site_id)
        assert await forget_sections(ours) == 0
    assert await forget_sections(ours) == 1


async def test_another_sites_bodies_are_no_reason_and_no_prey(ours, theirs):
    await published_daily(ours, 2)
    await published_daily(theirs, 2)
    await forget(ours, NOW + DAY)
    assert await forget_sections(ours) == 1
    assert (await counted(theirs, "sections"))["sections"] == 4
    assert (await counted(theirs, *HISTORY))["syncs"] == 2


async def test_a_snapshot_outlives_all_that_it_was_taken_of(ours):
    await published_daily(ours, 3)
    snapshot = await taken(ours)
    before = await opened(ours, snapshot.id)
    await published_daily(ours, 1)
    await forget(ours, NOW + 500 * DAY)
    await forget_sections(ours)
    async with ours.database.transaction(ours.site_id) as db:
        assert await syncs.one(db, ours.site_id, SPACE, snapshot.sync_id) is None
        await connections.remove(db, ours.site_id, SPACE, NOW)
    assert await opened(ours, snapshot.id) == before


async def uninstalled(home: Home, purge_after: datetime) -> None:
    async with home.database.transaction(home.site_id) as db:
        await sites.uninstall(db, home.site_id, NOW, purge_after)


def retention(database: Database, now: datetime) -> Retention:
    return Retention(database, timedelta(days=400), lambda: now)


LONG_AGO = NOW.replace(year=2020)
TABLES = tuple(table.name for table in metadata.sorted_tables)


async def test_after_the_purge_no_table_holds_a_row_of_the_site(ours, theirs, database):
    for home in (ours, theirs):
        await published_daily(home, 2)
        await taken(home)
        async with home.database.transaction(home.site_id) as db:
            await db.execute(text(JOB), {"site": home.site_id})
    await uninstalled(ours, LONG_AGO)
    await retention(database, NOW).purge()
    found = await counted(ours, *TABLES)
    assert {name for name, number in found.items() if number} == {"agenda"}
    async with database.agenda() as db:
        left = await db.execute(text("SELECT DISTINCT args ->> 'site_id' FROM procrastinate_jobs"))
        assert left.scalars().all() == [theirs.site_id]
        agenda = await db.execute(text("SELECT DISTINCT site_id::text FROM agenda"))
        assert agenda.scalars().all() == [theirs.site_id]
    assert await checked(theirs) == [True]


JOB = """
INSERT INTO procrastinate_jobs (queue_name, task_name, args, priority, status)
VALUES ('syncs', 'sync', jsonb_build_object('site_id', CAST(:site AS text)), 0, 'failed')
"""


async def test_a_site_is_kept_until_its_time_and_when_it_came_back(ours, theirs, database):
    await published_daily(ours, 1)
    await uninstalled(ours, datetime.now(NOW.tzinfo) + DAY)
    # The worker's clock is a year ahead; the database's decides.
    await retention(database, NOW.replace(year=2099)).purge()
    assert (await counted(ours, "sites"))["sites"] == 1
    async with database.transaction(theirs.site_id) as db:
        assert not await purging.forget_site(db, theirs.site_id)


async def test_a_removed_space_too_is_kept_until_its_time(ours, database):
    await published_daily(ours, 1)
    await taken(ours)
    async with database.transaction(ours.site_id) as db:
        soon = datetime.now(NOW.tzinfo) + DAY
        await agenda.purge_space_at(db, ours.site_id, SPACE, soon)

    async def gone(*_: str) -> bool:
        return True

    # The worker's clock is a year ahead; the database's decides.
    await Retention(database, 5000 * DAY, lambda: NOW.replace(year=2099), gone).purge()
    found = await counted(ours, "connections", "snapshots", "audit")
    assert found["connections"] == found["snapshots"] == 1
    async with database.agenda() as db:
        due = await agenda.due_space_purges(db, soon)
    assert due == ((ours.site_id, SPACE),)


@pytest.mark.parametrize(("days", "left"), [(400, 3), (500, 1)])
async def test_history_is_kept_as_long_as_the_operator_says(ours, database, days, left):
    await published_daily(ours, 3)
    await retention(database, NOW + days * DAY).purge()
    assert (await counted(ours, "syncs"))["syncs"] == left


async def test_an_old_snapshot_stays_listed_after_the_retention(ours, database):
    await published_daily(ours, 2)
    snapshot = await taken(ours)
    await retention(database, NOW + 5000 * DAY).purge()
    async with ours.database.transaction(ours.site_id) as db:
        assert await snapshots.newest(db, ours.site_id, SPACE) == ((snapshot,), 1)


async def test_what_was_expected_and_accepted_goes_with_the_space_and_not_before(ours):
    """The app's role may delete neither; with the connection's row both go."""
    row = exceptions.ExceptionRow(
        "0e8f3c1e-6a52-4a0e-9a1b-3c1d5b7f9a20", "f", "v", None, None, "planned", "n",
        AccountId("ada"), NOW, NOW + DAY,
    )  # fmt: skip
    rule = expected_differences.ExpectedRow(
        row.id, "cors", "a", None, None, "n", {}, AccountId("ada"), NOW
    )
    async with ours.database.transaction(ours.site_id) as db:
        await exceptions.make(db, ours.site_id, SPACE, [row])
        await expected_differences.make(db, ours.site_id, SPACE, rule)
    for table in ("exceptions", "expected_differences"):
        with pytest.raises(ProgrammingError):
            async with ours.database.transaction(ours.site_id) as db:
                await db.exec_driver_sql(f"DELETE FROM {table}")
    async with ours.database.transaction(ours.site_id) as db:
        await agenda.purge_space_at(db, ours.site_id, SPACE, LONG_AGO)
        assert await purging.forget_space(db, ours.site_id, SPACE)
        assert await exceptions.one(db, ours.site_id, SPACE, row.id) is None
        assert await expected_differences.one(db, ours.site_id, SPACE, rule.id) is None


async def test_jobs_that_ended_long_ago_go_from_the_queue_and_others_stay(ours, database):
    """The queue keeps what failed, for who looks after it; not for ever."""
    async with database.agenda() as db:
        for status in ("failed", "todo", "doing"):
            await db.execute(text(UPKEEP), {"status": status})
        await db.execute(text("UPDATE procrastinate_events SET at = at - interval '8 days'"))
        await db.execute(text(UPKEEP), {"status": "failed"})
    await retention(database, NOW).purge()
    async with database.agenda() as db:
        left = await db.execute(text("SELECT status::text FROM procrastinate_jobs ORDER BY id"))
        assert left.scalars().all() == ["todo", "doing", "failed"]


UPKEEP = """
WITH made AS (
  INSERT INTO procrastinate_jobs (queue_name, task_name, args, priority, status)
  VALUES ('housekeeping', 'purge', '{}', 0, CAST(:status AS procrastinate_job_status))
  RETURNING id
)
INSERT INTO procrastinate_events (job_id, type) SELECT id, 'deferred' FROM made
"""
