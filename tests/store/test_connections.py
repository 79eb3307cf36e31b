"""A connection: versioned settings, a secret that is only ever written, environments in order."""

import pytest

from app.caller import AccountId
from app.errors import Conflict
from app.store import connections
from tests.store.estate import ENVIRONMENTS, NOW, PRODUCTION, SPACE, TEST, values

ADMIN = AccountId("admin")


async def test_saving_again_without_a_secret_keeps_it_under_the_next_version(
    ours, database, keyring
):
    async with database.transaction(ours.site_id) as db:
        change = values(client_secret=None, environment_ids=("b", "a"))
        saved = await connections.save(
            db, ours.site_id, SPACE, change, keyring, by=AccountId("other"), now=NOW
        )
        secret = await connections.client_secret(db, ours.site_id, SPACE, keyring)
    assert secret == "s3cret"
    assert (saved.version, saved.client_id, saved.environment_ids) == (2, "client", ("b", "a"))
    assert (saved.secret_saved_by, saved.environments) == ("admin", ENVIRONMENTS)


@pytest.mark.parametrize("change", [{"client_id": "other"}, {"control_plane": "eu"}])
async def test_a_kept_secret_never_comes_under_another_client_or_plane(
    ours, database, keyring, change
):
    """Not even when another administrator changes them between the check and the saving."""
    with pytest.raises(Conflict):
        async with database.transaction(ours.site_id) as db:
            moved = values(client_secret=None, **change)
            await connections.save(db, ours.site_id, SPACE, moved, keyring, by=ADMIN, now=NOW)


async def test_no_secret_is_shown_by_anything_that_is_returned(ours, database):
    async with database.transaction(ours.site_id) as db:
        connection = await connections.current(db, ours.site_id, SPACE)
    assert "s3cret" not in repr(connection)
    assert "s3cret" not in repr(values())


async def test_a_first_connection_without_a_secret_is_refused(ours, database, keyring):
    async with database.transaction(ours.site_id) as db:
        await connections.remove(db, ours.site_id, SPACE, NOW)
    with pytest.raises(Conflict):
        async with database.transaction(ours.site_id) as db:
            await connections.save(
                db, ours.site_id, SPACE, values(client_secret=None), keyring, by=ADMIN, now=NOW
            )


async def test_removing_destroys_the_secret_and_keeps_the_history(ours, database, keyring):
    await ours.published()
    async with database.transaction(ours.site_id) as db:
        assert await connections.remove(db, ours.site_id, SPACE, NOW)
        assert not await connections.remove(db, ours.site_id, SPACE, NOW)
        assert await connections.current(db, ours.site_id, SPACE) is None
        assert await connections.client_secret(db, ours.site_id, SPACE, keyring) is None
        saved = await connections.save(
            db, ours.site_id, SPACE, values(), keyring, by=ADMIN, now=NOW
        )
    assert (saved.version, saved.published_number) == (3, 1)


async def test_refused_credentials_are_noted_until_they_change(ours, database, keyring):
    async with database.transaction(ours.site_id) as db:
        await connections.mark_refused(db, ours.site_id, SPACE, 7, NOW)
        before = await connections.current(db, ours.site_id, SPACE)
        await connections.mark_refused(db, ours.site_id, SPACE, 1, NOW)
        after = await connections.current(db, ours.site_id, SPACE)
        saved = await connections.save(
            db, ours.site_id, SPACE, values(), keyring, by=ADMIN, now=NOW
        )
    assert before is not None
    assert after is not None
    assert (before.refused_at, after.refused_at, saved.refused_at) == (None, NOW, None)


async def test_environments_keep_the_order_they_were_given(ours, database):
    async with database.transaction(ours.site_id) as db:
        await connections.keep_environments(db, ours.site_id, SPACE, (PRODUCTION, TEST))
        await connections.keep_group_names(db, ours.site_id, SPACE, {"g": "Retail"})
        await connections.keep_organization(db, ours.site_id, SPACE, "org", "Acme")
        connection = await connections.current(db, ours.site_id, SPACE)
    assert connection is not None
    assert connection.environments == (PRODUCTION, TEST)
    assert connection.group_names == {"g": "Retail"}
    assert (connection.organization_id, connection.organization_name) == ("org", "Acme")
