"""Keys are rotated without downtime: old and new side by side, then the old one is not needed."""

import pytest

from app.store import agenda, connections, rotation, sites
from app.store.encryption import CannotDecrypt, Keyring
from tests.store.estate import SPACE

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
