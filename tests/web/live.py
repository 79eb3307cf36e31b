"""A synced space of the served app, whose Anypoint a test may change: for syncs and live readings."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.queue import Queue
from app.sync.refreshing import RefreshService
from sandbox import anypoint, estate
from sandbox.estate_model import Estate
from tests.postgres import FreshDatabase
from tests.store.estate import Home
from tests.sync.world import PLANE, World
from tests.web.product import Product


def unchanged(_: Estate) -> None:
    """Leave an estate as it was built."""


@asynccontextmanager
async def synced(
    addresses: FreshDatabase,
    database: Database,
    keyring: Keyring,
    home: Home,
    product: Product,
    *,
    change: Callable[[Estate], None] = unchanged,
    apis: int = 6,
) -> AsyncIterator[World]:
    """Sync a space once; its live readings end at the same stand-in, by the same clock."""
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    built = estate.build(seed=1, apis=apis, environments=3)
    change(built)
    made = World(database, keyring, queue, home.site_id, built, anypoint.create_app(built))
    object.__setattr__(product.services, "refreshes", refreshes_of(made))
    # Links lead to the control plane that the operator configured: here the stand-in's.
    object.__setattr__(product.services, "control_planes", {"us": PLANE})
    try:
        await made.connect()
        await made.sync()
        yield made
    finally:
        await made.close()
        await queue.close()


def refreshes_of(world: World) -> RefreshService:
    """Return the service as `main` joins it, at the world's stand-in and clock."""
    return RefreshService(
        database=world.database,
        keyring=world.keyring,
        control_planes={"us": PLANE},
        client=world._client,
        now=lambda: world.now,
    )
