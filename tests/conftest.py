"""What all tests share: a database per test, the app's way to it, and no way out of loopback."""

import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from app.store.database import Database
from app.store.encryption import Keyring
from tests.postgres import FreshDatabase, cluster, fresh_database, stop_cluster

# The suite judges a change, so it asks the same of each; `make soak` goes and looks for more.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("search", settings.get_profile("suite"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

_connect = socket.socket.connect


def _only_loopback(self: socket.socket, address: Any) -> None:
    if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
        raise AssertionError(f"a test tried to reach {address[0]}")
    _connect(self, address)


@pytest.fixture(scope="session", autouse=True)
def _stay_here() -> Iterator[None]:
    socket.socket.connect = _only_loopback  # type: ignore[method-assign]
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def _postgres() -> Iterator[None]:
    yield
    stop_cluster()


@pytest.fixture
def addresses() -> Iterator[FreshDatabase]:
    made = fresh_database()
    yield made
    cluster().take_back(made)


@pytest.fixture
async def database(addresses: FreshDatabase) -> AsyncIterator[Database]:
    database = Database(addresses.app_url, pool_size=5, pool_wait_seconds=30, lock_seconds=2)
    yield database
    await database.close()


@pytest.fixture
def keyring() -> Keyring:
    return Keyring({"test": b"k" * 32})
