"""A headless Chromium that looks at the product, and a record of all that must not happen in it."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Frame,
    Page,
    Request,
    Route,
    async_playwright,
)

from sandbox.processes import ROOT

CONNECT_FILES = ROOT / ".node" / "node_modules" / "atlassian-connect-js" / "dist"
CHROMIUM = Path(os.environ.get("CHROMIUM") or which("chromium") or "/usr/bin/chromium")
INSTALL_LINE = "apt-get install -y --no-install-recommends chromium fonts-dejavu-core"
QUIET = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # In life the product is as public as the Forge shell that frames it; here it is on loopback.
    "--disable-features=LocalNetworkAccessChecks",
)
CDN_HOST = "connect-cdn.atl-paas.net"
FONT_HOST = "ds-cdn.prod-east.frontend.public.atl-paas.net"
HOST_SCRIPT_NOISE = "[ACJS] Feature flag service is not initialised."
PAST_THE_FENCE = "net::ERR_NAME_NOT_RESOLVED"
"""Of the last requests of a frame that is being left: any other that is not ours meets the fence."""
PATIENCE_MS = 30_000


class NoBrowser(Exception):
    """There is no Chromium: whoever runs the tests installs it with the named line."""


# No slots: Playwright keeps a mark on the object whose method it calls.
@dataclass
class Record:
    """What went wrong in a browser, in order; empty when all is well."""

    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=lambda: [HOST_SCRIPT_NOISE, PAST_THE_FENCE])

    def expect(self, text: str) -> None:
        """Keep no console message with this text from now on: a test is about it."""
        self.expected.append(text)

    def console(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings, but for those that say nothing about the product."""
        if message.type in {"error", "warning"} and not any(
            text in message.text for text in self.expected
        ):
            self.troubles.append(f"console {message.type}: {message.text}")

    def error(self, error: Exception) -> None:
        """Keep an exception that no script caught."""
        self.troubles.append(f"script error: {error}")

    def stranger(self, request: Request) -> None:
        """Keep a request to a host that is neither ours nor the host script's."""
        self.troubles.append(f"request to {urlsplit(request.url).hostname}")


@dataclass(frozen=True, slots=True)
class Window:
    """A browser window of one person, with its record."""

    page: Page
    record: Record

    def frame_of(self, module_key: str) -> Frame:
        """Return the frame of that module, which is open already."""
        return next(f for f in self.page.frames if f"__{module_key}" in f.name)

    async def frame(self, module_key: str) -> Frame:
        """Return the app's frame of that module once its script is up."""
        return await self.frame_in("body", module_key)

    async def frame_in(self, place: str, module_key: str) -> Frame:
        """Return the app's frame in a part of the host's page once its script is up."""
        holder = await self.page.wait_for_selector(
            f'{place} iframe[id*="{module_key}"]', timeout=PATIENCE_MS
        )
        frame = await holder.content_frame() if holder else None
        assert frame is not None
        await frame.wait_for_selector('html[data-ready="true"]', timeout=PATIENCE_MS)
        return frame


def check(program: Path = CHROMIUM) -> None:
    """Raise `NoBrowser` with the line that installs it unless Chromium is there."""
    if not program.exists():
        raise NoBrowser(f"No Chromium at {program}. Install it: {INSTALL_LINE}")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Debian's Chromium, or raise `NoBrowser` with the line that installs it."""
    check()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=list(QUIET), headless=True
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(
    browser: Browser, origins: Sequence[str], *, locale: str = "en-US", timezone: str = "UTC"
) -> AsyncIterator[Window]:
    """Open a window that reaches these origins only; Atlassian's CDN is played from the npm files."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 900}, locale=locale, timezone_id=timezone
    )
    record = Record()
    await fence(context, record, origins)
    page = await context.new_page()
    page.on("console", record.console)
    page.on("pageerror", record.error)
    try:
        yield Window(page, record)
    finally:
        await context.close()


async def fence(context: BrowserContext, record: Record, origins: Sequence[str]) -> None:
    """Answer the CDN from files, let our origins through, record and abort everything else."""

    async def decide(route: Route) -> None:
        address = urlsplit(route.request.url)
        if f"{address.scheme}://{address.netloc}" in origins:
            await route.continue_()
        elif address.hostname == CDN_HOST:
            await from_files(route, CONNECT_FILES / cdn_file(address.path))
        elif address.hostname == FONT_HOST:
            await route.fulfill(status=200, body="", headers={"Access-Control-Allow-Origin": "*"})
        else:
            record.stranger(route.request)
            await route.abort()

    await context.route("**/*", decide)


def cdn_file(path: str) -> str:
    """Return the npm package's file behind a path of the CDN."""
    return "iframe.js" if path.startswith("/all") else path.lstrip("/")


def content_of(file: Path) -> bytes:
    """Return a file's content, nothing if there is no such file."""
    return file.read_bytes() if file.is_file() else b""


async def from_files(route: Route, file: Path) -> None:
    """Answer with a file, or 404."""
    body = await asyncio.to_thread(content_of, file)
    kind = "text/css" if file.suffix == ".css" else "text/javascript"
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": kind}
    await route.fulfill(status=200 if body else 404, body=body, headers=headers)
