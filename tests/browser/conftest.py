"""One Chromium and one running product for all browser tests of a worker."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from sandbox import browser as browsers


@pytest.fixture(scope="session")
def _chromium_is_there() -> None:
    try:
        browsers.check()
    except browsers.NoBrowser as error:
        pytest.fail(str(error), pytrace=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(_chromium_is_there: None) -> AsyncIterator[Browser]:
    """A headless Chromium; without one the tests fail with the line that installs it."""
    async with browsers.chromium() as started:
        yield started
