"""What could not be read: said with its reason, kept with its date, never called aligned."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from app.posture.model import CellState, Verdict
from app.store import findings, instances, posture_rows
from app.store.findings import FindingRow
from app.store.posture_rows import Filter, PostureRow
from app.store.syncs import Outcome, State
from app.store.tables import readings
from tests.sync.world import ADMIN, SPACE, World


async def test_an_environment_that_may_not_be_listed_fails_alone(world: World) -> None:
    await world.connect()
    first = await world.sync()
    test = _environment(world, "Test")
    world.standin.control.post(
        {"forbid": [{"scope": "View APIs Configuration", "environment": test}]}
    )
    second = await world.sync()
    outcomes = {item.name: item.outcome for item in second.environments}
    assert outcomes == {
        "Development": Outcome.OK,
        "Test": Outcome.FAILED,
        "Production": Outcome.OK,
    }
    failed = next(item for item in second.environments if item.name == "Test")
    assert "View APIs Configuration" in (failed.reason or "")
    assert failed.read_at == next(item.read_at for item in first.environments if item.id == test)


async def test_no_row_is_aligned_while_an_environment_cannot_be_read(world: World) -> None:
    await world.connect()
    await world.sync()
    test = _environment(world, "Test")
    world.standin.control.post(
        {"forbid": [{"scope": "View APIs Configuration", "environment": test}]}
    )
    await world.sync()
    rows = await _rows(world, 2)
    assert len(rows) == len(world.estate.apis)
    assert {row.verdict for row in rows} <= {Verdict.UNKNOWN, Verdict.DRIFT, Verdict.THREAT}
    assert {row.cells[test]["state"] for row in rows} == {CellState.UNREADABLE}


async def test_last_known_values_stand_beside_what_could_not_be_read(world: World) -> None:
    await world.connect()
    await world.sync()
    test = _environment(world, "Test")
    before = {row.api_key: row.cells[test] for row in await _rows(world, 1)}
    world.standin.control.post(
        {"forbid": [{"scope": "View APIs Configuration", "environment": test}]}
    )
    await world.sync()
    for row in await _rows(world, 2):
        known: dict[str, Any] = before[row.api_key]
        if known["state"] == CellState.DEPLOYED:
            last = row.cells[test]["last_known"]
            assert row.cells[test]["policies"] is None
            assert last["policies"] == known["policies"]
            assert last["contracts"] == known["contracts"]


async def test_findings_that_cannot_be_seen_stay_open_unconfirmed(world: World) -> None:
    await world.connect()
    first = await world.sync()
    before = await _findings(world, 1)
    test = _environment(world, "Test")
    world.standin.control.post(
        {"forbid": [{"scope": "View APIs Configuration", "environment": test}]}
    )
    await world.sync()
    now = {row.fingerprint: row for row in await _findings(world, 2)}
    lost = [row for row in before if row.fingerprint not in now]
    assert lost == []
    unseen = [row for row in now.values() if row.unconfirmed]
    assert unseen
    assert {row.last_seen_at for row in unseen} == {first.finished_at}


async def test_what_comes_back_is_what_it_was(world: World) -> None:
    await world.connect()
    await world.sync()
    before = await _rows(world, 1)
    test = _environment(world, "Test")
    world.standin.control.post(
        {"forbid": [{"scope": "View APIs Configuration", "environment": test}]}
    )
    await world.sync()
    world.standin.control.post({"reset": True})
    await world.sync()
    assert await _rows(world, 3) == before
    open_now = {row.fingerprint: row for row in await _findings(world, 3)}
    assert not any(row.unconfirmed or row.reopened for row in open_now.values())


async def test_a_scope_that_is_missing_for_contracts_leaves_the_rest_to_be_compared(
    world: World,
) -> None:
    await world.connect()
    world.standin.control.post({"forbid": [{"scope": "View Contracts"}]})
    ended = await world.sync()
    assert {item.outcome for item in ended.environments} == {Outcome.PARTIAL}
    rows = await _rows(world, 1)
    assert not any(row.verdict is Verdict.ALIGNED for row in rows)
    assert all(cell["contracts"] is None for row in rows for cell in row.cells.values())


async def test_what_goes_while_a_sync_waits_is_gone_though_all_was_read_in_part(
    world: World,
) -> None:
    await world.connect()
    every = [item for api in world.estate.apis for item in api.instances]
    last = max(every, key=lambda item: item.instance_id)
    limited = {"action": "status", "status": 429, "headers": {"Retry-After": "600"}}
    contracts = {"forbid": [{"scope": "View Contracts"}]}
    world.standin.control.post(
        {**contracts, "faults": [{**limited, "path": f"/{last.instance_id}/policies"}]}
    )
    queued = await world.syncs.start(world.site_id, SPACE, ADMIN)
    await world.jobs.run(world.site_id, SPACE, queued.id)
    async with world.database.transaction(world.site_id) as db:
        written = select(readings.c.instance_id).order_by(readings.c.instance_id)
        there = readings.c.environment_id == last.environment_id
        gone = (await db.scalars(written.where(there))).all()[0]
    for api in world.estate.apis:
        api.instances[:] = [item for item in api.instances if item.instance_id != gone]
    world.standin.control.answers.refresh()
    world.standin.control.post({"reset": True, **contracts})
    ended = await world.sync()
    assert (ended.id, ended.attempt, ended.state) == (queued.id, 2, State.PUBLISHED)
    async with world.database.transaction(world.site_id) as db:
        assert not await instances.api_key_of(
            db, world.site_id, SPACE, 1, last.environment_id, gone
        )


def _environment(world: World, name: str) -> str:
    return next(item.id for item in world.estate.environments if item.name == name)


async def _rows(world: World, number: int) -> list[PostureRow]:
    async with world.database.transaction(world.site_id) as db:
        page = await posture_rows.page(db, world.site_id, SPACE, number, Filter(size=100))
    return [replace(row) for row in sorted(page.rows, key=lambda row: row.api_key)]


async def _findings(world: World, number: int) -> tuple[FindingRow, ...]:
    async with world.database.transaction(world.site_id) as db:
        page = await findings.listed(db, world.site_id, SPACE, number, Filter(), 1, 500)
    return page.rows
