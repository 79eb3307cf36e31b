"""The stand-in's bridge, by a tiny app: what the product may rely on in a real host frame."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Frame

from sandbox import browser as browsers
from sandbox.browser import Window
from sandbox.processes import Processes

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the stand-in with the tiny app, whose pages load the script that the stand-in serves."""
    with Processes(tmp_path_factory.mktemp("bridge")) as processes:
        confluence = processes.announced("Confluence stand-in", "sandbox.confluence")
        tiny = processes.announced("Tiny app", "tests.browser.tiny_app", confluence["script_url"])
        url = confluence["url"]
        httpx.post(f"{url}/_control/install", json={"app_url": tiny["url"]}).raise_for_status()
        yield {**confluence, "app_url": tiny["url"]}


@pytest_asyncio.fixture(loop_scope="session")
async def window(chromium: Browser, host: dict[str, Any]) -> AsyncIterator[Window]:
    """A window in which nothing may go wrong."""
    async with browsers.window(chromium, [host["url"], host["app_url"]]) as opened:
        yield opened
    assert opened.record.troubles == []


async def opened_page(window: Window, host: dict[str, Any]) -> Frame:
    await window.page.goto(f"{host['url']}/wiki/spaces/APIGOV")
    await window.page.click("text=Tiny")
    return await window.frame("tiny-page")


async def told(frame: Frame, name: str) -> str:
    """Wait until the frame's script has shown a value, and return it."""
    handle = await frame.wait_for_function(f"document.documentElement.dataset.{name}")
    return str(await handle.json_value())


async def test_the_sidebar_hands_the_space_over(window: Window, host: dict[str, Any]) -> None:
    frame = await opened_page(window, host)
    assert "spaceKey=APIGOV&spaceId=98306" in frame.url


async def test_a_frame_gets_a_fresh_token(window: Window, host: dict[str, Any]) -> None:
    frame = await opened_page(window, host)
    token = await frame.evaluate("step.token()")
    secret = host["sites"][0]["shared_secret"]
    assert jwt.decode(token, secret, algorithms=["HS256"])["qsh"] == "context-qsh"


async def test_a_frame_follows_the_hosts_theme(window: Window, host: dict[str, Any]) -> None:
    frame = await opened_page(window, host)
    await window.page.select_option("#theme", "dark")
    await frame.wait_for_selector('html[data-color-mode="dark"]')
    await frame.wait_for_function(
        "getComputedStyle(document.documentElement).getPropertyValue('--ds-surface') === '#1D2125'"
    )


async def test_the_address_keeps_the_frames_state(window: Window, host: dict[str, Any]) -> None:
    frame = await opened_page(window, host)
    await frame.evaluate("step.push('verdict=threat&page=2')")
    await window.page.wait_for_url("**#!verdict=threat&page=2")
    assert await frame.evaluate("step.state()") == "verdict=threat&page=2"
    await frame.evaluate("step.push('verdict=drift')")
    await window.page.wait_for_url("**#!verdict=drift")
    await window.page.go_back()
    assert await told(frame, "popped") == "verdict=threat&page=2"


async def test_a_dialog_takes_data_and_gives_it_back(window: Window, host: dict[str, Any]) -> None:
    frame = await opened_page(window, host)
    await frame.evaluate("step.dialog()")
    dialog = await window.frame("tiny-dialog")
    assert "spaceId=98306" in dialog.url
    assert await dialog.evaluate("step.customData()") == {"api": "42"}
    await dialog.evaluate("step.closeWith({ done: true })")
    assert await told(frame, "closed") == '{"done":true}'


async def test_escape_closes_a_dialog_and_tells_its_opener(
    window: Window, host: dict[str, Any]
) -> None:
    frame = await opened_page(window, host)
    await frame.evaluate("step.dialog()")
    dialog = await window.frame("tiny-dialog")
    await dialog.press("button", "Escape")
    assert await told(frame, "closed") == "null"
    assert await window.page.query_selector("[role=dialog]") is None


async def test_a_flag_is_shown_as_text(window: Window, host: dict[str, Any]) -> None:
    frame = await opened_page(window, host)
    await frame.evaluate("step.flag()")
    await window.page.wait_for_selector("#flags >> text=All kept.")


async def test_a_macro_is_inserted_and_changed(window: Window, host: dict[str, Any]) -> None:
    await window.page.goto(f"{host['url']}/wiki/pages/98400?as=editor")
    for verb, api in (("Insert", "7"), ("Edit", "8")):
        await window.page.click(f"text={verb} Tiny")
        editor = await window.frame_in("[role=dialog]", "tiny-macro")
        assert await editor.evaluate("step.macro()") == (None if verb == "Insert" else {"api": "7"})
        async with window.page.expect_navigation():
            await editor.evaluate(f"step.save({{ api: '{api}' }})")
        macro = await window.frame("tiny-macro")
        assert f"/macro?api={api}&page=98400" in macro.url


async def test_a_stranger_sees_no_space(window: Window, host: dict[str, Any]) -> None:
    window.record.expect("status of 404")
    await window.page.goto(f"{host['url']}/wiki/?as=stranger")
    assert "may not see it" in await window.page.inner_text("main")


async def test_without_node_packages_the_stand_in_says_what_to_run(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        command = [sys.executable, "-m", "sandbox.confluence", "--node-modules", str(tmp_path)]
        child = processes.start("Confluence stand-in", command)
        assert await asyncio.to_thread(child.process.wait, 20) == 1
        assert "make" in child.last_words()
