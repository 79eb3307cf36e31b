"""Workers that are killed, stopped and asked to leave in the middle of a sync."""

import asyncio
import signal
import time

import pytest

from app.store.syncs import State
from sandbox.stack import free_port
from tests.faults import invariants
from tests.faults.machines import (
    LEASE_SECONDS,
    PATIENCE_SECONDS,
    WORKERS,
    Machines,
    exit_status,
    finished,
    python,
    send,
)

POLL_AND_RESCUE_SECONDS = 15
"""The poll, the rescue's tick, and what a busy machine adds; nobody else would ever come."""


async def test_a_killed_worker_is_replaced_and_what_was_finished_is_not_read_again(
    machines: Machines,
) -> None:
    site = await machines.site()
    await machines.connect(site)
    first = await machines.worker("first")
    sync_id = await machines.start(site)
    half = await machines.until(site, sync_id, finished, "the first environment")
    await machines.trouble(latency_ms=3000)
    await machines.worker("second")
    send(first, signal.SIGKILL)
    killed_at = time.monotonic()
    before = (await machines.stats())["places"]
    done = finished(await machines.seen(site, sync_id))
    await machines.until(site, sync_id, lambda s: s.attempt > half.attempt, "a take-over")
    assert time.monotonic() - killed_at < LEASE_SECONDS + POLL_AND_RESCUE_SECONDS
    await machines.trouble(latency_ms=0)
    ended = await machines.ended(site, sync_id)
    assert ended.state is State.PUBLISHED
    after = (await machines.stats())["places"]
    assert {place: after[place] for place in done} == {place: before[place] for place in done}
    await invariants.check(machines, apis=8)


async def test_a_worker_that_slept_past_its_lease_changes_nothing(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    sleeper = await machines.worker("sleeper")
    sync_id = await machines.start(site)
    await machines.until(site, sync_id, lambda s: s.done > 0, "some progress")
    send(sleeper, signal.SIGSTOP)
    await machines.worker("successor")
    ended = await machines.ended(site, sync_id)
    assert (ended.state, ended.attempt) == (State.PUBLISHED, 2)
    before = machines.rows("SELECT * FROM syncs")
    send(sleeper, signal.SIGCONT)
    await asyncio.sleep(LEASE_SECONDS)
    assert machines.rows("SELECT * FROM syncs") == before
    assert sleeper.process.poll() is None
    await invariants.check(machines, apis=8)


async def test_a_worker_that_is_told_to_stop_hands_over_at_once(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.trouble(latency_ms=400)
    leaving = await machines.worker("leaving")
    sync_id = await machines.start(site)
    await machines.until(site, sync_id, lambda s: s.done > 0, "some progress")
    # Only now, or the sync could be its own from the start.
    await machines.trouble(latency_ms=3000)
    await machines.worker("staying", jobs=1)
    (job,) = await invariants.waiting(machines)
    send(leaving, signal.SIGTERM)
    assert await exit_status(leaving, 20) == 0
    assert free_or_taken(machines) == [True]
    assert [found["id"] for found in await invariants.waiting(machines)] == [job["id"]]
    await machines.trouble(latency_ms=0)
    ended = await machines.ended(site, sync_id)
    assert ended.state is State.PUBLISHED
    assert ended.crashes == 0
    await invariants.check(machines, apis=8)


EARLY = """
import os, signal, sys
from app import cli, commands
check = commands._check_role
async def checked(settings):
    await check(settings)
    os.kill(os.getpid(), signal.SIGTERM)
commands._check_role = checked
sys.exit(cli.main([sys.argv[1]]))
"""


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_who_is_told_to_stop_while_it_starts_leaves_in_order(
    machines: Machines, command: str
) -> None:
    own = machines.settings() | {"PLUMBLINE_PORT": str(free_port())}
    child = machines.processes.start(command, [python(), "-c", EARLY, command], own)
    assert await exit_status(child, PATIENCE_SECONDS) == 0
    assert machines.rows(WORKERS) == []


def free_or_taken(machines: Machines) -> list[bool]:
    """Tell of each sync whether a successor need not wait for its lease, or is there already."""
    rows = machines.rows("SELECT attempt > 1 OR lease_until <= clock_timestamp() AS so FROM syncs")
    return [row["so"] for row in rows]


async def test_a_sync_that_takes_its_process_down_is_given_up(machines: Machines) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.trouble(latency_ms=1000)
    sync_id = await machines.start(site)
    for attempt in (1, 2, 3):
        victim = await machines.worker(f"victim {attempt}")
        await machines.until(site, sync_id, lambda s, n=attempt: s.attempt == n, "an attempt")
        send(victim, signal.SIGKILL)
    await machines.worker("last")
    ended = await machines.ended(site, sync_id)
    assert ended.state is State.FAILED
    assert ended.reason == "It was given up: 3 times the process that read it ended suddenly."
    await invariants.check(machines)
