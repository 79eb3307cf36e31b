"""What the demo starts ends with it, and says why when it ends before."""

import sys
from pathlib import Path

import pytest

from sandbox import browser
from sandbox.processes import Broken, Processes, wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_leaving_ends_every_child(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        children = [processes.start(name, SLEEP) for name in ("first", "second")]
    assert all(child.process.poll() is not None for child in children)


def test_a_child_that_ends_early_is_named_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('the port is taken')"]
    with Processes(tmp_path) as processes:
        processes.start("the app", command)
        with pytest.raises(Broken, match="the app ended with status 1: the port is taken"):
            wait_until(lambda: False, "The start", processes, seconds=20)


def test_a_child_that_never_speaks_is_not_waited_for_longer_than_agreed(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("the app", SLEEP)
        with pytest.raises(Broken, match="the app said nothing"):
            child.first_line(0.1)


def test_settings_of_the_developer_do_not_reach_the_product(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "postgresql://elsewhere.example/real")
    command = [
        sys.executable,
        "-c",
        "import json, os; print(json.dumps({k: v for k, v in os.environ.items()}))",
    ]
    with Processes(tmp_path) as processes:
        environment = processes.start("the app", command).first_line(20)
    assert not [name for name in environment if name.startswith("PLUMBLINE_")]


def test_without_chromium_there_is_a_line_that_installs_it(tmp_path: Path) -> None:
    with pytest.raises(browser.NoBrowser, match="apt-get install"):
        browser.check(tmp_path / "chromium")
