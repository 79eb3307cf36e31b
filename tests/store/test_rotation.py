"""Keys are rotated without downtime: old and new side by side, then the old one is not needed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.caller import AccountId, SiteId
from app.store import agenda, connections, exceptions, rotation, sites
from app.store.database import DB, Database
from app.store.encryption import CannotDecrypt, Keyring
from app.store.exceptions import ExceptionRow
from tests.store.estate import NOW, SPACE

ACCEPTED = ExceptionRow(
    id="0e8f3c1e-6a52-4a0e-9a1b-3c1d5b7f9a20",
    fingerprint="f1",
    values_digest="v",
    api_id=None,
    api_key=None,
    reason="planned",
    note="n",
    made_by=AccountId("ada"),
    made_at=NOW,
    until=NOW + timedelta(days=1),
)
LATER_ID = "1e8f3c1e-6a52-4a0e-9a1b-3c1d5b7f9a20"

OLD, NEW = {"test": b"k" * 32}, {"new": b"n" * 32}


async def test_after_rotating_the_old_key_is_not_needed(ours, database):
    async with database.transaction(ours.site_id) as db:
        assert await rotation.key_usage(db, ours.site_id) == {"test": 3}
        key = await sites.fingerprint_key(db, ours.site_id, Keyring(OLD))
        assert await rotation.rotate(db, ours.site_id, Keyring(NEW | OLD)) == 3
        assert await rotation.rotate(db, ours.site_id, Keyring(NEW | OLD)) == 0
        assert await rotation.key_usage(db, ours.site_id) == {"new": 3}
        new = Keyring(NEW)
        assert await sites.fingerprint_key(db, ours.site_id, new) == key
        assert await connections.client_secret(db, ours.site_id, SPACE, new) == "s3cret"
        seen = await sites.installation(db, ours.site_id, new)
    assert seen is not None
    assert seen.shared_secret == "secret of ours"


async def test_a_missing_key_changes_nothing(ours, database):
    with pytest.raises(CannotDecrypt):
        async with database.transaction(ours.site_id) as db:
            await rotation.rotate(db, ours.site_id, Keyring(NEW))
    async with database.transaction(ours.site_id) as db:
        assert await rotation.key_usage(db, ours.site_id) == {"test": 3}


async def test_the_agenda_names_every_site(ours, theirs, database):
    async with database.agenda() as db:
        assert set(await agenda.all_sites(db)) == {ours.site_id, theirs.site_id}


async def test_keys_are_rotated_while_what_hangs_on_the_site_is_written(ours, database):
    """A publishing writes for seconds: it neither keeps the rotation waiting nor waits for it."""
    async with database.transaction(ours.site_id) as writing:
        await exceptions.make(writing, ours.site_id, SPACE, [ACCEPTED])
        async with database.transaction(ours.site_id) as db:
            assert await rotation.rotate(db, ours.site_id, Keyring(NEW | OLD)) == 3
            later = replace(ACCEPTED, id=LATER_ID, fingerprint="f2")
            await exceptions.make(writing, ours.site_id, SPACE, [later])


async def test_a_site_that_leaves_meanwhile_and_the_rotation_end_both(ours, database):
    """They take what they hold in one order: of two who each held what the other needs, one fails."""
    async with database.transaction(ours.site_id) as db:
        assert await sites.is_installed(db, ours.site_id)
        rotating = asyncio.create_task(rotated(database, ours.site_id))
        await waited_for(db)
        await sites.uninstall(db, ours.site_id, NOW, NOW)
    assert await rotating == 1


async def rotated(database: Database, site_id: SiteId) -> int:
    async with database.transaction(site_id) as db:
        return await rotation.rotate(db, site_id, Keyring(NEW | OLD))


async def waited_for(db: DB) -> None:
    """Come back once somebody waits for what this transaction holds."""
    async with asyncio.timeout(30):
        while not await db.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            await asyncio.sleep(0.02)
