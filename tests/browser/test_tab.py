"""The posture tab in a real host frame: whose it is, what it shows, how it is used."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Error, Frame, Route, expect

from sandbox.browser import Window
from sandbox.journey import POSTURE, SETTINGS
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

HARMFUL = {"serious", "critical"}
# Preloading would fetch the style sheets anew, which the page's policy forbids.
AXE = {"resultTypes": ["violations"], "preload": False}
ROWS = "table.posture tbody tr"


@pytest.fixture
def healed(filled: Stack) -> Iterator[Stack]:
    """A filled product whose Anypoint is well again afterwards."""
    yield filled
    filled.trouble(reset=True, latency_ms=0)


async def opened(
    window: Window, product: Stack, module: str = POSTURE, role: str = "admin", state: str = ""
) -> Frame:
    """Open a page of the app as a role, with a state of the host's address."""
    await window.page.goto(f"{product.address(module)}&as={role}{state and '#!' + state}")
    return await window.frame(module)


async def is_refused(window: Window, product: Stack, module: str, role: str) -> str:
    """Open a page that answers with an error and return what it says."""
    window.record.expect("status of 40")
    frame = await opened(window, product, module, role)
    return await frame.inner_text("main")


async def serious(frame: Frame) -> list[str]:
    """Return what axe finds of serious or critical impact."""
    found = (await Axe().run(frame, options=AXE)).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in HARMFUL]


async def test_no_api_with_a_planted_policy_difference_is_aligned(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled, state="verdict=aligned&size=100")
    aligned = await frame.locator(f"{ROWS} .name").all_inner_texts()
    planted = {
        item["name"]
        for item in filled.truth()["truth"]
        if item["kind"] in {"policy_missing", "policy_config", "policy_disabled"}
    }
    assert aligned
    assert planted
    assert not planted & set(aligned)


# What the head names, and what the browser found that it needs.
MODULES = """
() => [
  [...document.querySelectorAll("link[rel=modulepreload], script[type=module]")]
    .map((named) => named.href || named.src),
  performance.getEntriesByType("resource")
    .map(({ name }) => name)
    .filter((name) => name.includes("/static/") && name.endsWith(".js")),
].map((addresses) => [...addresses].sort())
"""


@pytest.mark.parametrize("module", [POSTURE, SETTINGS])
async def test_a_page_names_every_module_that_the_browser_would_have_to_find(
    window: Window, filled: Stack, module: str
) -> None:
    frame = await opened(window, filled, module)
    named, needed = await frame.evaluate(MODULES)
    assert named == needed


async def test_each_count_filters_to_as_many_rows(window: Window, filled: Stack) -> None:
    frame = await opened(window, filled)
    for verdict in ("threat", "drift", "aligned"):
        total = frame.locator(f"#total-{verdict}")
        count = await total.get_attribute("data-count")
        await total.click()
        await frame.wait_for_selector(f"#total-{verdict}[aria-current]")
        await frame.wait_for_function(
            "([rows, n]) => document.querySelectorAll(rows).length == n",
            arg=[f'{ROWS}[data-verdict="{verdict}"]', count],
        )
        await total.click()
        await frame.wait_for_selector(f"#total-{verdict}:not([aria-current])")


# What stands in the page when the answer has just come into it, before any of it is drawn.
FIRST_DRAWN = """
(id) => new Promise((done) => {
  new MutationObserver((_, watch) => {
    watch.disconnect();
    done(document.querySelectorAll("tr[data-api-id]:not([hidden])").length);
  }).observe(document.querySelector("[data-part='results']"), { childList: true });
  document.getElementById(id).click();
})
"""


async def test_rows_out_of_sight_are_drawn_after_those_in_sight(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled)
    count = int(await frame.locator("#total-aligned").get_attribute("data-count") or 0)
    assert 0 < await frame.evaluate(FIRST_DRAWN, "total-aligned") < count
    await frame.wait_for_function(
        "([rows, n]) => document.querySelectorAll(rows).length == n",
        arg=[f"{ROWS}:not([hidden])", count],
    )


async def test_a_table_with_room_to_spare_is_drawn_at_once(window: Window, filled: Stack) -> None:
    await window.page.set_viewport_size({"width": 1900, "height": 900})
    frame = await opened(window, filled)
    count = int(await frame.locator("#total-aligned").get_attribute("data-count") or 0)
    assert await frame.evaluate(FIRST_DRAWN, "total-aligned") == count


# Typed and chosen by one script: by hand the pause might be over.
TYPE_AND_CLICK = """
([text, id]) => {
  const search = document.getElementById("search");
  search.value = text;
  search.dispatchEvent(new Event("input", { bubbles: true }));
  document.getElementById(id).click();
}
"""


async def test_what_is_being_typed_goes_along_with_a_count_that_is_chosen(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled, role="viewer", state="verdict=drift")
    name = await frame.locator(f"{ROWS} .name").first.inner_text()
    frame = await opened(window, filled, state="page=2&size=25")
    await frame.evaluate(TYPE_AND_CLICK, [f" {name} ", "total-drift"])
    await frame.wait_for_selector("#total-drift[aria-current]")
    await asyncio.sleep(0.4)  # longer than the pause: nothing comes after it
    assert set(await frame.locator(f"{ROWS} .name").all_inner_texts()) == {name}
    assert await frame.input_value("#search") == name
    assert window.page.url.endswith("&verdict=drift&size=25")

    await frame.evaluate(TYPE_AND_CLICK, ["something else", "clear-all"])
    await frame.wait_for_selector("#total-drift:not([aria-current])")
    await asyncio.sleep(0.4)
    assert await frame.input_value("#search") == ""
    assert await frame.locator(ROWS).count() == 25


async def test_a_link_shows_the_same_filter_to_another_person(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled, role="viewer", state="verdict=threat")
    verdicts = await frame.eval_on_selector_all(ROWS, "rows => rows.map(r => r.dataset.verdict)")
    assert set(verdicts) == {"threat"}


async def test_back_leads_to_the_filter_before(window: Window, filled: Stack) -> None:
    frame = await opened(window, filled)
    await frame.click("#total-threat")
    await frame.wait_for_selector("#total-threat[aria-current]")
    await frame.click("#total-drift")
    await frame.wait_for_selector("#total-drift[aria-current]")
    await window.page.go_back()
    await frame.wait_for_selector("#total-threat[aria-current]")


@pytest.mark.parametrize("state", ["verdict=nope", "view=snapshot&id=x"])
async def test_a_link_that_leads_nowhere_says_so_and_leads_to_all(
    window: Window, filled: Stack, state: str
) -> None:
    window.record.expect("status of 4")
    frame = await opened(window, filled, state=state)
    assert "leads to nothing" in await frame.inner_text("#notice")
    await frame.get_by_role("button", name="Show all APIs").click()
    await frame.wait_for_selector("#notice", state="hidden")
    assert state not in window.page.url


async def test_no_match_offers_to_clear_the_filters(window: Window, filled: Stack) -> None:
    frame = await opened(window, filled, state="search=nothing+of+that+name")
    await frame.click(".empty >> text=Clear all")
    await frame.wait_for_selector(ROWS)


async def test_a_viewer_sees_the_rows_and_no_control_that_would_be_refused(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled, role="viewer")
    assert await frame.locator(ROWS).count() > 0
    assert await frame.locator("#sync-now, #open-settings").count() == 0


async def test_an_editor_may_sync_and_not_configure(window: Window, filled: Stack) -> None:
    frame = await opened(window, filled, role="editor")
    assert await frame.locator("#sync-now").count() == 1
    assert await frame.locator("#open-settings").count() == 0


async def test_a_stranger_is_shown_nothing(window: Window, filled: Stack) -> None:
    text = await is_refused(window, filled, POSTURE, "stranger")
    assert "There is nothing here" in text


@pytest.mark.parametrize("role", ["viewer", "editor", "stranger"])
async def test_settings_are_refused_to_all_but_administrators(
    window: Window, filled: Stack, role: str
) -> None:
    text = await is_refused(window, filled, SETTINGS, role)
    assert "client id" not in text.lower()


async def test_a_space_without_a_connection_tells_a_viewer_whom_to_ask(
    window: Window, filled: Stack
) -> None:
    space = filled.site["spaces"][1]
    address = filled.address(POSTURE).replace(filled.space["id"], space["id"])
    await window.page.goto(address.replace(filled.space["key"], space["key"]) + "&as=editor")
    frame = await window.frame(POSTURE)
    assert "administrator" in await frame.inner_text(".empty")


async def test_sync_now_shows_its_progress_and_ends_with_a_message(
    window: Window, healed: Stack
) -> None:
    healed.trouble(latency_ms=60)
    frame = await opened(window, healed, role="editor")
    await frame.click("#sync-now")
    await frame.wait_for_selector("[data-sync] progress")
    assert await frame.locator(ROWS).count() > 0
    await window.page.reload()
    frame = await window.frame(POSTURE)
    await frame.wait_for_selector("[data-sync]")
    await window.page.wait_for_selector("#flags .flag.success", timeout=60_000)
    await frame.wait_for_selector("[data-sync]", state="detached")


SYNC_OVER = "() => document.dispatchEvent(new CustomEvent('sync-over'))"


async def test_a_sync_that_ends_takes_nothing_from_who_is_typing_or_choosing(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled)
    await frame.click("[data-dropdown='verdict'] summary")
    await frame.evaluate(SYNC_OVER)
    await frame.wait_for_selector("#table-region:not([aria-busy])")
    assert await frame.locator("[data-dropdown='verdict'][open]").is_visible()
    await frame.focus("#search")
    await frame.evaluate(SYNC_OVER)
    await window.page.keyboard.type("pay")
    await frame.wait_for_selector(".tag")
    assert await frame.input_value("#search") == "pay"


async def test_a_filter_chosen_while_a_sync_ends_is_the_one_that_is_shown(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled)
    chosen = "() => document.getElementById('total-threat').click()"
    await frame.evaluate(f"() => {{ ({chosen})(); ({SYNC_OVER})(); }}")
    await frame.wait_for_selector("#total-threat[aria-current]")
    assert "#!verdict=threat" in window.page.url


async def test_back_while_an_answer_is_awaited_shows_what_the_address_says(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled)
    held = asyncio.Event()

    async def late(route: Route) -> None:
        await held.wait()
        with contextlib.suppress(Error):
            await route.continue_()

    await frame.page.route("**/fragments/**verdict=threat*", late)
    await frame.click("#total-threat")
    await window.page.wait_for_url("**verdict=threat*")
    await window.page.go_back()
    await frame.wait_for_timeout(300)
    held.set()
    await frame.wait_for_selector("#table-region:not([aria-busy])")
    await frame.wait_for_timeout(300)
    assert not await frame.locator("#total-threat[aria-current]").count()


async def test_a_sync_is_followed_into_the_history_and_back(window: Window, healed: Stack) -> None:
    healed.trouble(latency_ms=60)
    frame = await opened(window, healed, state="view=history")
    assert healed.call("POST", "syncs", role="editor").status_code == 202
    await frame.click("#back")
    await frame.wait_for_selector("[data-sync] progress")
    parts = await frame.eval_on_selector_all("[data-part]", "all => all.map(p => p.dataset.part)")
    assert parts[:3] == ["header", "sync", "messages"]
    await window.page.wait_for_selector("#flags .flag.success", timeout=60_000)


async def test_the_end_of_a_sync_that_could_not_be_asked_for_is_asked_for_again(
    window: Window, healed: Stack
) -> None:
    window.record.expect("status of 503")
    healed.trouble(latency_ms=20)
    frame = await opened(window, healed, role="editor")
    faults = iter([503])

    async def away(route: Route) -> None:
        status = next(faults, None)
        await (route.fulfill(status=status) if status else route.continue_())

    await frame.page.route("**/api/spaces/*/syncs/*", away)
    await frame.click("#sync-now")
    await window.page.wait_for_selector("#flags .flag.success", timeout=60_000)
    assert next(faults, None) is None


HIDE = """
(isHidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""
LOOKS = "**/fragments/**/progress"


async def test_a_hidden_page_asks_for_no_progress_and_does_at_once_when_it_is_shown(
    window: Window, healed: Stack
) -> None:
    looks: list[str] = []
    frame = await opened(window, healed, role="editor")
    window.page.on("request", lambda r: looks.append(r.url) if "/progress" in r.url else None)
    healed.trouble(latency_ms=200)
    await frame.click("#sync-now")
    await frame.wait_for_selector("[data-sync] progress")
    await frame.evaluate(HIDE, True)
    await asyncio.sleep(1)  # what was asked before may still be answered, and sets the next look
    seen = len(looks)
    await asyncio.sleep(3)
    assert len(looks) == seen
    async with window.page.expect_response(LOOKS, timeout=60_000):
        await frame.evaluate(HIDE, False)
    healed.trouble(latency_ms=0)
    await window.page.wait_for_selector("#flags .flag.success", timeout=60_000)


async def test_an_open_page_learns_of_a_sync_that_somebody_else_had(
    window: Window, healed: Stack
) -> None:
    await window.page.clock.install()
    frame = await opened(window, healed, role="viewer")
    assert healed.call("POST", "syncs", role="editor").status_code == 202
    for sync in healed.progress():
        newest = sync["id"]
    async with window.page.expect_response("**/fragments/**/posture*", timeout=60_000):
        await window.page.clock.fast_forward("05:01")
    await frame.wait_for_selector(f"[data-part='sync'][data-newest='{newest}']", state="attached")


async def test_a_look_that_was_told_to_wait_waits_as_long(window: Window, healed: Stack) -> None:
    window.record.expect("status of 503")
    looks: list[str] = []

    async def away(route: Route) -> None:
        looks.append(route.request.url)
        await route.fulfill(status=503, headers={"Retry-After": "40"})

    await window.page.clock.install()
    frame = await opened(window, healed, role="editor")
    await frame.page.route(LOOKS, away)
    healed.trouble(latency_ms=200)
    async with window.page.expect_response(LOOKS):
        await frame.click("#sync-now")
    await frame.wait_for_selector("#sync-now:not([aria-busy])")
    await window.page.clock.fast_forward("00:20")
    await asyncio.sleep(0.5)
    assert len(looks) == 1
    async with window.page.expect_response(LOOKS, timeout=60_000):
        await window.page.clock.fast_forward("00:21")
    await frame.page.unroute(LOOKS)
    healed.trouble(latency_ms=0)
    await window.page.clock.fast_forward("00:41")
    await window.page.wait_for_selector("#flags .flag.success", timeout=60_000)


async def test_a_filter_that_is_told_to_wait_a_second_comes_without_an_error(
    window: Window, filled: Stack
) -> None:
    window.record.expect("status of 429")
    faults = iter([429])

    async def busy(route: Route) -> None:
        status = next(faults, None)
        told = {"Retry-After": "1"}
        await (route.fulfill(status=status, headers=told) if status else route.continue_())

    frame = await opened(window, filled)
    await frame.page.route("**/fragments/**verdict=threat*", busy)
    await frame.click("#total-threat")
    await frame.wait_for_selector("#total-threat[aria-current]")
    assert await frame.inner_text("#notice") == ""


async def test_a_sync_that_ends_leaves_the_rows_where_they_were_read(
    window: Window, filled: Stack
) -> None:
    frame = await opened(window, filled)
    await frame.evaluate("() => { document.getElementById('table-region').scrollTop = 900 }")
    async with window.page.expect_response("**/fragments/**/posture*"):
        await frame.evaluate(SYNC_OVER)
    await frame.wait_for_selector("#table-region:not([aria-busy])")
    at = await frame.evaluate("() => document.getElementById('table-region').scrollTop")
    assert at == 900


async def test_refused_credentials_stay_as_typed_with_the_error_at_the_field(
    window: Window, filled: Stack
) -> None:
    window.record.expect("status of 422")
    frame = await opened(window, filled, SETTINGS)
    await frame.click("#replace-secret")
    await frame.fill("#client_secret", "not the secret")
    await frame.click("#save")
    await frame.wait_for_selector(".error:not(:empty)")
    assert await frame.input_value("#client_secret") == "not the secret"
    assert await frame.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"


async def test_what_failed_is_in_sight_on_a_page_that_grows_by_saying_so(
    window: Window, healed: Stack
) -> None:
    window.record.expect("status of 503")
    frame = await opened(window, healed, SETTINGS)
    await window.page.route("**/api/**/connection/test", lambda route: route.fulfill(status=503))
    # On a busy machine an earlier growth of the frame is told only after the message came.
    await frame.evaluate(
        """() => new MutationObserver(() => window.dispatchEvent(new Event("resize")))
            .observe(document.getElementById("notice"), { childList: true })"""
    )
    await frame.press("#test", "Enter")
    again = frame.locator("#notice .message button")
    await again.wait_for()
    # Until then the frame itself is scrolled to it, and grows out of that.
    await frame.wait_for_function("() => document.body.scrollHeight <= innerHeight + 1")
    await expect(again).to_be_in_viewport(timeout=30_000)


async def test_a_page_opened_outside_confluence_says_to_reload(
    window: Window, filled: Stack
) -> None:
    window.record.expect("status of 401")
    await window.page.goto(f"{filled.app_url}/pages/posture?spaceId={filled.space['id']}")
    assert "Confluence" in await window.page.inner_text("main")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("module", [POSTURE, SETTINGS])
async def test_nothing_of_serious_impact_for_accessibility(
    window: Window, filled: Stack, module: str, theme: str
) -> None:
    frame = await opened(window, filled, module, state="verdict=threat")
    await window.page.select_option("#theme", theme)
    await frame.wait_for_selector(f'html[data-color-mode="{theme}"]')
    await asyncio.sleep(0.3)
    assert await serious(frame) == []
