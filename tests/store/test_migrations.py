"""The migrations: up, down, up; the same as the tables; enough for a role that owns nothing."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location

import procrastinate
import psycopg
import pytest

from app.store import migrating
from app.store.embedded import APP
from app.store.engine import connection_options
from app.store.publishing import AssessedApi, PublishedRows
from tests.postgres import FreshDatabase, cluster
from tests.store.estate import PRODUCTION, TEST, Read, make_finding, make_posture


@pytest.fixture
def empty() -> Iterator[FreshDatabase]:
    made = cluster().empty_database()
    yield made
    cluster().drop(made)


def tables(database: FreshDatabase) -> set[str]:
    question = (
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|inf)'"
    )
    with psycopg.connect(database.owner_url) as connection:
        return {row[0] for row in connection.execute(question)}


def test_they_go_up_down_and_up_again(empty):
    migrating.upgrade(empty.owner_url, APP)
    first = tables(empty)
    migrating.migrate(empty.owner_url, "base")
    assert tables(empty) == {"plumbline.alembic_version"}
    migrating.upgrade(empty.owner_url, APP)
    assert tables(empty) == first


def test_they_say_the_same_as_the_tables(addresses):
    migrating.check(addresses.owner_url)


def test_two_starts_at_once_are_safe(empty):
    code = "import sys; from app.store.migrating import upgrade; upgrade(*sys.argv[1:])"
    command = [sys.executable, "-c", code, empty.owner_url, APP]
    starts = [subprocess.Popen(command) for _ in range(2)]
    assert [start.wait(60) for start in starts] == [0, 0]
    assert "plumbline.sites" in tables(empty)


def test_the_jobs_schema_is_the_installed_procrastinates(addresses):
    path = migrating.MIGRATIONS / "versions" / "0006_jobs.py"
    spec = spec_from_file_location("jobs", path)
    assert spec is not None
    assert spec.loader is not None
    revision = module_from_spec(spec)
    spec.loader.exec_module(revision)
    shipped = files("procrastinate").joinpath("sql/schema.sql").read_text()
    assert revision.QUEUE.strip() == shipped.strip()


async def test_the_apps_role_can_use_the_queue(addresses):
    connector = procrastinate.PsycopgConnector(
        conninfo=addresses.app_url, kwargs={"options": connection_options()}
    )
    app = procrastinate.App(connector=connector)
    ran: list[int] = []

    @app.task(name="note")
    async def note(number: int) -> None:
        ran.append(number)

    async with app.open_async():
        await note.configure(lock="one").defer_async(number=7)
        await app.run_worker_async(wait=False, install_signal_handlers=False)
    assert ran == [7]


def test_the_apps_role_can_change_no_table(addresses):
    with (
        psycopg.connect(addresses.app_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("ALTER TABLE plumbline.sites NO FORCE ROW LEVEL SECURITY")


async def test_data_survives_a_way_back_and_forth(addresses, ours):
    """Back to before snapshots and the audit log, and up again: what was published is still there."""
    posture = make_posture("group/orders", make_finding())
    rows = PublishedRows((AssessedApi(posture, b"input"),))
    found = [Read(TEST, 1, "group/orders"), Read(PRODUCTION, 2, "group/orders")]
    number = await ours.published(found, rows)
    kept = _kept(addresses)
    revisions = sorted(path.stem for path in (migrating.MIGRATIONS / "versions").glob("0*.py"))
    migrating.migrate(addresses.owner_url, f"-{len(revisions) - SNAPSHOTS_BEGIN}")
    assert _kept(addresses) == kept
    migrating.upgrade(addresses.owner_url, APP)
    assert _kept(addresses) == kept
    assert await ours.published(found, rows) == number + 1


SNAPSHOTS_BEGIN = 11
"""How many revisions stand before the first one about snapshots."""


def _kept(database: FreshDatabase) -> dict[str, int]:
    counts = {}
    with psycopg.connect(database.superuser_url) as connection:
        for table in ("sites", "connections", "syncs", "sections", "instance_versions", "findings"):
            row = connection.execute(f"SELECT count(*) FROM plumbline.{table}".encode()).fetchone()
            counts[table] = row[0] if row else 0
    return counts
