"""What is meant to differ and what is accepted: from a wall of findings to what really differs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Frame, Route

from sandbox import browser as browsers
from sandbox import stack
from sandbox.browser import Window
from sandbox.journey import POSTURE, SETTINGS
from sandbox.stack import Estate, Stack
from tests.browser.conftest import ATLASSIANS_SCRIPT
from tests.browser.test_drilldown import AXE, DIALOG, DRILLDOWN, HARMFUL, is_closed, tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

JWT = "jwt-validation"
SIDEBAR = 220
"""Pixels of the host's own beside a page."""

PROVIDERS = {
    "Development": "https://idp.dev.example/keys",
    "Test": "https://idp.test.example/keys",
    "Production": "https://idp.example/keys",
}


def synced(running: Stack) -> None:
    """Sync once more and wait until it is published."""
    assert running.call("POST", "syncs", role="editor").status_code == 202
    for _ in running.progress():
        pass


def rows(running: Stack) -> dict[str, dict[str, Any]]:
    """Return what the overview says of each API, by its asset."""
    answer = running.call("GET", "posture?size=100", role="viewer").json()
    return {api["asset_id"]: api for api in answer["apis"] if api["asset_id"]}


def places(running: Stack) -> dict[str, set[str]]:
    """Return by API the environments in which it validates tokens."""
    found: dict[str, set[str]] = {}
    for asset, row in rows(running).items():
        api = running.call("GET", f"apis/{row['id']}", role="viewer").json()
        matrix = api["matrices"]["policies"]
        names = [column["name"] for column in matrix["columns"]]
        for held in (each for each in matrix["rows"] if each["subject"].startswith(JWT)):
            pairs = zip(names, held["cells"], strict=True)
            mine = {name for name, cell in pairs if cell and cell["facts"]}
            found.setdefault(asset, set()).update(mine)
    return found


def with_jwt(running: Stack) -> list[str]:
    """Return the APIs that validate tokens in every environment."""
    return [asset for asset, held in places(running).items() if held == set(PROVIDERS)]


def finding(running: Stack, asset: str, path: str) -> str:
    """Return the selector of an API's finding about a setting of the token validation."""
    api = running.call("GET", f"apis/{rows(running)[asset]['id']}", role="viewer").json()
    found = next(each for each in api["findings"] if path in each["paths"])
    return f"[data-fingerprint='{found['fingerprint']}']"


def change(running: Stack, asset: str, environment: str, path: str, value: object) -> None:
    """Have somebody change a setting of the token validation in Anypoint."""
    wish = {"api": asset, "environment": environment, "policy": JWT, "path": path, "value": value}
    running.trouble(mutate=[{"op": "set", **wish}])


@pytest.fixture(scope="module")
def estate(_chromium_is_there: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A well-run estate: each environment has an identity provider of its own."""
    overrides = {"PLUMBLINE_CONNECT_SCRIPT_URL": ATLASSIANS_SCRIPT}
    folder = tmp_path_factory.mktemp("well-run")
    with stack.running(folder, estate=Estate(apis=12), overrides=overrides) as running:
        running.install()
        running.connect()
        for _ in running.progress():
            pass
        for asset, held in places(running).items():
            for environment in held:
                change(running, asset, environment, "jwksUrl", PROVIDERS[environment])
        synced(running)
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def window(chromium: Browser, estate: Stack) -> AsyncIterator[Window]:
    """A window on the well-run estate in which nothing may go wrong."""
    async with browsers.window(chromium, estate.origins) as opened:
        yield opened
    assert opened.record.troubles == []


async def settings(window: Window, running: Stack) -> Frame:
    """Open the settings as an administrator, with all of them in sight."""
    await window.page.set_viewport_size({"width": 1280, "height": 2400})
    await window.page.goto(f"{running.address(SETTINGS)}&as=admin")
    return await window.frame(SETTINGS)


async def opened(
    window: Window, running: Stack, asset: str, role: str = "admin", more: str = ""
) -> Frame:
    """Open one API's dialog and return its frame."""
    await tab(window, running, role, f"api={rows(running)[asset]['id']}{more}")
    return await window.frame(DRILLDOWN)


async def press(frame: Frame, selector: str, key: str = "Enter") -> None:
    """Use a control as somebody without a mouse does."""
    await frame.focus(selector)
    await frame.press(selector, key)


async def test_the_starter_set_leaves_what_really_differs_and_a_wrong_value_is_a_threat(
    window: Window, estate: Stack
) -> None:
    before = rows(estate)
    meant = with_jwt(estate)
    assert all(before[asset]["verdict"] in {"threat", "drift"} for asset in meant)
    frame = await tab(window, estate, "admin")
    await frame.wait_for_selector("text=Look at the starter set")

    frame = await settings(window, estate)
    await frame.wait_for_selector("#suggestions-form")
    suggested = frame.locator("[data-suggestion]", has_text="jwksUrl")
    for url in PROVIDERS.values():
        assert url in await suggested.inner_text()
    await press(frame, "#suggestions-all")
    await frame.wait_for_selector("#expected > .judged-list .judged-item")
    assert "jwksUrl" in await frame.inner_text("#expected")

    after = rows(estate)
    settled = [asset for asset in meant if after[asset]["verdict"] == "aligned"]
    assert len(settled) > len(meant) / 2
    threats = {asset for asset, row in after.items() if row["verdict"] == "threat"}

    wrong = settled[0]
    change(estate, wrong, "Production", "jwksUrl", PROVIDERS["Test"])
    synced(estate)
    assert wrong not in threats
    assert rows(estate)[wrong]["verdict"] == "threat"
    frame = await tab(window, estate, "admin")
    row = frame.locator(f"tr[data-api-id='{after[wrong]['id']}']")
    assert "not an expected value" in await row.inner_text()
    change(estate, wrong, "Production", "jwksUrl", PROVIDERS["Production"])
    synced(estate)
    assert rows(estate)[wrong]["verdict"] == "aligned"


async def test_an_accepted_finding_opens_again_when_its_value_changes(
    window: Window, estate: Stack
) -> None:
    asset = with_jwt(estate)[1]
    change(estate, asset, "Test", "skipClientIdValidation", True)
    synced(estate)
    which = finding(estate, asset, "skipClientIdValidation")
    dialog = await opened(window, estate, asset)
    await press(dialog, f"{which} [data-accept]")
    window.record.expect("status of 422")
    await press(dialog, "#accepting [type=submit]")
    await dialog.wait_for_selector("#accepting-note-error:not(:empty)")
    await dialog.wait_for_selector("#accepting-note:focus")
    await dialog.type("#accepting-note", "The load test needs it until spring.")
    await press(dialog, "#accepting [type=submit]")
    accepted = dialog.locator(".accepted-list .finding-accepted")
    assert "The load test needs it until spring, by" in await accepted.inner_text()
    await dialog.wait_for_selector("li.finding:focus")
    await window.page.keyboard.press("Escape")
    await is_closed(window)
    frame = window.frame_of(POSTURE)
    await frame.wait_for_selector(
        f"tr[data-api-id='{rows(estate)[asset]['id']}'] >> text=1 accepted"
    )

    change(estate, asset, "Production", "skipClientIdValidation", True)
    change(estate, asset, "Test", "skipClientIdValidation", False)
    synced(estate)
    dialog = await opened(window, estate, asset)
    assert await dialog.locator(".accepted-list").count() == 0
    await dialog.click(f"{which} summary")
    assert "the value changed" in await dialog.inner_text(which)
    change(estate, asset, "Production", "skipClientIdValidation", False)
    synced(estate)


async def test_several_findings_are_accepted_at_once_and_withdrawn_one_by_one(
    window: Window, estate: Stack
) -> None:
    asset = next(a for a, row in rows(estate).items() if sum(row["findings"].values()) > 1)
    dialog = await opened(window, estate, asset)
    number = await dialog.locator("[data-choose]").count()
    await press(dialog, "#choose-all", "Space")
    await press(dialog, "#accept-chosen")
    assert await dialog.inner_text("#accepting-what") == f"{number} findings"
    await dialog.fill("#accepting-note", "Known since the migration.")
    await press(dialog, "#accepting [type=submit]")
    accepted = dialog.locator(".accepted-list .finding")
    await accepted.first.wait_for()
    assert await accepted.count() == number
    for left in range(number - 1, -1, -1):
        await press(dialog, "[data-withdraw-exception] >> nth=0")
        await dialog.wait_for_selector(f"[data-withdraw-exception] >> nth={left}", state="detached")
    assert await dialog.locator("#findings .finding").count() == number


async def test_a_difference_is_expected_from_the_finding_and_withdrawn_in_the_settings(
    window: Window, estate: Stack
) -> None:
    asset = with_jwt(estate)[2]
    change(estate, asset, "Test", "jwksServiceTimeToLive", 5)
    synced(estate)
    which = finding(estate, asset, "jwksServiceTimeToLive")
    dialog = await opened(window, estate, asset)
    await press(dialog, f"{which} [data-expect]")
    field = dialog.locator(".expected-field[data-path='jwksServiceTimeToLive']")
    values = await field.locator("[data-value]").evaluate_all("all => all.map(i => i.value)")
    assert "5" in values
    await window.page.keyboard.press("Escape")
    assert await window.page.locator(DIALOG).count() == 1
    await press(dialog, f"{which} [data-expect]")
    others = dialog.locator(".expected-field:not([data-path='jwksServiceTimeToLive'])")
    for other in await others.all():
        await other.locator("[data-chosen]").uncheck()
    await dialog.fill("#expecting-note", "Test caches keys for a shorter time.")
    await press(dialog, "#expecting [type=submit]")
    await dialog.wait_for_selector("#expecting[open]", state="detached")
    frame = await settings(window, estate)
    item = frame.locator("#expected .judged-item", has_text="jwksServiceTimeToLive")
    assert "settles 1 finding" in await item.inner_text()
    await item.locator("[data-ask]").press("Enter")
    await item.locator("[data-withdraw]").press("Enter")
    await item.wait_for(state="detached")
    change(estate, asset, "Test", "jwksServiceTimeToLive", 60)
    synced(estate)


async def test_whoever_may_not_is_offered_nothing(window: Window, estate: Stack) -> None:
    asset = next(a for a, row in rows(estate).items() if sum(row["findings"].values()))
    for role in ("viewer", "editor"):
        dialog = await opened(window, estate, asset, role)
        offered = (
            "[data-accept], [data-expect], [data-choose], [data-withdraw-exception], #accepting"
        )
        assert await dialog.locator("#findings .finding").count() > 0
        assert await dialog.locator(offered).count() == 0


async def test_readiness_stands_in_the_link_and_leads_to_its_findings(
    window: Window, estate: Stack
) -> None:
    asset = next(a for a, row in rows(estate).items() if row["findings"]["high"])
    dialog = await opened(window, estate, asset)
    await press(dialog, "[data-jump=readiness]")
    await dialog.wait_for_selector(".readiness-verdict")
    said = await dialog.inner_text(".readiness-verdict")
    await window.page.wait_for_url("**ready=*")
    link = window.page.url
    await window.page.goto("about:blank")
    await window.page.goto(link)
    dialog = await window.frame(DRILLDOWN)
    assert await dialog.inner_text(".readiness-verdict") == said


async def test_settings_that_somebody_saved_meanwhile_are_shown_beside_ours(
    window: Window, estate: Stack
) -> None:
    frame = await settings(window, estate)
    theirs = {
        "control_plane": stack.CONTROL_PLANE,
        "client_id": estate.anypoint["client_id"],
        "sync_interval_hours": 6,
    }
    assert estate.call("PUT", "connection", role="admin", body=theirs).status_code == 200
    window.record.expect("status of 409")
    await frame.fill("#sync_interval_hours", "12")
    await press(frame, "#save")
    await frame.wait_for_selector("#meanwhile:not([hidden])")
    cells = await frame.locator("#meanwhile-rows tr", has_text="Hours").locator("td").all()
    assert [await cell.inner_text() for cell in cells] == ["6", "12"]
    await press(frame, "#meanwhile-mine")
    await frame.wait_for_selector("#connection .message-success:focus")
    saved = estate.call("GET", "connection", role="admin").json()
    assert saved["sync_interval_hours"] == 12
    for _ in estate.progress():
        pass


async def test_a_token_is_shown_once_and_revoked(window: Window, estate: Stack) -> None:
    frame = await settings(window, estate)
    await frame.fill("#token-name", "Release pipeline")
    await press(frame, "#token-make")
    await frame.wait_for_selector("#token-made:not([hidden])")
    token = await frame.input_value("#token-text")
    assert token.startswith("plumbline_")
    frame = await settings(window, estate)
    assert token not in await frame.content()
    item = frame.locator("#tokens .judged-item", has_text="Release pipeline")
    await item.locator("[data-ask]").press("Enter")
    await item.locator("[data-withdraw]").press("Enter")
    await item.wait_for(state="detached")


async def test_the_audit_log_keeps_up_with_what_is_done_beside_it(
    window: Window, estate: Stack
) -> None:
    frame = await settings(window, estate)
    newest = frame.locator("#audit tbody tr").first
    await frame.fill("#token-name", "Nightly pipeline")
    await press(frame, "#token-make")
    await newest.get_by_text("Pipeline token made").wait_for()
    assert await frame.input_value("#token-text")
    item = frame.locator("#tokens .judged-item", has_text="Nightly pipeline")
    await item.locator("[data-ask]").press("Enter")
    await item.locator("[data-withdraw]").press("Enter")
    await newest.get_by_text("Pipeline token revoked").wait_for()
    await press(frame, "#audit-export")
    await newest.get_by_text("Export taken").wait_for()
    assert await frame.evaluate("() => document.activeElement.id") == "audit-export"


async def away(route: Route) -> None:
    """Answer as whatever stands before the product when that is not there."""
    await route.fulfill(status=503)


async def test_what_could_not_be_expected_says_so_and_keeps_what_was_typed(
    window: Window, estate: Stack
) -> None:
    window.record.expect("status of 503")
    asset = with_jwt(estate)[2]
    change(estate, asset, "Test", "jwksServiceTimeToLive", 5)
    synced(estate)
    dialog = await opened(window, estate, asset)
    await press(dialog, f"{finding(estate, asset, 'jwksServiceTimeToLive')} [data-expect]")
    await dialog.fill("#expecting-note", "Known.")
    await window.page.route("**/api/**/expected-differences", away)
    await press(dialog, "#expecting [type=submit]")
    said = dialog.locator("#expecting [data-error='']", has_text="cannot be reached")
    await said.wait_for()
    assert await dialog.input_value("#expecting-note") == "Known."
    change(estate, asset, "Test", "jwksServiceTimeToLive", 60)
    synced(estate)


async def test_a_token_stays_in_sight_whatever_becomes_of_the_page_around_it(
    window: Window, estate: Stack
) -> None:
    window.record.expect("status of 503")
    frame = await settings(window, estate)
    await frame.fill("#token-name", "Release pipeline")
    await window.page.route("**/fragments/**/pipeline-tokens*", away)
    await press(frame, "#token-make")
    await frame.wait_for_selector("#notice .message")
    await window.page.unroute("**/fragments/**/pipeline-tokens*")
    assert (await frame.input_value("#token-text")).startswith("plumbline_")
    await press(frame, "#save")
    await frame.wait_for_selector("#connection .message-success:focus")
    assert (await frame.input_value("#token-text")).startswith("plumbline_")
    for _ in estate.progress():
        pass


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (0, "This accepts 2 findings."),
        (1, "This accepts 2 findings. One of a higher severity stays open."),
        (3, "This accepts 2 findings. 3 of a higher severity stay open."),
    ],
)
async def test_what_stays_open_is_counted_in_good_english(
    window: Window, estate: Stack, left: int, said: str
) -> None:
    async def counted(route: Route) -> None:
        number = left if "severity=high" in route.request.url else 2
        some = [{"fingerprint": f"{number}-{n}", "accepted": None} for n in range(number)]
        await route.fulfill(json={"findings": some, "total": number})

    frame = await settings(window, estate)
    await frame.page.route("**/api/**/findings?*", counted)
    await press(frame, "#adopt summary")
    line = frame.locator("#adopt-count", has_text="This accepts")
    await line.wait_for()
    assert await line.inner_text() == said


async def test_todays_findings_are_adopted_after_saying_how_many(
    window: Window, estate: Stack
) -> None:
    frame = await settings(window, estate)
    await press(frame, "#adopt summary")
    await frame.select_option("#adopt-severity", "info")
    counted = frame.locator("#adopt-count", has_text="This accepts")
    await counted.wait_for()
    await frame.select_option("#adopt-severity", "low")
    await frame.fill("#adopt-note", "Where we start from.")
    await press(frame, "#adopt-submit")
    await frame.wait_for_selector("#exceptions .judged-item")
    low = [row for row in rows(estate).values() if row["findings"]["low"]]
    assert low == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_nothing_of_serious_impact_for_accessibility(
    window: Window, estate: Stack, theme: str, width: int
) -> None:
    asset = next(a for a, row in rows(estate).items() if row["findings"]["high"])
    dialog = await opened(window, estate, asset)
    await window.page.set_viewport_size({"width": width, "height": 800})
    await dialog.click("[data-accept] >> nth=0")
    await harmless(window, dialog, theme)
    await dialog.click("#accepting [data-cancel]")
    await press(dialog, "[data-jump=readiness]")
    await dialog.wait_for_selector(".readiness-verdict")
    await harmless(window, dialog, theme)
    frame = await settings(window, estate)
    await window.page.set_viewport_size({"width": width + SIDEBAR, "height": 800})
    await press(frame, "#adopt summary")
    await harmless(window, frame, theme)


async def harmless(window: Window, frame: Frame, theme: str) -> None:
    """Assert that a frame in a theme has nothing that keeps somebody out, and fits its width."""
    script = "theme => { document.documentElement.dataset.colorMode = theme }"
    await window.page.evaluate(script, theme)
    await frame.wait_for_selector(f'html[data-color-mode="{theme}"]')
    await asyncio.sleep(0.3)
    found = (await Axe().run(frame, options=AXE)).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in HARMFUL] == []
    is_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await frame.evaluate(is_wide)
