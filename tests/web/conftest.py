"""The served app with two installed sites: ours, whose space is connected, and theirs."""

from collections.abc import AsyncIterator

import pytest

from app.store import arrivals
from app.store.database import Database
from app.store.encryption import Keyring
from tests.postgres import FreshDatabase
from tests.store.estate import NOW, Home, arrival, receipt, settle
from tests.web.product import Product, secret_of, served


@pytest.fixture
async def product(
    addresses: FreshDatabase, database: Database, keyring: Keyring
) -> AsyncIterator[Product]:
    async with served(addresses, database, keyring) as running:
        yield running


@pytest.fixture
async def ours(database: Database, keyring: Keyring) -> Home:
    return await settled(database, keyring, "ours")


@pytest.fixture
async def theirs(database: Database, keyring: Keyring) -> Home:
    return await settled(database, keyring, "theirs")


async def settled(database: Database, keyring: Keyring, issuer: str) -> Home:
    """Settle a site with a secret that is long enough to sign with."""
    home = await settle(database, keyring, issuer)
    again = arrival(issuer, shared_secret=secret_of(issuer))
    async with database.lookup(issuer) as db:
        await arrivals.install(db, again, receipt(b"again"), keyring, NOW)
    return home
