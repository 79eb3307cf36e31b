"""No site sees, counts, guesses or writes what belongs to another."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.caller import Door, SiteId, SpaceId
from app.store import agenda, asking, connections, findings, posture_rows, sections, syncs
from app.store.database import Database, Question, driver_connection
from app.store.encryption import Keyring
from app.store.looking_up import LookingUp
from app.store.tables import metadata
from tests.store.estate import NOW, SPACE, TEST, Read, make_finding, make_posture, rows_of

TABLES = [table.name for table in metadata.sorted_tables]


async def counts(db):
    return {
        name: await db.scalar(text(f"SELECT count(*) FROM {name}"))
        for name in TABLES
        if name != "agenda"
    }


@pytest.fixture
async def filled(ours, theirs):
    """Both sites with a published sync and one that is running."""
    for home in (ours, theirs):
        await home.published([Read(TEST, 1, "g/a")], rows_of(make_posture("g/a", make_finding())))
        sync_id, attempt = await home.begun()
        await home.read(sync_id, attempt, [Read(TEST, 1, "g/a")])
        async with home.database.transaction(home.site_id) as db:
            await agenda.schedule(db, home.site_id, SPACE, NOW)
    return ours, theirs


def test_every_table_with_a_site_forces_row_level_security(addresses):
    question = """
        SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'plumbline'::regnamespace
    """
    with psycopg.connect(addresses.owner_url) as connection:
        found = dict(connection.execute(question).fetchall())
    assert found == dict.fromkeys(TABLES, True) | {"alembic_version": False}


def test_every_key_but_the_installations_names_begins_with_the_site(addresses):
    question = """
        SELECT i.indexrelid::regclass::text, a.attname FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        JOIN pg_class c ON c.oid = i.indrelid
        WHERE i.indisunique AND c.relnamespace = 'plumbline'::regnamespace
          AND c.relname <> 'alembic_version' AND a.attname <> 'site_id'
    """
    with psycopg.connect(addresses.superuser_url) as connection:
        found = connection.execute(question).fetchall()
    assert sorted(name for name, _ in found) == [
        "plumbline.installations_forge_key",
        "plumbline.installations_issuer_key",
    ]


async def test_without_a_site_nothing_is_there(filled, database):
    async with database.agenda() as db:
        assert set((await counts(db)).values()) == {0}


async def test_a_used_connection_without_a_site_shows_nothing_either(filled, addresses):
    database = Database(addresses.app_url, pool_size=1)
    async with database.transaction(filled[0].site_id) as db:
        assert await db.scalar(text("SELECT count(*) FROM sites")) == 1
    async with database._engine.connect() as db:
        setting = await db.scalar(text("SELECT current_setting('plumbline.site', true)"))
        assert (setting, await db.scalar(text("SELECT count(*) FROM sites"))) == ("", 0)
    await database.close()


async def test_the_owner_is_held_to_the_policies_too(filled, addresses):
    with psycopg.connect(addresses.owner_url) as connection:
        row = connection.execute("SELECT count(*) FROM plumbline.sites").fetchone()
    assert row == (0,)


async def test_one_connection_alternating_two_sites_leaks_nothing(filled, addresses):
    database = Database(addresses.app_url, pool_size=1)
    for turn in range(1000):
        site_id = filled[turn % 2].site_id
        async with database.transaction(site_id) as db:
            seen = (await db.execute(text("SELECT site_id::text FROM sites"))).scalars().all()
        assert seen == [site_id]
    await database.close()


async def test_each_site_counts_its_own_rows_alone(filled, database):
    for home in filled:
        async with database.transaction(home.site_id) as db:
            found = await counts(db)
        assert (found["sites"], found["posture_rows"], found["findings"]) == (1, 1, 1)
        assert found["syncs"] == 2


async def test_a_row_for_another_site_is_refused(filled, database):
    ours, theirs = filled
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.transaction(ours.site_id) as db:
            await connections.keep_environments(db, theirs.site_id, SPACE, (TEST,))


async def test_another_sites_ids_find_nothing(filled, database):
    ours, theirs = filled
    async with database.transaction(theirs.site_id) as db:
        sync = await syncs.published(db, theirs.site_id, SPACE)
    assert sync is not None
    async with database.transaction(ours.site_id) as db:
        assert await syncs.one(db, theirs.site_id, SPACE, sync.id) is None
        assert await syncs.one(db, ours.site_id, SPACE, sync.id) is None
        assert await connections.current(db, theirs.site_id, SPACE) is None
        assert await findings.of_api(db, theirs.site_id, SPACE, 1, "x") == ()
        assert not await asking.cancel(db, theirs.site_id, SPACE, sync.id, "no")


async def test_another_space_of_the_same_site_finds_nothing(filled, database):
    ours, _ = filled
    other = SpaceId("99")
    async with database.transaction(ours.site_id) as db:
        sync = await syncs.published(db, ours.site_id, SPACE)
        assert sync is not None
        assert await syncs.one(db, ours.site_id, other, sync.id) is None
        wanted = posture_rows.api_id(SPACE, "g/a")
        assert await posture_rows.one(db, ours.site_id, SPACE, 1, wanted) is not None
        assert await posture_rows.one(db, ours.site_id, other, 1, wanted) is None


async def test_the_same_section_in_two_sites_is_kept_twice(filled, database):
    digest = sections.digest({"name": "g/a"})
    for home in filled:
        async with database.transaction(home.site_id) as db:
            assert await sections.missing(db, home.site_id, [digest]) == set()
    async with database.lookup("nobody") as db:
        assert await sections.missing(db, filled[0].site_id, [digest]) == {digest}


async def test_a_look_up_shows_the_one_installation_that_is_claimed(filled, database):
    async with database.lookup("ours") as db:
        seen = (await db.execute(text("SELECT issuer FROM installations"))).scalars().all()
        assert seen == ["ours"]
        assert await db.scalar(text("SELECT count(*) FROM connections")) == 0
    async with database.lookup("") as db:
        assert await db.scalar(text("SELECT count(*) FROM installations")) == 0


async def test_a_question_for_an_installation_leaves_its_connection_as_it_was(filled, addresses):
    database, keyring = Database(addresses.app_url, pool_size=1), Keyring({"test": b"k" * 32})
    for issuer, door in (("nobody", Door.CONNECT), ("", Door.CONNECT), ("ours", Door.FORGE)):
        assert await LookingUp(database, keyring, door).find(issuer) is None
        async with database.question() as question:
            assert await seen_by(question) == ("", 0)
    async with database._engine.connect() as db:
        connection = await driver_connection(db)
        assert not connection.autocommit
        assert await seen_by(connection) == ("", 0)
    await database.close()


async def seen_by(connection: Question) -> tuple[str, int]:
    """Return which issuer the connection speaks of, and how many installations it sees."""
    setting = "current_setting('plumbline.installation', true)"
    found = await connection.execute(f"SELECT {setting}, count(*) FROM installations")
    setting, count = await found.fetchone() or ("?", -1)
    return setting, count


async def test_the_agenda_is_read_whole_and_written_by_its_site_alone(filled, database):
    ours, theirs = filled
    async with database.agenda() as db:
        due = await agenda.due_syncs(db, NOW)
    assert {item.site_id for item in due} == {ours.site_id, theirs.site_id}
    async with database.transaction(ours.site_id) as db:
        assert not await agenda.claim(db, theirs.site_id, SPACE, NOW, NOW)
        assert await agenda.claim(db, ours.site_id, SPACE, NOW, NOW)
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.agenda() as db:
            await agenda.schedule(db, ours.site_id, SpaceId("1"), NOW)


async def test_something_that_is_no_site_id_is_no_way_in(database):
    with pytest.raises(ValueError, match="badly formed"):
        database.transaction(SiteId("' OR true --"))
