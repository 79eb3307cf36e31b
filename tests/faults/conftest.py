"""Machines per test: a database, a stand-in, and the processes that the test starts."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from app.store.database import Database
from app.sync.queue import Queue
from sandbox.processes import Processes
from tests.faults.machines import LEASE_SECONDS, Machines, logs, standin
from tests.postgres import FreshDatabase


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(logs(tmp_path)) as started:
        yield started


@pytest.fixture
async def machines(
    addresses: FreshDatabase, database: Database, processes: Processes
) -> AsyncIterator[Machines]:
    queue = Queue(addresses.app_url, LEASE_SECONDS)
    await queue.open()
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Machines(addresses, processes, database, queue, standin(processes), http)
    await queue.close()
