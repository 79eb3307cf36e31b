"""A worker that is killed inside the transaction which publishes."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from app.store.syncs import State
from tests.faults import invariants
from tests.faults.machines import Machines, eventually, send

WAITING = """
SELECT query FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE findings%'
"""


async def test_a_worker_killed_between_the_statements_of_publishing_has_published_nothing(
    machines: Machines,
) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.trouble(latency_ms=0)
    first = await machines.worker("first")
    before = await machines.ended(site, await machines.start(site))
    shown = posture(machines)
    await machines.trouble(reset=True, mutate=await changes(machines))
    with held_findings(machines):
        sync_id = await machines.start(site)
        await eventually(lambda: stuck(machines), bool, "a publishing that waits")
        send(first, signal.SIGKILL)
        read = (await machines.stats())["places"]
        assert published(machines) == [{"published_number": 1, "published_sync_id": before.id}]
        assert posture(machines) == shown
    await machines.worker("second")
    ended = await machines.ended(site, sync_id)
    assert (ended.state, ended.attempt, ended.crashes) == (State.PUBLISHED, 2, 1)
    assert (await machines.stats())["places"] == read
    assert published(machines) == [{"published_number": 2, "published_sync_id": sync_id}]
    assert posture(machines) != shown
    await invariants.check(machines, apis=8)


async def test_a_worker_that_slept_inside_publishing_publishes_no_second_time(
    machines: Machines,
) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.trouble(latency_ms=0)
    sleeper = await machines.worker("sleeper")
    await machines.ended(site, await machines.start(site))
    await machines.trouble(reset=True, mutate=await changes(machines))
    with held_findings(machines):
        sync_id = await machines.start(site)
        await eventually(lambda: stuck(machines), bool, "a publishing that waits")
        send(sleeper, signal.SIGSTOP)
        await eventually(lambda: stuck(machines), lambda rows: not rows, "the end of its patience")
    await machines.worker("successor")
    assert (await machines.ended(site, sync_id)).state is State.PUBLISHED
    send(sleeper, signal.SIGCONT)
    following = await machines.ended(site, await machines.start(site))
    assert following.state is State.PUBLISHED
    assert published(machines) == [{"published_number": 3, "published_sync_id": following.id}]
    await invariants.check(machines, apis=8)


async def changes(machines: Machines) -> list[dict[str, Any]]:
    """Return what to change at Anypoint so that findings of an API become others."""
    planted = await machines.truth()
    names = {item["id"]: item["name"] for item in planted["environments"]}
    found = next(item for item in planted["truth"] if item["kind"] == "policy_config")
    return [
        {
            "op": "remove_policy",
            "api": found["asset_id"],
            "policy": found["subject"],
            "environment": name,
        }
        for name in names.values()
    ]


async def stuck(machines: Machines) -> list[dict[str, Any]]:
    """Return the publishing statements that wait for a lock."""
    return machines.rows(WAITING)


def published(machines: Machines) -> list[dict[str, Any]]:
    """Return what the connection points at."""
    return machines.rows("SELECT published_number, published_sync_id::text FROM connections")


def posture(machines: Machines) -> list[dict[str, Any]]:
    """Return all that a reader of the present posture could see."""
    return machines.rows(
        "SELECT p.api_id, p.digest, p.to_number FROM posture_rows p JOIN connections c"
        " USING (site_id, space_id) WHERE p.from_number <= c.published_number"
        " AND p.to_number > c.published_number ORDER BY p.api_id"
    )


@contextmanager
def held_findings(machines: Machines) -> Iterator[None]:
    """Hold every finding's row, so that a publishing which touches one waits."""
    options = "-csearch_path=plumbline"
    with psycopg.connect(machines.addresses.superuser_url, options=options) as db:
        db.execute("SELECT 1 FROM findings FOR UPDATE")
        yield
        db.rollback()
