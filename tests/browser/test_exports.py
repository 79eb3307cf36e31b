"""The two exports from the tab: saved as files, and equal to what the API says."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Frame, Page

from sandbox.browser import Window
from sandbox.stack import Stack
from tests.browser.test_tab import opened

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def saved(window: Window, frame: Frame, button: str, folder: Path) -> Path:
    """Press an export's button and return the file that the browser saved."""
    async with window.page.expect_download() as started:
        await frame.click(button)
    download = await started.value
    path = folder / download.suggested_filename
    await download.save_as(path)
    return path


def overview(product: Stack, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = product.call("GET", f"posture?size=100{query}", role="viewer").json()
    return answer


async def test_the_csv_file_has_the_numbers_of_the_api(
    window: Window, filled: Stack, tmp_path: Path
) -> None:
    frame = await opened(window, filled, role="viewer")
    path = await saved(window, frame, "#export-csv", tmp_path)
    assert path.name.startswith(f"plumbline-posture_{filled.space['key']}_")
    assert path.name.endswith("_all.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    shown = overview(filled)
    assert list(dict.fromkeys(row["api_id"] for row in rows)) == [a["id"] for a in shown["apis"]]
    for row in rows:
        api = next(api for api in shown["apis"] if api["id"] == row["api_id"])
        cell = api["environments"][row["environment_id"]]
        assert (row["verdict"], row["state"]) == (api["verdict"], cell["state"])
        assert row["policies"] == ("" if cell["policies"] is None else str(cell["policies"]))
        assert row["contracts"] == ("" if cell["contracts"] is None else str(cell["contracts"]))


async def test_the_html_file_is_whole_offline_and_has_the_filter_of_the_tab(
    window: Window, filled: Stack, tmp_path: Path
) -> None:
    frame = await opened(window, filled, state="verdict=threat")
    path = await saved(window, frame, "#export-html", tmp_path)
    assert path.name.endswith("_threat.html")
    names = [api["name"] for api in overview(filled, "&verdict=threat")["apis"]]
    page = await window.page.context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.set_content(path.read_text())
    assert await rows_of(page) == names
    assert asked == []
    assert "THREAT" in await page.inner_text(".evidence")
    await page.close()


async def rows_of(page: Page) -> list[str]:
    script = "rows => rows.map(row => row.firstChild.textContent)"
    found: list[str] = await page.eval_on_selector_all("table:first-of-type tbody th", script)
    return found


async def test_paper_cuts_no_column(window: Window, filled: Stack, tmp_path: Path) -> None:
    frame = await opened(window, filled)
    path = await saved(window, frame, "#export-html", tmp_path)
    page = await window.page.context.new_page()
    await page.set_viewport_size({"width": 1032, "height": 703})  # A4 landscape within its margins
    await page.emulate_media(media="print")
    await page.set_content(path.read_text())
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1032
    await page.close()


async def test_where_downloads_are_blocked_the_text_can_be_copied(
    window: Window, filled: Stack, tmp_path: Path
) -> None:
    frame = await opened(window, filled)
    await saved(window, frame, "#export-csv", tmp_path)
    await frame.click("text=Show as text")
    text = await frame.input_value("#notice textarea")
    assert text.startswith("name,group_id,")
    await frame.click("#notice >> text=Copy")
    await frame.wait_for_function("document.getElementById('announcement').textContent == 'Copied'")
    await frame.click("#notice >> text=Close")
    assert await frame.locator("#notice textarea").count() == 0


async def test_an_export_that_fails_says_so_in_place_and_can_be_tried_again(
    window: Window, filled: Stack, tmp_path: Path
) -> None:
    window.record.expect("status of 429")
    frame = await opened(window, filled)
    refused = {"error": {"code": "too_soon", "message": "Other exports are under way."}}
    address = f"{filled.app_url}/api/spaces/{filled.space['id']}/posture.csv*"
    await window.page.route(address, lambda route: route.fulfill(status=429, json=refused))
    await frame.click("#export-csv")
    await frame.wait_for_selector("#notice >> text=Other exports are under way.")
    await window.page.unroute(address)
    await saved(window, frame, "#notice >> text=Try again", tmp_path)
