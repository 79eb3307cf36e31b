"""Encryption keys: rotated while serving, missed loudly, and every sealed column is rotated."""

import asyncio

import psycopg
import pytest
from sqlalchemy import LargeBinary

from app import cli
from app.settings import written_keys
from app.store import connections, key_care
from app.store.encryption import Keyring
from app.store.key_care import KeyCheck, rotate_all
from app.store.rotation import SEALED
from app.store.tables import metadata
from tests.store.estate import SPACE, Home
from tests.web.product import Product

OLD, NEW = {"test": b"k" * 32}, {"new": b"n" * 32}

OPEN_BYTES = ("digest", "sha256", "body")
"""Ends of the names of binary columns that hold nothing secret."""


def test_every_sealed_column_is_rotated():
    binary = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, LargeBinary) and not column.name.endswith(OPEN_BYTES)
    }
    sections = {f"{name}.{part}" for name in ("readings", "instance_versions") for part in PARTS}
    assert binary - sections == {str(sealed.column) for sealed in SEALED}


PARTS = ("facts", "policies", "tiers", "contracts")


async def test_requests_are_answered_while_keys_are_rotated(
    product: Product, ours: Home, theirs: Home
):
    """The serving process has both keys, in whichever order."""
    both = Keyring(NEW | OLD)
    product.services.keyring._ciphers.update(both._ciphers)

    async def asked() -> list[int]:
        return [(await product.call("GET", "connection")).status_code for _ in range(10)]

    database = product.services.database
    every = [ours.site_id, theirs.site_id]
    statuses, rotated = await asyncio.gather(asked(), rotate_all(database, both, every))
    assert set(statuses) == {200}
    assert (rotated.changed, rotated.usage) == (6, {"new": 6})
    again = await rotate_all(database, both, every)
    assert again.changed == 0


async def test_a_site_whose_key_is_missing_keeps_its_values(ours: Home, database):
    rotated = await rotate_all(database, Keyring(NEW), [ours.site_id])
    assert (rotated.changed, rotated.failed_sites, rotated.usage) == (0, 1, {"test": 3})
    async with database.transaction(ours.site_id) as db:
        kept = await connections.client_secret(db, ours.site_id, SPACE, Keyring(OLD))
    assert kept == "s3cret"


@pytest.mark.parametrize(("keys", "status"), [(OLD, 200), (NEW | OLD, 200), (NEW, 503)])
async def test_readiness_names_a_key_that_is_missing(
    product: Product, ours: Home, database, keys, status
):
    object.__setattr__(product.services, "keys", KeyCheck(database, Keyring(keys)))
    answer = await product.http.get("/readyz")
    assert answer.status_code == status
    assert ("test" in answer.text) == (status == 503)


async def test_readiness_names_a_key_that_is_another_one_of_the_same_name(
    product: Product, ours: Home, database
):
    """A backup restored with the keys of another deployment: both are called k1."""
    other = KeyCheck(database, Keyring({"test": b"o" * 32}))
    object.__setattr__(product.services, "keys", other)
    answer = await product.http.get("/readyz")
    assert answer.status_code == 503
    assert "sealed with another key than PLUMBLINE_ENCRYPTION_KEYS names test" in answer.text


async def test_a_missing_key_is_looked_for_again_as_soon_as_the_database_is_back(
    ours: Home, database, addresses, monkeypatch
):
    monkeypatch.setattr(key_care, "LOOK_SOON_SECONDS", 0.0, raising=False)
    keys = KeyCheck(database, Keyring(NEW))
    await database.close()
    with psycopg.connect(addresses.superuser_url, autocommit=True) as connection:
        connection.execute("ALTER ROLE plumbline_app NOLOGIN")
        try:
            assert await keys.problem() is None
        finally:
            connection.execute("ALTER ROLE plumbline_app LOGIN")
    async with asyncio.timeout(30):
        while await keys.problem() is None:
            await asyncio.sleep(0.05)


def test_the_command_says_how_many_values_use_which_key_and_which_may_go(
    addresses, monkeypatch, capsys
):
    asyncio.run(settled(addresses.app_url))
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", addresses.app_url)
    monkeypatch.setenv("PLUMBLINE_ENCRYPTION_KEYS", written_keys(NEW | OLD))
    assert cli.main(["rotate-keys"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "3 values were sealed anew with the key new",
        "key new: 3 values, encrypts",
        "key test: 0 values, may be removed",
    ]
    monkeypatch.setenv("PLUMBLINE_ENCRYPTION_KEYS", written_keys({"later": b"l" * 32}))
    assert cli.main(["rotate-keys"]) == 1
    assert "key new: 3 values, is missing" in capsys.readouterr().out


async def settled(url: str) -> None:
    """Settle a site in a loop of its own: the command has its own too."""
    from app.store.database import Database
    from tests.store.estate import settle

    database = Database(url)
    await settle(database, Keyring(OLD), "ours")
    await database.close()
