"""Look-ups of installations: together where they come together, and each with its own answer."""

import asyncio
from datetime import timedelta

import pytest

from app.errors import Unavailable
from app.store import arrivals, sites
from app.store.database import Database
from app.store.encryption import CannotDecrypt, Keyring
from app.store.looking_up import LookingUp
from tests.store.estate import NOW, arrival, receipt
from tests.store.test_database import AWAY

OTHER = Keyring({"other": b"o" * 32})


async def install(database, keyring, issuer):
    async with database.lookup(issuer) as db:
        return await arrivals.install(db, arrival(issuer), receipt(issuer.encode()), keyring, NOW)


async def test_those_who_come_together_get_each_their_own_site(database, keyring):
    for issuer in ("one", "two"):
        await install(database, keyring, issuer)
    looking_up = LookingUp(database, keyring)
    asked = ["one", "nobody", "two", "one", "ONE", ""] * 20
    found = await asyncio.gather(*map(looking_up.find, asked))
    secrets = [each.shared_secret if each else None for each in found]
    assert secrets == ["secret of one", None, "secret of two", "secret of one", None, None] * 20


async def test_many_look_ups_hold_one_connection(addresses, keyring):
    database = Database(addresses.app_url, pool_size=2, pool_wait_seconds=30)
    await install(database, keyring, "one")
    looking_up = LookingUp(database, keyring)
    held = 0
    asking = asyncio.gather(*(looking_up.find(f"anybody {n}") for n in range(500)))
    while not asking.done():
        held = max(held, database.in_use)
        await asyncio.sleep(0)
    assert held == 1
    assert set(await asking) == {None}
    await database.close()


async def test_a_secret_that_stays_shut_keeps_nobody_elses_closed(database, keyring):
    await install(database, keyring, "one")
    await install(database, OTHER, "two")
    looking_up = LookingUp(database, keyring)
    one, two = await asyncio.gather(
        looking_up.find("one"), looking_up.find("two"), return_exceptions=True
    )
    assert isinstance(one, sites.Installation)
    assert isinstance(two, CannotDecrypt)


async def test_a_change_before_the_call_is_seen_though_a_question_is_under_way(database, keyring):
    site_id, _ = await install(database, keyring, "one")
    looking_up = LookingUp(database, keyring)
    before = asyncio.create_task(looking_up.find("one"))
    while not database.in_use:
        await asyncio.sleep(0)
    async with database.transaction(site_id) as db:
        await sites.uninstall(db, site_id, NOW, NOW + timedelta(days=1))
    after = await looking_up.find("one")
    assert after is not None
    assert not after.installed
    await before


async def test_one_who_leaves_takes_nothing_from_the_others(database, keyring):
    await install(database, keyring, "one")
    looking_up = LookingUp(database, keyring)
    leaving = asyncio.create_task(looking_up.find("one"))
    staying = asyncio.create_task(looking_up.find("one"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying) is not None
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_after_a_failure_the_next_look_up_asks_anew(keyring):
    database = Database(AWAY)
    looking_up = LookingUp(database, keyring)
    for _ in range(2):
        told = await asyncio.gather(*map(looking_up.find, "ab"), return_exceptions=True)
        assert [type(each) for each in told] == [Unavailable, Unavailable]
    assert looking_up._next.answer is None
    await database.close()
