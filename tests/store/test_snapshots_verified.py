"""`plumbline verify`: every snapshot of every site, from outside."""

import base64
import os
import subprocess
import sys

import pytest

from tests.postgres import FreshDatabase
from tests.store.estate import Home, make_finding, make_posture, rows_of
from tests.store.test_snapshots import taken, tamper


def verify(addresses: FreshDatabase) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does."""
    key = base64.b64encode(bytes(32)).decode()
    settings = {
        "PLUMBLINE_DATABASE_URL": addresses.app_url,
        "PLUMBLINE_MIGRATION_DATABASE_URL": addresses.owner_url,
        "PLUMBLINE_ENCRYPTION_KEYS": f"test:{key}",
    }
    command = [sys.executable, "-m", "app.cli", "verify"]
    return subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
async def homes(ours: Home, theirs: Home) -> tuple[Home, Home]:
    """Two sites with a chain of two snapshots each."""
    for home in (ours, theirs):
        await home.published(rows=rows_of(make_posture("g/orders", make_finding())))
        await taken(home)
        await taken(home)
    return ours, theirs


async def test_all_that_holds_is_counted(homes, addresses):
    done = verify(addresses)
    assert (done.returncode, done.stdout) == (0, "4 snapshots checked, 0 broken\n")


async def test_what_does_not_hold_is_named_and_fails(homes, addresses):
    broken = await taken(homes[1])
    tamper(
        addresses, f"UPDATE plumbline.snapshots SET title = '' WHERE snapshot_id = '{broken.id}'"
    )
    done = verify(addresses)
    assert (done.returncode, done.stdout) == (1, "5 snapshots checked, 1 broken\n")
    assert (
        done.stderr.splitlines()[-1] == f"plumbline: snapshot {broken.id} does not match its hash"
    )
