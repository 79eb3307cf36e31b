"""The embedded Postgres: shared by its users, gone with the last, whoever starts it."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.errors import BadConfiguration
from app.store import launching
from app.store.embedded import EmbeddedPostgres, app_role

PARENT = """
import sys, time
from pathlib import Path
from app.store.embedded import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start()[1], flush=True)
time.sleep(600)
"""

VISITOR = """
import sys
from pathlib import Path
from app.store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
print(server.start()[1])
server.stop()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir)
    yield server
    server.stop()


def server_pid(data_dir: Path) -> int:
    return int(json.loads((data_dir / "postgres.port").read_text())["server"])


def ends(pid: int, seconds: float = 10) -> bool:
    """Tell whether a process ends in time."""
    deadline = time.monotonic() + seconds
    while not has_ended(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # ended, and nobody has asked yet how


def started_elsewhere(data_dir: Path) -> tuple["subprocess.Popen[str]", str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    process.stdout.close()
    return process, url


def killed(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()


def test_data_survives_a_restart_and_the_last_user_ends_the_server(server, data_dir):
    owner_url, _ = server.start()
    pid = server_pid(data_dir)
    with psycopg.connect(owner_url) as connection:
        connection.execute("CREATE TABLE public.kept AS SELECT 7 AS number")
    server.stop()
    assert has_ended(pid)
    owner_url, _ = server.start()
    with psycopg.connect(owner_url) as connection:
        assert connection.execute("SELECT number FROM public.kept").fetchone() == (7,)


def test_the_app_connects_as_a_role_that_owns_nothing(server):
    _, app_url = server.start()
    assert app_role(app_url) == "plumbline_app"
    question = """
        SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole,
          EXISTS (SELECT 1 FROM pg_database WHERE datdba = r.oid)
        FROM pg_roles r WHERE rolname = current_user
    """
    with psycopg.connect(app_url) as connection:
        assert connection.execute(question).fetchone() == (False, False)


def test_two_processes_share_one_server_until_the_last_is_killed(server, data_dir):
    other, url = started_elsewhere(data_dir)
    assert server.start()[1] == url
    pid = server_pid(data_dir)
    killed(other)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()
    assert has_ended(pid)


def test_a_killed_parent_leaves_no_server_behind(data_dir):
    parent, _ = started_elsewhere(data_dir)
    pid = server_pid(data_dir)
    killed(parent)
    assert ends(pid)


def test_a_killed_keeper_leaves_no_server_behind_and_the_next_start_works(server, data_dir):
    server.start()
    kept = json.loads((data_dir / "postgres.port").read_text())
    os.kill(kept["keeper"], signal.SIGKILL)
    assert ends(kept["server"])
    server.stop()
    server.start()


def test_a_killed_server_starts_again_with_its_data(server, data_dir):
    owner_url, _ = server.start()
    with psycopg.connect(owner_url) as connection:
        connection.execute("CREATE TABLE public.kept AS SELECT 7 AS number")
    os.kill(server_pid(data_dir), signal.SIGKILL)
    server.stop()
    owner_url, _ = server.start()
    with psycopg.connect(owner_url) as connection:
        assert connection.execute("SELECT number FROM public.kept").fetchone() == (7,)


def test_a_first_start_that_broke_off_is_begun_anew(server, data_dir):
    (data_dir / "postgres.part").mkdir(parents=True)
    (data_dir / "postgres.part" / "half").write_text("")
    server.start()


def test_data_of_another_major_version_is_named_in_one_line(server, data_dir):
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    (data_dir / "postgres.passwords").write_text('{"postgres": "of the old release"}')
    with pytest.raises(BadConfiguration, match=r"^PLUMBLINE_DATA_DIR: .* Postgres 15, this is 18"):
        server.start()


def test_data_of_another_major_version_stops_the_command_with_that_line(server, data_dir):
    server.start()
    server.stop()
    (data_dir / "postgres" / "PG_VERSION").write_text("17\n")
    for command in ("serve", "worker", "migrate", "verify"):
        done = ordered(command, data_dir)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith("plumbline: PLUMBLINE_DATA_DIR: its database is of Postgres 17")


def ordered(command: str, data_dir: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command of the product on a data directory."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", command],
        env=os.environ | {"PLUMBLINE_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_directory_without_a_whole_cluster_is_named(server, data_dir):
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres.passwords").write_text('{"postgres": "kept"}')
    with pytest.raises(BadConfiguration, match="holds no database"):
        server.start()


@pytest.mark.parametrize("left", [None, "", "{half"])
def test_lost_or_damaged_passwords_are_named_at_once(server, data_dir, left):
    server.start()
    server.stop()
    (data_dir / "postgres.passwords").unlink()
    if left is not None:
        (data_dir / "postgres.passwords").write_text(left)
    with pytest.raises(BadConfiguration, match=r"postgres.passwords is (missing|damaged); restore"):
        server.start()


def test_a_place_where_nothing_may_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadConfiguration, match=r"^PLUMBLINE_DATA_DIR: .*: .*file"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


def test_a_path_with_spaces_and_signs_is_a_path_like_any_other(tmp_path):
    with EmbeddedPostgres(tmp_path / "my data, 100% 'ours' é") as server:
        assert server.superuser_url


def test_a_lock_whose_number_is_another_programs_by_now_does_not_count(server, data_dir):
    """A container that was killed and starts again: process numbers come round."""
    server.start()
    server.stop()
    lock = f"{os.getpid()}\n{data_dir}/postgres\n{int(time.time())}\n5432\n\n127.0.0.1\n"
    (data_dir / "postgres" / "postmaster.pid").write_text(lock)
    server.start()


@pytest.mark.parametrize("left", ["", "{half", '{"port": 1, "keeper": 1, "server": 1}'])
def test_a_port_file_that_was_left_behind_does_not_count(server, data_dir, left):
    data_dir.mkdir()
    (data_dir / "postgres.port").write_text(left)
    server.start()


def test_passwords_are_for_the_owner_alone(server, data_dir):
    server.start()
    assert stat.S_IMODE((data_dir / "postgres.passwords").stat().st_mode) == 0o600


def test_nobody_gets_in_without_a_password(server):
    _, app_url = server.start()
    place = app_url.partition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://plumbline_app@{place}")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that everybody may pass through, outside of pytest's private one."""
    place = Path(tempfile.mkdtemp(prefix="plumbline-reach-"))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
class TestAsRoot:
    """Postgres refuses root, so root starts it as somebody else."""

    def test_it_runs_as_nobody_where_nobody_gets_through(self, reachable):
        with EmbeddedPostgres(reachable / "data"):
            assert (reachable / "data" / "postgres").stat().st_uid == launching.NOBODY

    def test_a_strict_umask_does_not_stand_in_nobodys_way(self, reachable):
        before = os.umask(0o077)
        try:
            with EmbeddedPostgres(reachable / "data"):
                assert (reachable / "data" / "postgres").stat().st_uid == launching.NOBODY
        finally:
            os.umask(before)

    def test_below_a_private_directory_it_runs_in_a_user_namespace(self, tmp_path):
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        server = EmbeddedPostgres(private / "data")
        server.start()
        pid = server_pid(private / "data")
        server.stop()
        assert has_ended(pid)
        assert private.stat().st_mode & 0o077 == 0
        assert (private / "data" / "postgres").owner() == "root"

    def test_a_directory_that_became_private_is_taken_over(self, reachable):
        with EmbeddedPostgres(reachable / "data"):
            pass
        reachable.chmod(0o700)
        with EmbeddedPostgres(reachable / "data") as server:
            assert server.superuser_url
        assert (reachable / "data" / "postgres").stat().st_uid == 0

    def test_an_ordinary_user_needs_nothing_but_a_directory_of_their_own(self, reachable):
        done = as_an_ordinary_user(reachable / "data")
        assert done.stdout.startswith("postgresql://plumbline_app:"), done.stderr

    def test_a_directory_where_a_user_may_not_write_is_named(self, reachable):
        reachable.chmod(0o555)
        done = as_an_ordinary_user(reachable / "data")
        assert "PLUMBLINE_DATA_DIR: Permission denied: " in done.stderr.splitlines()[-1]


def as_an_ordinary_user(data_dir: Path) -> "subprocess.CompletedProcess[str]":
    """Start and leave a server as the user 1000 of a namespace: one who is not root to anybody."""
    become = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    return subprocess.run(
        [*become, sys.executable, "-c", VISITOR, str(data_dir)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
