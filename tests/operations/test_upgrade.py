"""Rolling upgrades: processes of two releases on one schema, one version apart."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from app.store import migrating
from app.store.embedded import APP
from app.store.engine import driver_url
from sandbox.processes import Child, Processes
from sandbox.stack import PLUMBLINE, Stack, free_port
from tests.operations.conftest import finish
from tests.postgres import FreshDatabase

PATIENCE_SECONDS = 60

# What a later release may do to a schema that this one still serves: add.
NEXT_REVISION = '''
"""A revision of a release that is not written yet."""

from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None

OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"


def upgrade():
    for table in ("connections", "syncs", "instance_versions", "posture_rows", "findings"):
        op.execute(f"ALTER TABLE {{table}} ADD COLUMN of_the_next_release text DEFAULT 'x' NOT NULL")
    op.execute("CREATE TABLE next_things (site_id uuid PRIMARY KEY REFERENCES sites ON DELETE CASCADE)")
    op.execute("ALTER TABLE next_things ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE next_things FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_site ON next_things USING ({{OF_SITE}})")
'''


def upgrade_to_the_next_release(database: FreshDatabase, folder: Path) -> None:
    """Do what the next release's `plumbline migrate` will do: one revision more than we know."""
    folder.mkdir()
    (folder / "9999_next.py").write_text(NEXT_REVISION.format(head=migrating.head()))
    config = Config()
    config.set_main_option("script_location", str(migrating.MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{migrating.MIGRATIONS / 'versions'}\n{folder}")
    options = {"options": "-csearch_path=plumbline,jobs"}
    engine = create_engine(driver_url(database.owner_url), connect_args=options)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, f"{what} did not come within {PATIENCE_SECONDS} s"
        time.sleep(0.1)


def said(child: Child, words: str) -> bool:
    return words in child.log.read_text()


def readiness(url: str) -> tuple[int, str]:
    """Return the status of `/readyz` and its words; 0 without an answer."""
    try:
        answer = httpx.get(f"{url}/readyz", trust_env=False)
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


def test_this_release_works_on_the_schema_of_the_next_one(
    deployment: Stack, addresses: FreshDatabase, settings: dict[str, str], tmp_path: Path
) -> None:
    """Serve and worker go on over the migration: tab, sync and snapshot, without a restart."""
    first = deployment.newest_sync()
    upgrade_to_the_next_release(addresses, tmp_path / "next")
    assert deployment.call("POST", "syncs", role="editor").status_code == 202
    finish(deployment)
    posture = deployment.call("GET", "posture", role="viewer").json()
    assert first is not None
    assert posture["sync"]["id"] != first["id"]
    assert posture["summary"]["total"] > 0
    assert deployment.call("POST", "snapshots", role="editor", body={}).status_code == 201
    assert readiness(deployment.app_url)[0] == 200
    deployment.processes.watch()


def test_a_process_of_this_release_may_start_on_the_schema_of_the_next_one(
    addresses: FreshDatabase, settings: dict[str, str], processes: Processes, tmp_path: Path
) -> None:
    """So an upgrade is rolled back by starting the old release: nothing is migrated back."""
    upgrade_to_the_next_release(addresses, tmp_path / "next")
    migrate = processes.start("migrate", [str(PLUMBLINE), "migrate"], settings)
    assert migrate.process.wait(PATIENCE_SECONDS) == 0
    assert said(migrate, "the schema is 9999, of a later release")
    url = serve(processes, settings)
    until(lambda: readiness(url)[0] == 200, "readiness")


def test_a_schema_of_the_release_before_is_waited_for_and_named(
    addresses: FreshDatabase, settings: dict[str, str], processes: Processes
) -> None:
    """Whoever starts before `migrate` begins no job and is not ready, and needs no restart after."""
    migrating.migrate(addresses.owner_url, "-1")
    worker = processes.start("worker", [str(PLUMBLINE), "worker"], settings)
    url = serve(processes, settings)
    until(lambda: readiness(url)[0] == 503, "a refusal")
    reason = f"this release needs {migrating.head()}."
    assert reason in readiness(url)[1]
    until(lambda: said(worker, "no job is begun: The database's schema is "), "the worker's word")
    migrating.upgrade(addresses.owner_url, APP)
    until(lambda: readiness(url)[0] == 200, "readiness")
    until(lambda: workers(addresses) > 0, "a worker that looks for jobs")
    worker.alive()


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_start_before_the_first_migration_needs_no_restart(
    command: str, processes: Processes, settings: dict[str, str], addresses: FreshDatabase
) -> None:
    migrating.migrate(addresses.owner_url, "base")
    inline = {"PLUMBLINE_WORKER": "inline", "PLUMBLINE_PORT": str(free_port())}
    child = processes.start(command, [str(PLUMBLINE), command], settings | inline)
    until(lambda: said(child, "no job is begun: The database's schema is missing"), "its word")
    migrating.upgrade(addresses.owner_url, APP)
    until(lambda: workers(addresses) > 0, "a worker that looks for jobs")
    child.alive()


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_superuser_is_refused_before_the_first_migration_too(
    command: str, processes: Processes, settings: dict[str, str], addresses: FreshDatabase
) -> None:
    migrating.migrate(addresses.owner_url, "base")
    too_much = settings | {"PLUMBLINE_DATABASE_URL": addresses.superuser_url}
    child = processes.start(command, [str(PLUMBLINE), command], too_much)
    assert child.process.wait(PATIENCE_SECONDS) == 1
    assert "PLUMBLINE_DATABASE_URL: the role is a superuser" in child.last_words()


def workers(database: FreshDatabase) -> int:
    """Return how many workers look for jobs."""
    engine = create_engine(driver_url(database.owner_url))
    with engine.connect() as connection:
        question = "SELECT count(*) FROM jobs.procrastinate_workers"
        count = connection.exec_driver_sql(question).scalar_one()
    engine.dispose()
    return int(count)


def serve(processes: Processes, settings: dict[str, str]) -> str:
    """Start `plumbline serve` and return its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    own = {"PLUMBLINE_PORT": str(port), "PLUMBLINE_BASE_URL": url}
    processes.start("serve", [str(PLUMBLINE), "serve"], settings | own)
    return url
