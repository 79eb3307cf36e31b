"""The store's cast: two sites, ours and theirs, each with a connected space."""

import pytest

from app.store.database import Database
from app.store.encryption import Keyring
from tests.store.estate import Home, settle


@pytest.fixture
async def ours(database: Database, keyring: Keyring) -> Home:
    return await settle(database, keyring, "ours")


@pytest.fixture
async def theirs(database: Database, keyring: Keyring) -> Home:
    return await settle(database, keyring, "theirs")
