"""The operator's figures: there after a sync, and silent about whose they are."""

import urllib.request

import pytest
from prometheus_client import generate_latest

from app import metrics
from app.errors import Unavailable
from app.store import migrating
from app.sync.monitoring import LOOPBACK, Monitoring
from sandbox.stack import free_port
from tests.postgres import FreshDatabase
from tests.sync.world import ADMIN, SPACE, World


async def test_a_sync_is_counted_with_its_outcomes_and_without_names(world: World) -> None:
    await world.connect()
    before = metrics.SYNCS.labels("published")._value.get()
    await world.sync()
    await Monitoring(world.database, lambda: world.now).look()
    told = generate_latest(metrics.REGISTRY).decode()
    assert metrics.SYNCS.labels("published")._value.get() == before + 1
    assert 'plumbline_sync_environments_total{outcome="ok"}' in told
    assert 'plumbline_spaces_by_data_age{le_hours="1"} 1.0' in told
    for name in (world.site_id, f'"{SPACE}"', world.estate.organization_id, world.estate.client_id):
        assert str(name) not in told


async def test_what_waits_in_the_queue_is_seen(world: World) -> None:
    await world.connect()
    await world.syncs.start(world.site_id, SPACE, ADMIN)
    await Monitoring(world.database, lambda: world.now).look()
    assert metrics.QUEUE_DEPTH._value.get() == 1


async def test_metrics_are_served_on_loopback_and_go_with_the_process(world: World) -> None:
    port = free_port()
    async with Monitoring(world.database, lambda: world.now).served(port):
        url = f"http://{LOOPBACK}:{port}/metrics"
        with urllib.request.urlopen(url) as answer:
            assert b"plumbline_queue_depth" in answer.read()


async def test_a_process_that_came_before_the_schema_has_its_figures_later(
    world: World, addresses: FreshDatabase
) -> None:
    """Whatever else a look met would end all looking, and nothing would say so."""
    migrating.migrate(addresses.owner_url, "base")
    with pytest.raises(Unavailable, match="schema is missing"):
        await Monitoring(world.database, lambda: world.now).look()
