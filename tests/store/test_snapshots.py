"""Snapshots: frozen, chained, verified, and nobody's to change."""

from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.caller import AccountId, SpaceId
from app.posture.model import (
    CellState,
    FieldRow,
    Matrix,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    SectionName,
    Severity,
)
from app.store import exporting, findings, posture_rows, snapshots, syncs
from app.store.frozen import Content, seen
from app.store.posture_rows import Filter, Sort
from app.store.snapshots import Altered, Taking
from tests.store.estate import NOW, SPACE, Home, make_finding, make_posture, rows_of

EVERYTHING = Filter(size=1000)
TAKING = Taking(AccountId("557058:ada"), "Audit Q1", "before the release")


async def looked_at(home: Home, wanted: Filter = EVERYTHING) -> Content:
    """What a person sees of the published sync."""
    async with home.database.transaction(home.site_id) as db:
        sync = await syncs.published(db, home.site_id, SPACE)
        assert sync is not None
        place = (db, home.site_id, SPACE, sync.number or 0)
        page = await posture_rows.page(*place, wanted)
        return Content(
            sync=seen(sync),
            wanted=wanted,
            api_id=None,
            summary=await posture_rows.summary(*place),
            total=page.total,
            read_errors=await exporting.read_errors(*place, wanted, sync.environments),
            group_names={"group": "Group"},
            rows=page.rows,
            findings=(await findings.listed(*place, wanted, size=1000)).rows,
        )


async def taken(home: Home, taking: Taking = TAKING, content: Content | None = None):
    content = content or await looked_at(home)
    async with home.database.transaction(home.site_id) as db:
        return await snapshots.take(db, home.site_id, SPACE, taking, content, NOW)


async def opened(home: Home, snapshot_id: str):
    async with home.database.transaction(home.site_id) as db:
        return await snapshots.one(db, home.site_id, SPACE, snapshot_id)


async def checked(home: Home) -> list[bool]:
    async with home.database.transaction(home.site_id) as db:
        return [holds async for _, holds in snapshots.checked(db, home.site_id)]


@pytest.fixture
async def published(ours: Home) -> Home:
    postures = (make_posture("g/orders", make_finding()), make_posture("g/billing"))
    await ours.published(rows=rows_of(*postures))
    return ours


async def test_what_was_seen_is_what_is_opened(published):
    content = await looked_at(published)
    found = await opened(published, (await taken(published, content=content)).id)
    assert found is not None
    assert found.content == replace(content, wanted=Filter())
    header = found.snapshot
    assert (header.title, header.note, header.taken_by) == ("Audit Q1", TAKING.note, TAKING.by)
    assert (header.taken_at, header.position, header.api_count) == (NOW, 1, 2)
    assert header.previous_sha256 is None


async def test_the_matrices_of_one_api_are_frozen_with_it(published):
    matrix = Matrix(
        SectionName.POLICIES,
        (MatrixColumn("e1", "Test", is_baseline=True, state=CellState.DEPLOYED),),
        (
            MatrixRow(
                "jwt",
                (MatrixCell({"version": "1.0"}, "on", differs=True), None),
                differs=True,
                fields=(FieldRow("ttl", "Time", (1, None), differs=True, is_default=(False,)),),
            ),
        ),
    )
    content = replace(await looked_at(published), api_id="x", matrices=(matrix,) * 3)
    found = await opened(published, (await taken(published, content=content)).id)
    assert found is not None
    assert found.content.matrices == (matrix,) * 3


async def test_a_snapshot_stays_byte_for_byte_whatever_is_published_later(published):
    snapshot = await taken(published)
    before = await opened(published, snapshot.id)
    changed = make_finding(values_digest="v2", severity=Severity.CRITICAL)
    await published.published(rows=rows_of(make_posture("g/orders", changed)))
    assert await opened(published, snapshot.id) == before


async def test_taking_again_makes_another_one_that_follows_the_first(published):
    first, second = await taken(published), await taken(published)
    assert (first.id == second.id, second.position) == (False, 2)
    assert second.previous_sha256 == first.sha256
    found = await opened(published, second.id)
    assert found is not None
    previous = bytes.fromhex(first.sha256)
    assert snapshots.hashed(previous, found.body).hex() == second.sha256
    async with published.database.transaction(published.site_id) as db:
        listed, total = await snapshots.newest(db, published.site_id, SPACE)
        assert await snapshots.newest(db, published.site_id, SPACE, api_id="x") == ((), 0)
    assert (listed, total) == ((second, first), 2)


async def test_a_repeated_command_returns_the_snapshot_that_it_made(published):
    taking = replace(TAKING, command="key-1")
    first = await taken(published, taking)
    assert await taken(published, replace(taking, title="Other")) == first
    assert (await taken(published, replace(taking, by=AccountId("eve")))).id != first.id


async def test_two_chains_of_two_spaces_do_not_meet(published):
    first = await taken(published)
    other = SpaceId("99")
    async with published.database.transaction(published.site_id) as db:
        content = (await snapshots.one(db, published.site_id, SPACE, first.id)).content
        there = await snapshots.take(db, published.site_id, other, TAKING, content, NOW)
        assert (there.position, there.previous_sha256) == (1, None)
        assert await snapshots.one(db, published.site_id, SPACE, there.id) is None
    assert await checked(published) == [True, True]


async def test_another_site_finds_nothing(published, theirs):
    snapshot = await taken(published)
    assert await opened(theirs, snapshot.id) is None
    assert await checked(theirs) == []


async def test_the_filter_is_part_of_what_is_frozen(published):
    wanted = Filter(search="Ord", verdicts=("threat",), sort=Sort.NAME, page=3, size=7)
    content = replace(await looked_at(published), wanted=wanted)
    snapshot = await taken(published, content=content)
    assert snapshot.wanted == Filter(search="Ord", verdicts=("threat",), sort=Sort.NAME)


async def test_the_apps_role_can_neither_change_nor_delete(published):
    await taken(published)
    for statement in (
        "UPDATE snapshots SET title = ''",
        "DELETE FROM snapshots",
        "TRUNCATE snapshots",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with published.database.transaction(published.site_id) as db:
                await db.execute(text(statement))


async def test_the_owner_cannot_change_one_either(published, addresses):
    await taken(published)
    refused = pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="cannot be changed")
    with psycopg.connect(addresses.superuser_url) as connection, refused:
        connection.execute("UPDATE plumbline.snapshots SET title = 'x'")


async def test_a_site_with_snapshots_is_not_deleted_by_the_way(published):
    await taken(published)
    with pytest.raises(DBAPIError, match="snapshots"):
        async with published.database.transaction(published.site_id) as db:
            await db.execute(text("DELETE FROM sites"))


async def test_the_purge_takes_the_snapshots_of_due_sites_alone(published, theirs):
    await taken(published)
    async with published.database.transaction(published.site_id) as db:
        assert await db.scalar(text("SELECT purge_snapshots()")) == 0
    async with theirs.database.transaction(theirs.site_id) as db:
        await db.execute(text("UPDATE sites SET purge_after = '2020-01-01'"))
        assert await db.scalar(text("SELECT purge_snapshots()")) == 0
    assert await checked(published) == [True]
    async with published.database.transaction(published.site_id) as db:
        await db.execute(text("UPDATE sites SET purge_after = '2020-01-01'"))
        assert await db.scalar(text("SELECT purge_snapshots()")) == 1


TAMPERING = (
    "UPDATE plumbline.snapshots SET body = replace(encode(body, 'escape'), 'Audit', 'Other')::bytea",
    "UPDATE plumbline.snapshots SET title = 'Other'",
    "UPDATE plumbline.snapshots SET taken_by = 'eve'",
    "UPDATE plumbline.snapshots SET taken_at = taken_at - interval '1 day'",
    "UPDATE plumbline.snapshots SET api_count = 7",
    "UPDATE plumbline.snapshots SET previous_sha256 = sha256('x'), sha256 = sha256(sha256('x') || body)",
)


@pytest.mark.parametrize("statement", TAMPERING)
async def test_what_was_changed_behind_the_apps_back_is_not_shown(published, addresses, statement):
    snapshot = await taken(published)
    tamper(addresses, statement)
    with pytest.raises(Altered):
        await opened(published, snapshot.id)
    assert await checked(published) == [False]


async def test_a_removed_link_and_a_forged_one_break_the_chain(published, addresses):
    first, second, third = [await taken(published) for _ in range(3)]
    tamper(addresses, f"DELETE FROM plumbline.snapshots WHERE snapshot_id = '{second.id}'")
    assert await checked(published) == [True, False]
    assert (await opened(published, first.id)) is not None
    with pytest.raises(Altered):
        await opened(published, third.id)


def tamper(addresses, statement: str) -> None:
    """Do what only somebody with the database in hands can do."""
    with psycopg.connect(addresses.superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode())
