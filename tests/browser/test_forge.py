"""The Forge app's real shell, under Forge's own policy: tab, drilldown, settings, macros; and through Connect the same."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Frame, Route

from app.forge import publishing
from sandbox import browser as browsers
from sandbox import forge_browser
from sandbox.browser import Window
from sandbox.forge_browser import ForgeHost
from sandbox.journey import POSTURE, SETTINGS
from sandbox.stack import CONTROL_PLANE, FORGE_APP_ID, Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROWS = "table.posture tbody tr"


@pytest.fixture(scope="session")
def built(product: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app as it would be deployed, but for the address of the product."""
    folder = tmp_path_factory.mktemp("forge-app")
    publishing.write_app(folder, product.app_url, FORGE_APP_ID)
    return folder


@pytest.fixture(scope="session")
def policy(built: Path) -> str:
    return forge_browser.policy(built)


def call(stack: Stack, method: str, path: str, body: Any = None) -> Any:
    """Call the JSON API through the Forge door as the administrator."""
    place = {"space": {"id": stack.space["id"], "key": stack.space["key"]}}
    opened = stack.control(
        "forge-call",
        app_url=stack.app_url,
        path="/forge/open",
        module=SETTINGS,
        extension=place,
        **{"as": "admin"},
    )
    assert opened["status"] == 200, opened
    headers = {"Authorization": f"Bearer {opened['body']['token']}"}
    url = f"{stack.app_url}/api/spaces/{stack.space['id']}/{path}"
    answer = stack.http.request(method, url, json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture(scope="session")
def forged(product: Stack) -> Stack:
    """A site of the Forge door, connected and synced through it."""
    stack = product.at_site(1)
    credentials = {name: stack.anypoint[name] for name in ("client_id", "client_secret")}
    call(stack, "PUT", "connection", {"control_plane": CONTROL_PLANE, **credentials})
    until = time.monotonic() + 120
    while call(stack, "GET", "syncs")["syncs"][0]["state"] != "published":
        assert time.monotonic() < until
        time.sleep(0.5)
    return stack


@dataclass
class Connect:
    """The product in Connect's frames."""

    window: Window
    stack: Stack
    flags: list[Any] = field(default_factory=list)

    async def open(self, module: str, role: str = "admin", state: str = "") -> Frame:
        address = f"{self.stack.address(module)}&as={role}{state and '#!' + state}"
        await self.window.page.goto(address)
        return await self.window.frame(module)

    async def dialog(self, *, nth: int = 1) -> Frame:
        return await self.window.frame_in("body", "plumbline-drilldown")

    async def close(self, dialog: Frame) -> None:
        await dialog.click("#close")

    async def is_closed(self) -> bool:
        dialogs = self.window.page.locator('iframe[id*="plumbline-drilldown"]')
        await dialogs.wait_for(state="detached")
        return True


@dataclass
class Forge:
    """The product in Forge's frames."""

    window: Window
    stack: Stack
    host: ForgeHost

    async def open(self, module: str, role: str = "admin", state: str = "") -> Frame:
        self.host.role = role
        return await self.host.open(module, state=state)

    async def dialog(self, *, nth: int = 1) -> Frame:
        return await self.host.frame(str(nth))

    async def close(self, dialog: Frame) -> None:
        # A click takes this frame away, and with its process now and then the browser's answer.
        await dialog.dispatch_event("#close", "click")

    async def is_closed(self) -> bool:
        await self.window.page.wait_for_selector("#shell-1", state="detached")
        return True


Door = Connect | Forge


@pytest_asyncio.fixture(loop_scope="session")
async def host(
    chromium: Browser, forged: Stack, built: Path, policy: str
) -> AsyncIterator[ForgeHost]:
    async with browsers.window(chromium, forged.origins) as window:
        made = ForgeHost(window.page, window.record, forged, built, policy)
        await made.prepare()
        yield made
    assert window.record.troubles == []


@pytest.fixture(params=["connect", "forge"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    """The same product through one door and the other."""
    if request.param == "connect":
        yield Connect(request.getfixturevalue("window"), request.getfixturevalue("filled"))
        return
    host: ForgeHost = request.getfixturevalue("host")
    yield Forge(Window(host.page, host.record), host.stack, host)


async def test_the_tab_shows_the_apis_and_filters_them(door: Door) -> None:
    frame = await door.open(POSTURE)
    assert await frame.locator(ROWS).count() > 10
    await frame.click("#total-threat")
    await frame.wait_for_selector("#total-threat[aria-current]")
    verdicts = await frame.eval_on_selector_all(ROWS, "rows => rows.map(r => r.dataset.verdict)")
    assert set(verdicts) == {"threat"}


async def test_an_address_leads_to_its_filter(door: Door) -> None:
    frame = await door.open(POSTURE, role="viewer", state="verdict=threat")
    verdicts = await frame.eval_on_selector_all(ROWS, "rows => rows.map(r => r.dataset.verdict)")
    assert set(verdicts) == {"threat"}


async def test_an_api_opens_as_a_dialog_and_closes(door: Door) -> None:
    frame = await door.open(POSTURE)
    name = await frame.locator(f"{ROWS} .name").first.inner_text()
    await frame.locator(f"{ROWS} [data-view]").first.click()
    dialog = await door.dialog()
    await dialog.wait_for_function(
        "(name) => document.querySelector('#title').textContent.includes(name)", arg=name.strip()
    )
    await door.close(dialog)
    assert await door.is_closed()


async def test_an_api_opens_again_after_its_dialog_was_closed(door: Door) -> None:
    frame = await door.open(POSTURE)
    await frame.locator(f"{ROWS} [data-view]").first.click()
    await door.close(await door.dialog())
    assert await door.is_closed()
    await frame.wait_for_function("() => document.activeElement.matches('[data-view]')")
    await frame.locator(f"{ROWS} [data-view]").nth(1).click()
    dialog = await door.dialog(nth=2)
    await dialog.wait_for_selector("#findings")


async def test_settings_show_the_connection_without_its_secret(door: Door) -> None:
    frame = await door.open(SETTINGS)
    assert await frame.input_value("#client_id") == door.stack.anypoint["client_id"]
    assert door.stack.anypoint["client_secret"] not in await frame.content()


async def test_settings_are_saved(door: Door) -> None:
    frame = await door.open(SETTINGS)
    await frame.fill("#sync_interval_hours", "12")
    async with frame.page.expect_response(lambda answer: answer.url.endswith("/connection")) as put:
        await frame.click("#save")
    assert (await put.value).status == 200


async def test_a_posture_is_saved_as_a_file(door: Door) -> None:
    frame = await door.open(POSTURE)
    if await frame.locator("[data-export=csv]").first.is_hidden():
        await frame.locator("summary:has(~ * [data-export=csv]), #export").first.click()
    async with door.window.page.expect_download() as saved:
        await frame.locator("[data-export=csv]").first.click()
    assert (await saved.value).suggested_filename.endswith(".csv")


async def test_an_editor_of_a_space_is_told_whom_to_ask_for_settings(host: ForgeHost) -> None:
    host.role = "editor"
    host.shells.clear()
    await host.page.goto(f"{forge_browser.SITE}/wiki/spaces/page")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(host.add("main", SETTINGS), 3)
    shell = await host.shell("0")
    assert "Ask a space administrator" in await shell.inner_text("#said")


async def told(heard: Sized) -> None:
    """Wait until the host has heard something, however busy the machine is."""
    for _ in range(600):
        if len(heard):
            return
        await asyncio.sleep(0.1)


async def test_a_link_to_anypoint_is_opened_by_confluence(host: ForgeHost) -> None:
    """Forge's frames have no leave for popups: a plain link would do nothing at all."""
    frame = await host.open(POSTURE)
    link = frame.locator("a[target=_blank]").first
    address = await link.get_attribute("href")
    await link.evaluate("(anchor) => anchor.click()")
    await told(host.visited)
    assert host.visited == [{"url": address, "type": "new-tab"}]


async def test_no_token_stands_in_an_address(host: ForgeHost) -> None:
    asked: list[str] = []
    host.page.on("request", lambda request: asked.append(request.url))
    frame = await host.open(POSTURE)
    assert not [url for url in asked if "eyJ" in url.partition("#")[0]]
    assert "eyJ" not in await frame.evaluate("location.href")


async def test_a_strange_message_is_not_heard(host: ForgeHost) -> None:
    frame = await host.open(POSTURE)
    await host.page.evaluate(
        """() => {
          const inner = document.querySelector("iframe").contentWindow.frames[0];
          inner.postMessage({ plumbline: "hello" }, "*", [new MessageChannel().port2]);
          document.querySelector("iframe").contentWindow.postMessage({ type: "close" }, "*");
        }"""
    )
    await frame.click("#total-threat")
    await frame.wait_for_selector("#total-threat[aria-current]")
    assert host.filter == {"verdict": ["threat"]}


async def test_a_token_that_has_expired_is_renewed_by_the_shell(host: ForgeHost) -> None:
    frame = await host.open(POSTURE)
    await frame.evaluate("async () => { Date.now = () => 4102444800000; }")
    await frame.click("#total-drift")
    await frame.wait_for_selector("#total-drift[aria-current]")


async def test_a_frame_loaded_anew_is_opened_anew(host: ForgeHost) -> None:
    frame = await host.open(POSTURE)
    await frame.evaluate("location.reload()")
    for _ in range(200):
        if frame.is_detached():
            break
        await asyncio.sleep(0.1)
    assert await (await host.frame("0")).locator(ROWS).count() > 10


async def test_a_frame_whose_page_cannot_be_had_says_so_and_is_opened_anew(host: ForgeHost) -> None:
    host.record.expect("Failed to load resource")
    faults = iter([True])

    async def away(route: Route) -> None:
        await (route.abort() if next(faults, False) else route.continue_())

    await host.page.route("**/forge/exchange", away)
    frame = await host.open(POSTURE)
    assert "cannot be reached" in await frame.inner_text("body")
    await frame.get_by_role("button", name="Try again").click()
    for _ in range(200):
        if frame.is_detached():
            break
        await asyncio.sleep(0.1)
    assert await (await host.frame("0")).locator(ROWS).count() > 10


async def test_links_lead_to_known_places_alone(host: ForgeHost) -> None:
    frame = await host.open(POSTURE)
    await frame.click("#open-settings")
    await told(host.visited)
    assert [place["moduleKey"] for place in host.visited] == [SETTINGS]
    assert host.visited[0]["spaceKey"] == host.stack.space["key"]


async def test_a_macro_is_configured_saved_and_shown(host: ForgeHost) -> None:
    host.role = "editor"
    host.shells.clear()
    await host.page.goto(f"{forge_browser.SITE}/wiki/spaces/page")
    await host.add("macro-config", "plumbline-overview")
    editor = await host.frame("0")
    await editor.check("[name=mode][value=live]")
    await (await host.shell("0")).click("#save")
    await told(host.submitted)
    config = host.submitted[0]["config"]
    assert config["mode"] == "live"
    host.role = "viewer"
    macro = await host.open("plumbline-overview", config=config)
    assert await macro.locator("article[data-mode=live]").count() == 1
