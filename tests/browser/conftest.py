"""One Chromium and one running product for the browser tests of a worker."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from sandbox import browser as browsers
from sandbox import stack
from sandbox.browser import Window
from sandbox.stack import Stack

ATLASSIANS_SCRIPT = "https://connect-cdn.atl-paas.net/all.js"


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


@pytest.fixture(scope="session")
def product(_chromium_is_there: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product with production's HTML: it names Atlassian's script, which the browser is given."""
    folder = tmp_path_factory.mktemp("product")
    overrides = {"PLUMBLINE_CONNECT_SCRIPT_URL": ATLASSIANS_SCRIPT}
    with stack.running(folder, sites=2, overrides=overrides) as running:
        yield running


@pytest.fixture(scope="session")
def filled(product: Stack) -> Stack:
    """The second site's space, connected and synced; the first site is the journey's own."""
    theirs = product.at_site(1)
    theirs.install()
    theirs.connect()
    for _ in theirs.progress():
        pass
    return theirs


@pytest_asyncio.fixture(loop_scope="session")
async def window(chromium: Browser, product: Stack) -> AsyncIterator[Window]:
    """A window in which nothing may go wrong: no console error, no CSP message, no stranger."""
    async with browsers.window(chromium, product.origins) as opened:
        yield opened
    assert opened.record.troubles == []
