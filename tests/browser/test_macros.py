"""Macros on a page in a real host: inserted through their editors, frozen, live, exported."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from lxml import etree
from playwright.async_api import Frame, Route

from sandbox.browser import Window
from sandbox.stack import Stack
from tests.browser.test_tab import opened, serious

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = {
    "api": "API security posture",
    "overview": "Security posture overview",
    "trend": "Posture trend",
}
API = "Orders System API"
STORAGE = '<x xmlns:ac="urn:ac" xmlns:ri="urn:ri">%s</x>'
FROZEN = "article[data-mode=frozen]"
LIVE = "article[data-mode=live]"


@pytest.fixture
def healed(filled: Stack) -> Iterator[Stack]:
    """A filled product whose Anypoint and pages are as they were, afterwards."""
    yield filled
    filled.control("clear-page", page=page_of(filled))
    filled.trouble(reset=True, latency_ms=0)


@dataclass(frozen=True, slots=True)
class Macros:
    """A person's way with macros on a page."""

    window: Window
    stack: Stack

    async def visit(self, role: str) -> None:
        await self.window.page.goto(f"{self.stack.page_address()}?as={role}")

    async def editor(self, kind: str, verb: str = "Insert") -> Frame:
        """Open a macro's editor as an editor of the space."""
        await self.visit("editor")
        await self.window.page.click(f"text={verb} {NAMES[kind]}")
        return await self.window.frame_in("[role=dialog]", f"plumbline-{kind}")

    async def insert(self) -> None:
        """Press the host's button; the page comes back with the macro."""
        async with self.window.page.expect_navigation():
            await self.window.page.click("[role=dialog] [data-identifier=submit]")

    async def shown(self, kind: str, role: str = "viewer") -> Frame:
        """Open the page and return the macro's frame."""
        await self.visit(role)
        return await self.window.frame_in("section.macro", f"plumbline-{kind}")

    def signed(self, kind: str, role: str = "viewer", **parameters: str) -> Any:
        """Ask the app for a macro on the page as Confluence would have a person's browser do."""
        body = {"as": role, "module": f"plumbline-{kind}", "page": page_of(self.stack)}
        url = self.stack.control("url", parameters=parameters, **body)["url"]
        return self.stack.http.get(url)


def page_of(stack: Stack, number: int = 0) -> str:
    return str(stack.site["pages"][number]["id"])


@pytest.fixture
def macros(window: Window, healed: Stack) -> Macros:
    return Macros(window, healed)


async def choose_api(editor: Frame, name: str) -> None:
    """Choose an API by typing and arrow keys alone."""
    await editor.type("#api-search", name)
    await editor.wait_for_selector(f"#api-options [role=option] >> text={name}")
    await editor.press("#api-search", "ArrowDown")
    await editor.press("#api-search", "Enter")
    await editor.wait_for_selector(f"#preview article >> text={name}")


async def sync(stack: Stack) -> None:
    """Run one whole sync as the editor."""
    assert stack.call("POST", "syncs", role="editor").status_code == 202
    await asyncio.to_thread(lambda: [None for _ in stack.progress()])


def api_of(stack: Stack) -> dict[str, Any]:
    """Return the API that the tests look at, as the overview has it."""
    apis = stack.call("GET", f"posture?search={API}", role="viewer").json()["apis"]
    found: dict[str, Any] = apis[0]
    return found


def change(stack: Stack) -> None:
    """Change the estate: one more policy of the API goes from Production."""
    api = api_of(stack)
    whole = stack.call("GET", f"apis/{api['id']}", role="viewer").json()
    rows = whole["matrices"]["policies"]["rows"]
    held = next(
        row["subject"]
        for row in rows
        if all(cell and cell["facts"] for cell in row["cells"]) and "(" not in row["subject"]
    )
    gone = {"op": "remove_policy", "api": api["asset_id"], "policy": held}
    stack.trouble(mutate=[{**gone, "environment": "Production"}])


async def test_one_api_is_frozen_through_its_editor_without_a_mouse(macros: Macros) -> None:
    editor = await macros.editor("api")
    await choose_api(editor, API)
    await editor.fill("#title", "Quarterly audit")
    await editor.fill("#note", "Before the release.")
    await editor.press("#title", "Enter")
    await macros.window.page.wait_for_selector("section.macro")
    frame = await macros.shown("api")
    text = await frame.inner_text(FROZEN)
    assert "Quarterly audit" in text
    assert "Before the release." in text
    assert "Taken by Editor" in " ".join(text.split())
    assert API in text


async def test_nothing_is_saved_before_the_editor_knows_what_its_macro_holds(
    macros: Macros,
) -> None:
    page = macros.window.page
    macros.window.record.expect("status of 503")

    async def away(route: Route) -> None:
        await route.fulfill(status=503)

    await page.route("**/snapshot-options?*", away)
    editor = await macros.editor("trend")
    await page.click("[role=dialog] [data-identifier=submit]")
    await editor.wait_for_timeout(500)
    await editor.wait_for_selector("#notice .message")
    await page.unroute("**/snapshot-options?*", away)
    await editor.click("#notice button")
    await editor.wait_for_selector(f"#preview {LIVE}")
    await macros.insert()


async def test_a_macro_is_changed_by_the_hosts_button_beside_the_macro_itself(
    macros: Macros,
) -> None:
    await macros.editor("trend")
    await macros.insert()
    await macros.shown("trend", "editor")
    await macros.window.page.click(f"text=Edit {NAMES['trend']}")
    editor = await macros.window.frame_in("[role=dialog]", "plumbline-trend")
    await editor.check("[name=mode][value=live]")
    await macros.insert()
    frame = await macros.shown("trend")
    await frame.wait_for_selector(LIVE)


async def test_a_filtered_list_counts_what_matches_while_it_is_chosen(macros: Macros) -> None:
    editor = await macros.editor("overview")
    await editor.fill("#search", "system")
    await editor.wait_for_selector("#filter-count:has-text('of')")
    await editor.wait_for_selector("#preview >> text=“system”")
    await editor.check("text=Live: as of the last sync")
    assert not await editor.is_visible("#snapshot")
    await macros.insert()
    frame = await macros.shown("overview")
    count = (await editor_count(frame)).split(" of ")[0]
    assert await frame.locator("tbody tr").count() == int(count)
    assert "As of last sync" in await frame.inner_text(LIVE)


async def editor_count(frame: Frame) -> str:
    """Return the population line of a macro's head."""
    return str(await frame.inner_text("dt:has-text('Population') + dd"))


async def test_the_trend_is_a_chart_with_the_same_as_a_table(macros: Macros) -> None:
    await macros.editor("trend")
    await macros.insert()
    frame = await macros.shown("trend")
    bars = frame.locator("svg.trend-chart g")
    await frame.click("summary")
    rows = frame.locator(".trend-table tbody tr")
    assert await bars.count() == await rows.count() >= 1


async def test_frozen_stays_byte_for_byte_while_live_follows_the_next_sync(
    macros: Macros,
) -> None:
    stack = macros.stack
    api = api_of(stack)["id"]
    taken = stack.call("POST", "snapshots", role="editor", body={"api_id": api})
    snapshot = taken.json()["id"]

    def pages() -> tuple[str, str]:
        frozen = macros.signed("api", mode="frozen", snapshot=snapshot, api=api, display="full")
        live = macros.signed("api", mode="live", api=api, display="full")
        return frozen.text, live.text

    frozen, live = pages()
    change(stack)
    await sync(stack)
    frozen_after, live_after = pages()
    assert frozen_after == frozen
    assert live_after != live
    changes = stack.call("GET", "changes", role="viewer").json()
    assert changes["added"] or changes["changed"] or changes["resolved"]


async def test_a_macro_that_names_no_snapshot_says_that_none_was_taken(macros: Macros) -> None:
    answer = macros.signed("api")
    assert "No snapshot was taken yet." in answer.text


async def test_a_snapshot_of_another_space_looks_like_one_that_does_not_exist(
    macros: Macros,
) -> None:
    taken = macros.stack.call("POST", "snapshots", role="editor", body={})
    stranger = "00000000-0000-4000-8000-000000000000"
    other = {"as": "editor", "module": "plumbline-overview", "page": page_of(macros.stack, 1)}
    texts = []
    for snapshot in (taken.json()["id"], stranger):
        parameters = {"mode": "frozen", "snapshot": snapshot}
        url = macros.stack.control("url", parameters=parameters, **other)["url"]
        answer = macros.stack.http.get(url)
        assert answer.status_code == 200
        texts.append(answer.text)
    assert texts[0] == texts[1]
    assert "Not available here." in texts[0]


async def test_a_viewer_sees_a_macro_and_may_not_edit_or_take_one(macros: Macros) -> None:
    stack = macros.stack
    assert macros.signed("overview", mode="live").status_code == 200
    body = {"as": "viewer", "module": "plumbline-overview", "page": page_of(stack)}
    editor = stack.control("url", mode="editor", **body)["url"]
    assert stack.http.get(editor).status_code == 403
    assert stack.call("POST", "snapshots", role="viewer", body={}).status_code == 403


async def test_a_stranger_gets_nothing_of_a_macro(macros: Macros) -> None:
    answer = macros.signed("overview", role="stranger", mode="live")
    assert answer.status_code == 404
    assert API not in answer.text


async def test_exports_hold_the_same_head_and_are_storage_format(
    macros: Macros,
) -> None:
    for kind in NAMES:
        editor = await macros.editor(kind)
        if kind == "api":
            await choose_api(editor, API)
        await macros.insert()
    for output in ("pdf", "word", "email"):
        page = f"{macros.stack.host_url}/wiki/pages/{page_of(macros.stack)}/export/{output}"
        await macros.window.page.goto(page)
        for section in await macros.window.page.query_selector_all("section.export"):
            assert await section.get_attribute("data-status") == "200"
            assert int(await section.get_attribute("data-milliseconds") or 0) < 2000
            assert "Frozen snapshot" in await section.inner_text()
    assert await macros.window.page.locator("section.export").count() == len(NAMES)


async def test_the_static_form_parses_as_xml_without_script_or_style(macros: Macros) -> None:
    taken = macros.stack.call("POST", "snapshots", role="editor", body={"title": "<b>&"})
    parameters = {"mode": "frozen", "snapshot": taken.json()["id"]}
    said = macros.stack.control(
        "static", module="plumbline-overview", page=page_of(macros.stack), parameters=parameters
    )
    document = etree.fromstring(STORAGE % said["text"])
    assert not document.xpath("//script | //style | //*[@style]")
    assert "<b>&" in "".join(document.itertext())


async def test_a_pasted_address_of_an_instance_becomes_the_macro(macros: Macros) -> None:
    listed = api_of(macros.stack)
    environment, cell = next(iter(listed["environments"].items()))
    instance = cell["instances"][0]["instance_id"]
    url = (
        "https://anypoint.mulesoft.com/apimanager/#/organizations/any/environments/"
        f"{environment}/apis/{instance}"
    )
    await macros.visit("editor")
    async with macros.window.page.expect_navigation():
        await macros.window.page.fill("#paste", url)
        await macros.window.page.press("#paste", "Enter")
    frame = await macros.shown("api")
    assert API in await frame.inner_text(LIVE)


async def test_the_tab_takes_a_snapshot_and_opens_it_by_its_link(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled, role="editor", state="verdict=threat")
    await frame.click("#take-snapshot")
    await frame.fill("#taking-name", "Threats today")
    await frame.press("#taking-name", "Enter")
    await window.page.wait_for_selector("#flags .flag.success")
    await frame.click("#open-history")
    await frame.click("#snapshot-list >> text=Threats today")
    await frame.wait_for_selector("[data-part=snapshot] article")
    verdicts = await frame.eval_on_selector_all(
        "[data-part=snapshot] tbody tr", "rows => rows.map(row => row.dataset.verdict)"
    )
    assert set(verdicts) == {"threat"}
    await window.page.go_back()
    await frame.wait_for_selector("#history-title")


async def test_taking_again_makes_another_and_the_old_one_stays(
    window: Window, filled: Stack
) -> None:
    taken = filled.call("POST", "snapshots", role="editor", body={"title": "First"}).json()
    frame = await opened(window, filled, role="editor", state=f"view=snapshot&id={taken['id']}")
    await frame.click("#take-again")
    await frame.press("#taking-name", "Enter")
    await frame.wait_for_function(f"!location.hash.includes('{taken['id']}')")
    await frame.wait_for_selector(f"article:not([data-snapshot='{taken['id']}'])")
    again = filled.call("GET", f"snapshots/{taken['id']}", role="viewer")
    assert again.json()["sha256"] == taken["sha256"]


async def test_a_viewer_finds_no_control_that_takes_a_snapshot(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled, role="viewer", state="view=history")
    await frame.wait_for_selector("#history-title")
    assert await frame.locator("[data-snapshot]").count() == 0


async def test_the_history_says_what_changed_as_the_api_does(window: Window, healed: Stack) -> None:
    change(healed)
    await sync(healed)
    frame = await opened(window, healed, role="viewer")
    line = await frame.inner_text("#changes")
    await frame.click("#changes")
    await frame.wait_for_selector("#history-title")
    told = healed.call("GET", "changes", role="viewer").json()
    for name in ("added", "resolved", "changed"):
        count = await frame.get_attribute(f"[data-change={name}]", "data-count")
        assert int(count or 0) == len(told[name])
    assert f"+{len(told['added'])} new" in line
    await frame.select_option("#compare-from", index=1)
    await frame.click("#compare-submit")
    await window.page.wait_for_url("**#!*view=history*from=*")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_of_serious_impact_for_accessibility(macros: Macros, theme: str) -> None:
    editor = await macros.editor("api")
    await choose_api(editor, API)
    await editor.check("text=Full: with all findings")
    await macros.window.page.select_option("#theme", theme)
    await editor.wait_for_selector(f'html[data-color-mode="{theme}"]')
    await asyncio.sleep(0.3)
    assert await serious(editor) == []
    await macros.insert()
    frame = await macros.shown("api")
    await asyncio.sleep(0.3)
    assert await serious(frame) == []
    tab = await opened(macros.window, macros.stack, state="view=history")
    await tab.wait_for_selector("#history-title")
    await asyncio.sleep(0.3)
    assert await serious(tab) == []
