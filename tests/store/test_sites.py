"""Installing: one site per issuer for good, its secret sealed, its tokens good for one body."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.errors import Conflict
from app.store import agenda, arrivals, connections, install_tokens, sites, syncs
from app.store.encryption import CannotDecrypt, Keyring
from app.store.install_tokens import Spent
from app.store.looking_up import LookingUp
from tests.store.estate import (
    NOW,
    SPACE,
    TEST,
    Read,
    arrival,
    make_finding,
    make_posture,
    receipt,
    rows_of,
)

PURGE = NOW + timedelta(days=30)


async def install(database, keyring, said, paid, now=NOW):
    async with database.lookup(said.issuer) as db:
        return await arrivals.install(db, said, paid, keyring, now)


async def found(database, keyring, issuer="new"):
    return await LookingUp(database, keyring).find(issuer)


async def test_a_first_installation_makes_a_site(database, keyring):
    assert await found(database, keyring) is None
    site_id, spent = await install(database, keyring, arrival("new"), receipt())
    assert spent is Spent.NEW
    seen = await found(database, keyring)
    assert seen is not None
    assert (seen.site_id, seen.shared_secret) == (site_id, "secret of new")
    assert (seen.installed, seen.enabled) == (True, True)
    assert "secret of new" not in repr(seen)


async def test_parallel_installs_leave_one_site(database, keyring, addresses):
    installs = [
        install(database, keyring, arrival("new"), receipt(b"token-%d" % number))
        for number in range(8)
    ]
    done = await asyncio.gather(*installs)
    assert {spent for _, spent in done} == {Spent.NEW}
    assert len({site_id for site_id, _ in done}) == 1


async def test_installing_again_overwrites_secret_and_addresses_in_the_same_site(database, keyring):
    first, _ = await install(database, keyring, arrival("new"), receipt())
    again = arrival("new", shared_secret="other", display_url="https://vanity.example/wiki")
    second, _ = await install(database, keyring, again, receipt(b"another"))
    assert first == second
    seen = await found(database, keyring)
    assert seen is not None
    assert (seen.shared_secret, seen.display_url) == ("other", "https://vanity.example/wiki")


async def test_a_token_used_again_changes_nothing(database, keyring):
    await install(database, keyring, arrival("new"), receipt())
    forged = arrival("new", shared_secret="attacker's")
    _, same = await install(database, keyring, forged, receipt())
    _, other = await install(database, keyring, forged, receipt(body=b"other body"))
    assert (same, other) == (Spent.SAME, Spent.OTHER)
    seen = await found(database, keyring)
    assert seen is not None
    assert seen.shared_secret == "secret of new"


async def test_spent_tokens_are_forgotten_after_their_time(database, keyring):
    site_id, _ = await install(database, keyring, arrival("new"), receipt())
    async with database.transaction(site_id) as db:
        later = NOW + timedelta(hours=1)
        assert await install_tokens.spend(db, site_id, receipt(b"next"), later) is Spent.NEW
        assert await db.scalar(text("SELECT count(*) FROM install_tokens")) == 1


async def test_the_secret_is_sealed_where_it_lies(database, keyring):
    site_id, _ = await install(database, keyring, arrival("new"), receipt())
    async with database.transaction(site_id) as db:
        kept = await db.scalar(text("SELECT shared_secret FROM installations"))
    assert b"secret of new" not in kept
    with pytest.raises(CannotDecrypt):
        await found(database, Keyring({"test": b"x" * 32}))


async def test_uninstalling_destroys_secrets_at_once_and_stops_syncs(ours, database, keyring):
    sync_id, _ = await ours.begun()
    async with database.transaction(ours.site_id) as db:
        await agenda.schedule(db, ours.site_id, SPACE, NOW)
        await sites.uninstall(db, ours.site_id, NOW, PURGE)
        assert await connections.client_secret(db, ours.site_id, SPACE, keyring) is None
        sync = await syncs.one(db, ours.site_id, SPACE, sync_id)
    assert sync is not None
    assert sync.state == "cancelled"
    seen = await found(database, keyring, "ours")
    assert seen is not None
    assert (seen.installed, seen.enabled, seen.shared_secret) == (False, False, "")
    async with database.agenda() as db:
        assert await agenda.due_syncs(db, NOW) == ()
        assert await agenda.due_purges(db, PURGE) == (ours.site_id,)


async def test_installing_again_takes_the_purge_off_the_agenda(ours, database, keyring):
    async with database.transaction(ours.site_id) as db:
        await sites.uninstall(db, ours.site_id, NOW, PURGE)
    site_id, _ = await install(database, keyring, arrival("ours"), receipt(b"again"))
    assert site_id == ours.site_id
    async with database.agenda() as db:
        assert await agenda.due_purges(db, PURGE) == ()


async def test_switched_on_after_uninstalling_it_stays_off(ours, database, keyring):
    async with database.transaction(ours.site_id) as db:
        await sites.set_enabled(db, ours.site_id, enabled=False)
        seen = await sites.installation(db, ours.site_id, keyring)
        assert seen is not None
        assert (seen.installed, seen.enabled) == (True, False)
        await sites.uninstall(db, ours.site_id, NOW, PURGE)
        await sites.set_enabled(db, ours.site_id, enabled=True)
        seen = await sites.installation(db, ours.site_id, keyring)
    assert seen is not None
    assert not seen.enabled


async def test_the_fingerprint_key_is_random_per_site_and_stays(ours, theirs, database, keyring):
    async with database.transaction(ours.site_id) as db:
        mine = await sites.fingerprint_key(db, ours.site_id, keyring)
    await install(database, keyring, arrival("ours"), receipt(b"again"))
    async with database.transaction(ours.site_id) as db:
        assert await sites.fingerprint_key(db, ours.site_id, keyring) == mine
        with pytest.raises(Conflict):
            await sites.fingerprint_key(db, theirs.site_id, keyring)
    async with database.transaction(theirs.site_id) as db:
        assert await sites.fingerprint_key(db, theirs.site_id, keyring) != mine


async def test_after_a_purge_no_table_holds_a_row_of_the_site(ours, theirs, database):
    for home in (ours, theirs):
        await home.published([Read(TEST, 1, "g/a")], rows_of(make_posture("g/a", make_finding())))
    async with database.transaction(ours.site_id) as db:
        await sites.purge(db, ours.site_id)
        for table in ("sites", "installations", "connections", "syncs", "sections", "findings"):
            assert await db.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    async with database.transaction(theirs.site_id) as db:
        assert await db.scalar(text("SELECT count(*) FROM findings")) == 1
