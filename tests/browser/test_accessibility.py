"""Nobody is kept out: every state in light, dark and narrow, by keyboard, without motion."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Frame

from app.web.sentences import number
from sandbox import browser as browsers
from sandbox.browser import Window
from sandbox.journey import POSTURE, SETTINGS
from sandbox.stack import Stack
from tests.browser.test_drilldown import DRILLDOWN, focused, ids, is_closed, planted, tab
from tests.browser.test_tab import opened, serious

pytestmark = pytest.mark.asyncio(loop_scope="session")

Looks = AsyncGenerator[Frame, None]

THEMES = ("light", "dark")
NARROW = 320
IS_DRESSED = """theme => document.documentElement.dataset.colorMode === theme
  && (theme === "dark") === getComputedStyle(document.documentElement).backgroundColor
    .match(/[0-9]+/g).every(part => part < 128)
  && [...document.querySelectorAll("link[rel=stylesheet]")].every(link => link.sheet)
  && document.getAnimations().every(animation => animation.playState !== "running")"""
MAY_SCROLL = ".table-region, .macro-region, .audit-region, .dialog-nav nav, input, textarea"
SIDEWAYS = """MAY_SCROLL => [...document.querySelectorAll("*")].filter(element => {
  const style = getComputedStyle(element);
  const scrolls = element === document.documentElement || /auto|scroll/.test(style.overflowX);
  const isShown = style.visibility !== "hidden" && !element.matches(MAY_SCROLL);
  return scrolls && isShown && element.scrollWidth > element.clientWidth + 1;
}).map(element => element.cloneNode(false).outerHTML)"""


@contextmanager
def a_long_sync(stack: Stack) -> Iterator[None]:
    """A sync that is still under way while somebody looks."""
    stack.trouble(latency_ms=400)
    assert stack.call("POST", "syncs", role="editor").status_code == 202
    try:
        yield
    finally:
        stack.trouble(reset=True, latency_ms=0)
        for _ in stack.progress():
            pass


async def table(window: Window, stack: Stack) -> Looks:
    yield await tab(window, stack, "editor", "size=25")


async def empty(window: Window, stack: Stack) -> Looks:
    yield await tab(window, stack, "editor", "search=nothing+of+that+name")


async def first_run(window: Window, stack: Stack) -> Looks:
    here, other = stack.space, stack.site["spaces"][1]
    address = stack.address(POSTURE).replace(here["id"], other["id"])
    await window.page.goto(address.replace(here["key"], other["key"]) + "&as=admin")
    yield await window.frame(POSTURE)


async def error(window: Window, stack: Stack) -> Looks:
    window.record.expect("status of 50")
    stack.control("faults", rest_status=503)
    try:
        yield await opened(window, stack, SETTINGS)
    finally:
        stack.control("faults")


async def no_access(window: Window, stack: Stack) -> Looks:
    window.record.expect("status of 404")
    yield await opened(window, stack, role="stranger")


async def modal(window: Window, stack: Stack) -> Looks:
    api = ids(stack)[planted(stack, "policy_config")["name"]]
    await tab(window, stack, "admin", f"api={api}&all=true")
    dialog = await window.frame(DRILLDOWN)
    yield dialog
    await dialog.click("[data-accept] >> nth=0")
    yield dialog
    await dialog.click("#accepting [data-cancel]")
    await dialog.click("[data-expect] >> nth=0")
    await dialog.wait_for_selector("#expecting [data-value]")
    yield dialog
    await dialog.click("#expecting [data-cancel]")
    await dialog.click("[data-jump=readiness]")
    await dialog.wait_for_selector(".readiness-verdict")
    yield dialog


async def settings(window: Window, stack: Stack) -> Looks:
    frame = await opened(window, stack, SETTINGS)
    await frame.wait_for_selector("#suggestions[aria-labelledby]")
    await frame.click("#adopt summary")
    await frame.fill("#token-name", "Release pipeline")
    await frame.press("#token-name", "Enter")
    await frame.wait_for_selector("#token-made:not([hidden])")
    yield frame


async def macro(window: Window, stack: Stack) -> Looks:
    page = stack.site["pages"][0]["id"]
    taken = stack.call("POST", "snapshots", role="editor", body={"filter": {"verdict": ["threat"]}})
    body = {"page": page, "key": "plumbline-overview"}
    body["parameters"] = {"mode": "frozen", "snapshot": taken.json()["id"]}
    stack.http.post(f"{stack.host_url}/wiki/_host/macros?as=editor", json=body).raise_for_status()
    try:
        await window.page.goto(f"{stack.page_address()}?as=viewer")
        yield await window.frame_in("section.macro", "plumbline-overview")
    finally:
        stack.control("clear-page", page=page)


async def macro_editor(window: Window, stack: Stack) -> Looks:
    await window.page.goto(f"{stack.page_address()}?as=editor")
    await window.page.click("text=Insert Security posture overview")
    editor = await window.frame_in("[role=dialog]", "plumbline-overview")
    await editor.fill("#search", "loyalty")
    await editor.wait_for_selector("#preview >> text=“loyalty”")
    yield editor


async def syncing(window: Window, stack: Stack) -> Looks:
    with a_long_sync(stack):
        frame = await tab(window, stack, "editor", "verdict=threat")
        await frame.wait_for_selector("[data-sync] progress")
        yield frame


async def history(window: Window, stack: Stack) -> Looks:
    frame = await tab(window, stack, "editor", "view=history")
    await frame.wait_for_selector("#history-title")
    yield frame


STATES: tuple[Callable[[Window, Stack], Looks], ...] = (
    table,
    empty,
    first_run,
    error,
    no_access,
    modal,
    settings,
    macro,
    macro_editor,
    syncing,
    history,
)


async def dressed(window: Window, frame: Frame, theme: str) -> None:
    """Have the host change its theme and wait until the frame wears it."""
    script = "theme => { document.documentElement.dataset.colorMode = theme }"
    await window.page.evaluate(script, theme)
    await frame.wait_for_function(IS_DRESSED, arg=theme)


async def narrowed(window: Window, frame: Frame) -> None:
    """Make the host so narrow that the frame is as wide as a page zoomed to 400 %."""
    width = 1280
    while excess := await frame.evaluate("innerWidth") - NARROW:
        width -= excess
        await window.page.set_viewport_size({"width": width, "height": 900})
        await frame.wait_for_function("before => innerWidth !== before", arg=excess + NARROW)


async def is_open_to_all(window: Window, frame: Frame) -> None:
    """Assert that a state harms nobody in either theme, names its language, and fits when narrow."""
    assert await frame.get_attribute("html", "lang") == "en"
    for theme in THEMES:
        await dressed(window, frame, theme)
        assert await serious(frame) == [], theme
    await narrowed(window, frame)
    assert await frame.evaluate(SIDEWAYS, MAY_SCROLL) == []
    await window.page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_a_state_is_open_to_all_in_light_in_dark_and_narrow(
    window: Window, filled: Stack, state: Callable[[Window, Stack], Looks]
) -> None:
    async with aclosing(state(window, filled)) as looks:
        async for frame in looks:
            await is_open_to_all(window, frame)


MOVING = """() => document.getAnimations().filter(each => each.playState === "running")
  .map(each => each.animationName ?? each.transitionProperty)"""
FOCUS = """selector => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const isRinged = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  const isSeen = isRinged || (element.matches(".input") && style.boxShadow !== "none");
  return [document.hasFocus() && element.matches(selector), isSeen || element === document.body];
}"""


async def tabbed_to(window: Window, frame: Frame, selector: str, key: str = "Tab") -> None:
    """Press Tab until an element has the focus; each one on the way shows that it has it."""
    for _ in range(80):
        await window.page.keyboard.press(key)
        is_there, is_seen = await frame.evaluate(FOCUS, selector)
        assert is_seen, await frame.evaluate("document.activeElement.outerHTML")
        if is_there:
            return
    pytest.fail(f"{key} leads nowhere near {selector}")


async def left(window: Window, frame: Frame, key: str) -> None:
    """Press a key until the focus is the host's again."""
    for _ in range(80):
        await window.page.keyboard.press(key)
        if not await frame.evaluate("document.hasFocus()"):
            return
    pytest.fail(f"{key} stays in the frame")


async def test_the_keyboard_alone_filters_opens_reads_exports_and_takes_a_snapshot(
    window: Window, filled: Stack
) -> None:
    frame = await tab(window, filled, "editor", "size=25")
    press = window.page.keyboard.press
    await tabbed_to(window, frame, "#search")
    await window.page.keyboard.type("system")
    await frame.wait_for_selector(".tag:has-text('system')")
    await tabbed_to(window, frame, "[data-dropdown=verdict] summary")
    await press("Enter")
    await tabbed_to(window, frame, "input[value=threat]")
    await press("Space")
    await frame.wait_for_selector(".tag >> nth=1")
    await press("Escape")
    assert await frame.evaluate(FOCUS, "[data-dropdown=verdict] summary") == [True, True]

    await tabbed_to(window, frame, "[data-view]")
    button = await focused(frame)
    await press("Enter")
    dialog = await window.frame(DRILLDOWN)
    assert await focused(dialog) == "title"
    await tabbed_to(window, dialog, "#show-all")
    await press("Space")
    await dialog.wait_for_selector("#show-all[aria-checked=true]")
    await tabbed_to(window, dialog, "#body")
    await press("PageDown")
    await dialog.wait_for_function("() => document.getElementById('body').scrollTop > 0")
    await press("Escape")
    await is_closed(window)
    assert await focused(frame) == button

    await tabbed_to(window, frame, "#export-csv", "Shift+Tab")
    async with window.page.expect_download():
        await press("Enter")
    await frame.wait_for_selector("#notice .message")
    await tabbed_to(window, frame, "#notice button:last-child")
    await press("Enter")
    assert await focused(frame) == "export-csv"
    await tabbed_to(window, frame, "#take-snapshot")
    await press("Enter")
    await frame.wait_for_selector("#taking-name:focus")
    await window.page.keyboard.type("By keyboard")
    await press("Enter")
    await frame.wait_for_selector("#taking", state="hidden")
    assert await focused(frame) == "take-snapshot"


async def test_tab_passes_through_the_page_and_out_of_it_again(
    window: Window, filled: Stack
) -> None:
    frame = await tab(window, filled, "editor", "verdict=threat")
    await tabbed_to(window, frame, "#search")
    await left(window, frame, "Tab")
    await tabbed_to(window, frame, "#search")
    await left(window, frame, "Shift+Tab")


async def test_nothing_moves_for_those_who_asked_for_less_motion(
    window: Window, filled: Stack
) -> None:
    frame = await tab(window, filled, "viewer", "verdict=threat")
    await window.page.route("**/posture.csv*", lambda route: None)
    await frame.click("#export-csv")
    await frame.wait_for_selector("#export-csv[aria-busy=true]")
    assert await frame.evaluate(MOVING) == ["turn"]
    await window.page.emulate_media(reduced_motion="reduce")
    assert await frame.evaluate(MOVING) == []


HOSTILE = (
    ("Customer Loyalty Points And Rewards " * 6)[:200],
    "Orders\u202eIPA tnemyaP",
    "<img src=x onerror=alert(1)><b>Bold</b> & </script>",
    "🧾🚀 Rechnungen – واجهة الدفع",
)


IS_WHOLE = "name => name.scrollHeight <= name.clientHeight"


@pytest.fixture
def hostile(filled: Stack) -> Iterator[list[str]]:
    """Names of APIs that somebody gave in Anypoint to see what happens; gone afterwards."""
    filled.trouble(mutate=[{"op": "add_api", "name": name} for name in HOSTILE])
    synced(filled)
    yield [api for name, api in ids(filled).items() if name in HOSTILE]
    places = [item["id"] for item in filled.truth()["environments"]]
    slugs = [name.lower().replace(" ", "-") for name in HOSTILE]
    gone = [{"op": "remove_instance", "api": a, "environment": p} for a in slugs for p in places]
    filled.trouble(mutate=gone)
    synced(filled)


def synced(stack: Stack) -> None:
    """Sync once more and wait until it is published."""
    assert stack.call("POST", "syncs", role="editor").status_code == 202
    for _ in stack.progress():
        pass


async def test_names_are_text_and_leave_the_layout_whole_whatever_they_hold(
    window: Window, filled: Stack, hostile: list[str]
) -> None:
    assert len(hostile) == len(HOSTILE)
    frame = await tab(window, filled, "viewer", "size=100")
    names = frame.locator("tr .name")
    shown = await names.evaluate_all("all => all.map(name => name.textContent)")
    assert set(HOSTILE) <= set(shown)
    assert await frame.locator("table img, table b").count() == 0
    isolated = await names.evaluate_all("all => all.map(a => getComputedStyle(a).unicodeBidi)")
    assert set(isolated) == {"isolate"}
    widths = await frame.eval_on_selector_all(
        "tbody th", "all => all.map(head => head.getBoundingClientRect().width)"
    )
    assert max(widths) <= 344
    for api in hostile:
        await frame.focus(f"#view-{api}")
        assert await frame.eval_on_selector(f"tr[data-api-id='{api}'] .name", IS_WHOLE)
        await window.page.keyboard.press("Enter")
        dialog = await window.frame(DRILLDOWN)
        assert await dialog.inner_text("#title") in HOSTILE
        assert await dialog.eval_on_selector("#title", IS_WHOLE)
        await narrowed(window, dialog)
        assert await dialog.evaluate(SIDEWAYS, MAY_SCROLL) == []
        await window.page.set_viewport_size({"width": 1280, "height": 900})
        await window.page.keyboard.press("Escape")
        await is_closed(window)
    await narrowed(window, frame)
    assert await frame.evaluate(SIDEWAYS, MAY_SCROLL) == []


IN_SIGHT = """
all => all.every(one => {
  const { x, y, left, right, width, height } = one.getBoundingClientRect();
  const there = document.elementFromPoint(x + width - 4, y + height / 2);
  return left >= 0 && right <= innerWidth && one.contains(there);
})
"""


async def test_all_parts_of_a_narrow_drilldown_are_in_sight(window: Window, filled: Stack) -> None:
    frame = await tab(window, filled, "viewer")
    await frame.click("[data-view] >> nth=0")
    dialog = await window.frame(DRILLDOWN)
    await narrowed(window, dialog)
    assert await dialog.locator("[data-part='nav'] [data-jump]").count() >= 4
    assert await dialog.eval_on_selector_all("[data-part='nav'] [data-jump], #show-all", IN_SIGHT)


LOCALISED = """async text => {
  const place = document.createElement("p");
  place.textContent = text;
  const style = document.querySelector("link[href*='/theme.css']").href;
  const { localise } = await import(style.replace("theme.css", "times.js"));
  document.body.append(place);
  localise(place);
  return place.textContent;
}"""


async def test_dates_and_numbers_are_written_as_the_persons_browser_writes_them(
    chromium: Browser, filled: Stack
) -> None:
    berlin = {"locale": "de-DE", "timezone": "Europe/Berlin"}
    async with browsers.window(chromium, filled.origins, **berlin) as window:
        frame = await tab(window, filled, "viewer", "verdict=threat")
        shown = frame.locator(".page-header time")
        sent = datetime.fromisoformat(await shown.get_attribute("datetime") or "")
        here = sent.astimezone(ZoneInfo("Europe/Berlin"))
        text = await shown.inner_text()
        assert text.startswith(f"{here.day}. ")
        assert f"{here:%H:%M} ME" in text
        assert "ago)" in text or "just now" in text
        assert await frame.evaluate(LOCALISED, number(52_000)) == "52.000"
        frame = await tab(window, filled, "viewer", "view=history")
        await frame.click(".trend-table summary")
        day = frame.locator(".trend-table tbody time >> nth=0")
        sent = datetime.fromisoformat(await day.get_attribute("datetime") or "")
        assert (await day.inner_text()).startswith(f"{sent.day}. ")
        assert window.record.troubles == []
