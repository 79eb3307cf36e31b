"""What an operator has: processes with their settings, a database of their own, both vendors."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.processes import Processes
from sandbox.stack import PLUMBLINE, Estate, Stack, running
from tests.postgres import FreshDatabase

KEY = b"k" * 32


@pytest.fixture
def processes(tmp_path: Path, addresses: FreshDatabase) -> Iterator[Processes]:
    """They end before their database does: `addresses` is asked for that order alone."""
    with Processes(tmp_path / "logs") as started:
        yield started


@pytest.fixture
def settings(addresses: FreshDatabase) -> dict[str, str]:
    """The settings of a deployment with two roles and workers of its own."""
    return {
        "PLUMBLINE_DATABASE_URL": addresses.app_url,
        "PLUMBLINE_MIGRATION_DATABASE_URL": addresses.owner_url,
        "PLUMBLINE_ENCRYPTION_KEYS": f"test:{base64.b64encode(KEY).decode()}",
        "PLUMBLINE_LEASE_SECONDS": "5",
        "PLUMBLINE_WORKER": "external",
        "PLUMBLINE_LOG_FORMAT": "json",
    }


@pytest.fixture
def deployment(settings: dict[str, str], tmp_path: Path) -> Iterator[Stack]:
    """One `serve` and one `worker` between the stand-ins, the app installed and connected."""
    with running(tmp_path / "deployment", estate=Estate(apis=4), overrides=settings) as stack:
        plane = f'{{"sandbox": "{stack.anypoint["url"]}"}}'
        own = settings | {"PLUMBLINE_CONTROL_PLANES": plane}
        stack.processes.start("plumbline worker", [str(PLUMBLINE), "worker"], own)
        stack.install()
        stack.connect()
        finish(stack)
        yield stack


def finish(stack: Stack) -> None:
    """Wait until the newest sync is published; anything else fails."""
    for _ in stack.progress():
        pass
