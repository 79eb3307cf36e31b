"""From installation to a filled tab, in a real host frame."""

import pytest

from sandbox.browser import Window
from sandbox.journey import STEPS, Walk, take
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_administrator_gets_from_installation_to_a_filled_dark_tab(
    window: Window, product: Stack
) -> None:
    walk = Walk(product, window)
    for name, step in STEPS:
        await take(name, step, walk)
