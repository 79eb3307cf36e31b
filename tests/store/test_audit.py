"""The audit log: written beside what was done, read by its space, changed by nobody."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.caller import AccountId, Door, Origin, SpaceId
from app.store import audit, purging, sites
from app.store.audit import WHOLE_SITE, Act, Action, Outcome
from tests.store.estate import NOW, SPACE

ALICE = AccountId("alice")
ORIGIN = Origin(Door.CONNECT, "request-1")
CHANGED = Act(Action.CONNECTION_CHANGED, ALICE, ORIGIN, fields=("client_id",))
REFUSED = Act(Action.WRITE_REFUSED, ALICE, ORIGIN, "PUT /x", outcome=Outcome.REFUSED)


async def written(home, *acts, space=SPACE):
    for act in acts:
        async with home.database.transaction(home.site_id) as db:
            await audit.write(db, home.site_id, space, act)


async def actions(home, space=SPACE):
    async with home.database.transaction(home.site_id) as db:
        entries, total = await audit.newest(db, home.site_id, space, 1, 100)
    assert total == len(entries)
    return [entry.action for entry in entries]


async def test_an_act_says_who_did_what_through_which_door_and_when(ours):
    await written(ours, CHANGED)
    async with ours.database.transaction(ours.site_id) as db:
        before = await db.scalar(text("SELECT clock_timestamp()"))
        (entry,), _ = await audit.newest(db, ours.site_id, SPACE, 1, 1)
    assert (entry.account_id, entry.door, entry.request_id) == ("alice", "connect", "request-1")
    assert (entry.action, entry.fields, entry.outcome) == (
        "connection_changed",
        ("client_id",),
        "done",
    )
    assert before - timedelta(minutes=1) < entry.at < before


async def test_an_act_that_was_undone_leaves_no_trace(ours):
    with pytest.raises(RuntimeError):
        async with ours.database.transaction(ours.site_id) as db:
            await audit.write(db, ours.site_id, SPACE, CHANGED)
            raise RuntimeError
    assert await actions(ours) == []


async def test_a_space_sees_its_own_acts_and_the_sites_and_no_others(ours, theirs):
    await written(ours, Act(Action.INSTALLED), space=WHOLE_SITE)
    await written(ours, CHANGED)
    await written(ours, Act(Action.SYNC_STARTED), space=SpaceId("99"))
    assert await actions(ours) == ["connection_changed", "installed"]
    assert await actions(ours, SpaceId("99")) == ["sync_started", "installed"]
    assert await actions(theirs) == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET account_id = 'bob'", "DELETE FROM audit"])
async def test_the_app_can_neither_change_nor_delete(ours, statement):
    await written(ours, CHANGED)
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with ours.database.transaction(ours.site_id) as db:
            await db.execute(text(statement))
    assert await actions(ours) == ["connection_changed"]


async def test_the_owner_cannot_change_it_either(ours, addresses):
    await written(ours, CHANGED)
    with psycopg.connect(addresses.owner_url) as connection:
        connection.execute("SELECT set_config('plumbline.site', %s, true)", [ours.site_id])
        with pytest.raises(psycopg.IntegrityError, match="cannot be changed"):
            connection.execute("UPDATE plumbline.audit SET account_id = 'bob'")


async def test_what_is_younger_than_a_day_stays_whatever_is_asked(ours, theirs):
    await written(ours, CHANGED)
    await written(theirs, CHANGED)
    async with ours.database.transaction(ours.site_id) as db:
        assert await audit.purge(db, ours.site_id, timedelta(0)) == 0
    assert await actions(ours) == ["connection_changed"]


async def test_what_is_older_than_the_retention_goes_and_of_this_site_alone(
    ours, theirs, addresses
):
    aged = (
        "INSERT INTO plumbline.audit (site_id, entry_id, space_id, at, action, fields, outcome)"
        " VALUES (%s, gen_random_uuid(), %s, now() - interval '40 days', 'installed', '{}', 'done')"
    )
    with psycopg.connect(addresses.superuser_url) as connection:
        for home in (ours, theirs):
            connection.execute(aged, [home.site_id, SPACE])
    async with ours.database.transaction(ours.site_id) as db:
        assert await audit.purge(db, ours.site_id, timedelta(days=41)) == 0
        assert await audit.purge(db, ours.site_id, timedelta(days=39)) == 1
    assert await actions(theirs) == ["installed"]


async def test_it_goes_with_its_site_and_not_before(ours, database):
    await written(ours, CHANGED)
    with pytest.raises(IntegrityError):
        async with database.transaction(ours.site_id) as db:
            await sites.purge(db, ours.site_id)
    async with database.transaction(ours.site_id) as db:
        await sites.uninstall(db, ours.site_id, NOW, NOW)
        assert await purging.forget_site(db, ours.site_id)


async def test_who_repeats_what_is_refused_does_not_fill_the_log(ours):
    for _ in range(5):
        async with ours.database.transaction(ours.site_id) as db:
            await audit.write_refusal(db, ours.site_id, SPACE, REFUSED)
    assert await actions(ours) == ["write_refused"]
