"""The main job in a headless browser: from installation to a filtered, dark posture tab.

`python -m sandbox.journey` exits 0, or with one line that says what broke.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Error as BrowserError
from playwright.async_api import Frame

from sandbox import browser, stack
from sandbox.browser import NoBrowser, Window
from sandbox.processes import Broken
from sandbox.stack import CONTROL_PLANE, Stack

SETTINGS = "plumbline-settings"
POSTURE = "plumbline-posture"
SYNC_MS = 60_000
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"


@dataclass(frozen=True, slots=True)
class Walk:
    """One administrator's way through the product."""

    running: Stack
    window: Window

    async def open(self, module: str) -> Frame:
        """Open a page of the app as Confluence shows it and return its frame."""
        await self.window.page.goto(self.running.address(module))
        return await self.window.frame(module)

    async def install(self) -> None:
        """Install the app by real signed calls and find its link in the space's sidebar."""
        await asyncio.to_thread(self.running.install)
        page = self.window.page
        await page.goto(f"{self.running.host_url}/wiki/spaces/{self.running.space['key']}")
        await page.click("nav >> text=API Security Posture")
        frame = await self.window.frame(POSTURE)
        await frame.wait_for_selector("#connect")

    async def test_connection(self) -> None:
        """Type the credentials and see what the test of the connection finds."""
        frame = await self.open(SETTINGS)
        await frame.select_option("#control_plane", CONTROL_PLANE)
        await frame.fill("#client_id", self.running.anypoint["client_id"])
        await frame.fill("#client_secret", self.running.anypoint["client_secret"])
        await frame.click("#test")
        await frame.wait_for_selector("#test-result .message-success")
        await frame.wait_for_selector("#environment_ids li >> text=Production")

    async def save(self) -> None:
        """Save, and read on the page that the space is connected."""
        frame = self.window.frame_of(SETTINGS)
        await frame.click("#save")
        await frame.wait_for_selector("#connection .message-success")
        await self.window.page.wait_for_selector("#flags .flag.success")

    async def first_sync(self) -> None:
        """Open the tab and wait, without touching it, until the first sync fills it."""
        frame = await self.open(POSTURE)
        await frame.wait_for_selector("table.posture tbody tr", timeout=SYNC_MS)
        rows = await frame.locator("table.posture tbody tr").count()
        expect(rows == 50, f"the first page has {rows} rows instead of 50")

    async def filter(self) -> None:
        """Filter by a verdict of the summary; the address keeps it, and reloading too."""
        frame = self.window.frame_of(POSTURE)
        total = frame.locator("#total-drift")
        count = int(await total.get_attribute("data-count") or 0)
        expect(count > 0, "no API drifts, though differences are planted")
        await total.click()
        await frame.wait_for_function(
            "n => document.querySelectorAll('table.posture tbody tr').length === n", arg=count
        )
        await self.window.page.wait_for_url("**#!*verdict=drift*")
        await self.window.page.reload()
        frame = await self.window.frame(POSTURE)
        rows = frame.locator("table.posture tbody tr")
        expect(await rows.count() == count, "the filter did not survive a reload")
        await frame.click("#clear-all")
        await frame.wait_for_selector("#clear-all", state="detached")

    async def next_page(self) -> None:
        """Show 25 APIs a page and go to the second page."""
        frame = self.window.frame_of(POSTURE)
        await frame.select_option("#page-size", label="25")
        first = await frame.get_attribute("table.posture tbody tr", "data-api-id")
        await frame.click("#page-next")
        await frame.wait_for_selector('#page-2[aria-current="page"]')
        second = await frame.get_attribute("table.posture tbody tr", "data-api-id")
        expect(first != second, "the second page shows the first one's rows")

    async def dark_theme(self) -> None:
        """Switch the host to dark: the open frame follows."""
        frame = self.window.frame_of(POSTURE)
        light = await background(frame)
        await self.window.page.select_option("#theme", "dark")
        await frame.wait_for_selector('html[data-color-mode="dark"]')
        await frame.wait_for_function(f"light => {BACKGROUND} !== light", arg=light)

    async def keyboard(self) -> None:
        """Search and open a menu with the keyboard alone."""
        frame = self.window.frame_of(POSTURE)
        await frame.focus("#search")
        await frame.type("#search", "orders")
        await frame.wait_for_selector(".tags")
        await frame.press("#search", "Tab")
        await frame.wait_for_selector("summary:focus")
        await frame.press("summary:focus", "Enter")
        await frame.wait_for_selector("details[open]")
        await frame.press("details[open] summary", "Escape")
        await frame.wait_for_selector("details[open]", state="detached")


async def background(frame: Frame) -> str:
    """Return the colour behind the frame's page."""
    return str(await frame.evaluate(BACKGROUND))


def say(line: str) -> None:
    """Write a line at once, also into a pipe."""
    print(line, flush=True)


def expect(holds: bool, otherwise: str) -> None:
    """Raise `Broken` with the sentence unless it holds."""
    if not holds:
        raise Broken(otherwise)


STEPS: tuple[tuple[str, Callable[[Walk], Awaitable[None]]], ...] = (
    ("install", Walk.install),
    ("test the connection", Walk.test_connection),
    ("save the settings", Walk.save),
    ("first sync", Walk.first_sync),
    ("filter", Walk.filter),
    ("next page", Walk.next_page),
    ("dark theme", Walk.dark_theme),
    ("keyboard", Walk.keyboard),
)
"""The journey, in order."""


async def take(name: str, step: Callable[[Walk], Awaitable[None]], walk: Walk) -> None:
    """Take one step; `Broken` names it, and the first thing that went wrong in the browser."""
    try:
        await step(walk)
    except BrowserError as error:
        reason = str(error).splitlines()[0]
        raise Broken(f"{name}: {'; '.join([reason, *walk.window.record.troubles[:1]])}") from error
    except Broken as error:
        raise Broken(f"{name}: {error}") from error
    troubles = walk.window.record.troubles
    expect(not troubles, f"{name}: {'; '.join(troubles[:1])}")


async def walk_all(running: Stack, say: Callable[[str], None]) -> None:
    """Take every step in one window, saying each as it is done."""
    async with (
        browser.chromium() as chromium,
        browser.window(chromium, running.origins) as window,
    ):
        walk = Walk(running, window)
        for name, step in STEPS:
            await take(name, step, walk)
            say(f"  ok  {name}")


async def picture(running: Stack, file: Path) -> None:
    """Take the picture of a filled posture tab that the README shows."""
    async with (
        browser.chromium() as chromium,
        browser.window(chromium, running.origins) as window,
    ):
        await window.page.set_viewport_size({"width": 1440, "height": 900})
        await Walk(running, window).open(POSTURE)
        await window.page.screenshot(path=file)


def main(arguments: list[str] | None = None) -> int:
    """Walk the journey on a fresh product; 1 with one line when something broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path, help="keep a picture of the filled tab here")
    chosen = parser.parse_args(arguments)
    try:
        browser.check()
        with (
            tempfile.TemporaryDirectory(prefix="plumbline-", ignore_cleanup_errors=True) as folder,
            stack.running(Path(folder)) as running,
        ):
            asyncio.run(walk_all(running, say))
            if chosen.picture:
                asyncio.run(picture(running, chosen.picture))
    except (Broken, NoBrowser) as error:
        print(f"check: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
