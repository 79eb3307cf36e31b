"""What one large API costs is not taken from all sites: it is worked out beside the event loop."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from app.store.database import Database
from app.store.encryption import Keyring
from tests.postgres import FreshDatabase
from tests.store.estate import SPACE, Home
from tests.sync.world import World
from tests.web.live import synced
from tests.web.product import Product

LABOURS = frozenset({"assess_api", "matrices", "live_api", "api_answer", "drilldown", "html"})
"""Functions whose work grows with an API: none of them may run in the loop's thread."""


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home, product: Product
) -> AsyncIterator[World]:
    async with synced(addresses, database, keyring, ours, product) as made:
        yield made


@contextmanager
def labours_here() -> Iterator[set[str]]:
    """Yield what runs in this thread, the loop's, of that which grows with an API."""
    seen: set[str] = set()

    def noticed(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code.co_name in LABOURS:
            seen.add(frame.f_code.co_name)

    sys.setprofile(noticed)
    try:
        yield seen
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/spaces/{space}/apis/{api}"),
        ("POST", "/api/spaces/{space}/apis/{api}/refresh"),
        ("GET", "/fragments/spaces/{space}/apis/{api}"),
        ("POST", "/fragments/spaces/{space}/apis/{api}/refresh"),
    ],
)
async def test_one_api_is_worked_out_beside_the_event_loop(
    product: Product, world: World, method: str, path: str
) -> None:
    first = (await product.get("posture"))["apis"][0]["id"]
    with labours_here() as seen:
        answer = await product.call(method, path.format(space=SPACE, api=first))
    assert answer.status_code == 200, answer.text
    assert seen == set()
