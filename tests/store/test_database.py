"""Units of work: whole or not at all, bounded, and honest about a database that is away."""

import asyncio
import time

import psycopg
import pytest
from sqlalchemy import text

from app.errors import Unavailable
from app.store import connections, migrating, pinging
from app.store.database import Database, driver_connection
from app.store.silence import answering
from tests.postgres import FreshDatabase, cluster
from tests.store.estate import SPACE

AWAY = "postgresql://somebody:password@127.0.0.1:1/nowhere"


async def test_a_unit_of_work_that_fails_leaves_nothing(database, ours):
    async def broken() -> None:
        async with database.transaction(ours.site_id) as db:
            await connections.keep_group_names(db, ours.site_id, SPACE, {"a": "b"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken()
    async with database.transaction(ours.site_id) as db:
        connection = await connections.current(db, ours.site_id, SPACE)
    assert connection is not None
    assert connection.group_names == {}


async def test_a_database_that_is_away_is_said_without_waiting_for_a_connection():
    database = Database(AWAY, pool_wait_seconds=3600)
    with pytest.raises(Unavailable) as caught:
        async with database.agenda():
            pass
    assert "password" not in str(caught.value)
    assert await database.problem() == "The database cannot be reached."
    await database.close()


def end_all_sessions(addresses: FreshDatabase) -> None:
    """End every session of the database, and wait until they have ended."""
    name = addresses.app_url.rpartition("/")[2]
    with psycopg.connect(addresses.superuser_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )


@pytest.mark.parametrize("trusted_seconds", [-1.0, 60.0])
async def test_a_terminated_session_is_replaced_unnoticed(
    database, addresses, monkeypatch, trusted_seconds
):
    monkeypatch.setattr(pinging, "TRUSTED_SECONDS", trusted_seconds)
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(one(database))
    end_all_sessions(addresses)
    for _ in range(3):
        assert await one(database) == 1


async def test_a_session_that_ends_in_its_use_costs_that_use_alone(database, addresses):
    with pytest.raises(Unavailable):
        async with database.agenda() as db:
            end_all_sessions(addresses)
            await db.execute(text("SELECT 1"))
    assert await one(database) == 1


async def test_a_connection_that_was_just_used_is_not_asked_whether_it_lives(database, addresses):
    async with database.agenda() as db:
        await db.execute(text("SELECT 1"))
    async with database._engine.connect():
        pass
    with psycopg.connect(addresses.superuser_url) as connection:
        last = connection.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = %s AND usename = 'plumbline_app'",
            [addresses.app_url.rpartition("/")[2]],
        )
        assert last.fetchall() == [("COMMIT",)]


async def one(database: Database) -> int:
    async with database.agenda() as db:
        found: int = await db.scalar(text("SELECT 1"))
        return found


async def test_a_lock_held_by_somebody_costs_one_request_not_the_pool(ours, addresses):
    database = Database(addresses.app_url, pool_size=2, lock_seconds=0.2)
    async with ours.database.transaction(ours.site_id) as holder:
        await holder.execute(text("UPDATE connections SET client_id = client_id"))
        with pytest.raises(Unavailable):
            async with database.transaction(ours.site_id) as db:
                await connections.keep_group_names(db, ours.site_id, SPACE, {})
        assert await database.problem() is None
    await database.close()


async def test_a_statement_that_takes_too_long_is_ended(addresses):
    database = Database(addresses.app_url, statement_seconds=0.1)
    with pytest.raises(Unavailable):
        async with database.agenda() as db:
            await db.execute(text("SELECT pg_sleep(5)"))
    await database.close()


async def test_an_exhausted_pool_answers_after_its_wait(addresses):
    database = Database(addresses.app_url, pool_size=1, pool_wait_seconds=0.1)
    async with database.agenda():
        with pytest.raises(Unavailable):
            async with database.agenda():
                pass
    await database.close()


async def test_a_database_that_takes_no_writes_is_still_read(ours, addresses):
    name = addresses.app_url.rpartition("/")[2]
    with psycopg.connect(addresses.superuser_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    database = Database(addresses.app_url)
    async with database.transaction(ours.site_id) as db:
        assert await connections.current(db, ours.site_id, SPACE) is not None
    with pytest.raises(Unavailable, match="Nothing can be saved"):
        async with database.transaction(ours.site_id) as db:
            await connections.keep_group_names(db, ours.site_id, SPACE, {})
    await database.close()


async def test_a_schema_of_another_release_is_named(addresses, database):
    assert await database.problem() is None
    migrating.migrate(addresses.owner_url, "-1")
    problem = await database.problem()
    assert problem is not None
    assert problem.endswith(f"this release needs {migrating.head()}.")


async def test_a_role_that_was_never_granted_its_rights_is_told_how_to_get_them(
    addresses, database
):
    with psycopg.connect(addresses.owner_url, autocommit=True) as connection:
        connection.execute("REVOKE USAGE ON SCHEMA plumbline FROM plumbline_app")
    assert "run `plumbline migrate`" in (await database.problem() or "")


async def test_a_schema_that_is_missing_is_named():
    empty = cluster().empty_database()
    database = Database(empty.app_url)
    assert "is missing" in (await database.problem() or "")
    await database.close()
    cluster().drop(empty)


async def test_only_an_ordinary_role_is_accepted(addresses, database):
    assert await database.role_problem() is None
    name = addresses.app_url.rpartition("/")[2]
    as_superuser = Database(addresses.superuser_url.rpartition("/")[0] + "/" + name)
    assert "superuser" in (await as_superuser.role_problem() or "")
    await as_superuser.close()


async def test_the_drivers_connection_is_in_the_same_transaction(database, ours):
    async with database.transaction(ours.site_id) as db:
        connection = await driver_connection(db)
        found = await connection.execute("SELECT count(*) FROM sites")
        assert await found.fetchone() == (1,)


async def test_units_of_work_run_side_by_side(database, ours):
    async def look() -> int:
        async with database.transaction(ours.site_id) as db:
            return await db.scalar(text("SELECT count(*) FROM sites"))

    assert await asyncio.gather(*(look() for _ in range(20))) == [1] * 20


async def test_an_answer_that_came_while_this_process_stood_still_is_read(database):
    async with database.question() as connection:
        with answering(connection, 2.0):
            asking = asyncio.create_task(connection.execute("SELECT 7"))
            await asyncio.sleep(0)
            time.sleep(2.2)
            assert await (await asking).fetchone() == (7,)
        assert await (await connection.execute("SELECT 8")).fetchone() == (8,)
