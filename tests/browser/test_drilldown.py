"""The drilldown in the host's own dialog: opened, read, refreshed and closed as people do."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Frame, Route

from sandbox.browser import Window
from sandbox.journey import POSTURE
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

DRILLDOWN = "plumbline-drilldown"
DIALOG = "[role=dialog]"
SECTIONS = ("policies", "tiers", "contracts")
HARMFUL = {"serious", "critical"}
AXE = {"resultTypes": ["violations"], "preload": False}


@pytest.fixture
def healed(filled: Stack) -> Iterator[Stack]:
    """A filled product whose Anypoint is well again afterwards."""
    yield filled
    filled.trouble(reset=True, latency_ms=0)


def ids(product: Stack) -> dict[str, str]:
    """Return the id of each API by its name."""
    answer = product.call("GET", "posture?size=100", role="viewer").json()
    return {api["name"]: api["id"] for api in answer["apis"]}


def planted(product: Stack, kind: str) -> dict[str, Any]:
    """Return the first difference of a kind that the stand-in knows of."""
    found = (item for item in product.truth()["truth"] if item["kind"] == kind and item["name"])
    return next(item for item in found if not (item["subject"] or "").count("@"))


async def tab(window: Window, product: Stack, role: str = "viewer", state: str = "") -> Frame:
    """Open the posture tab as a role, with a state of the host's address."""
    # Only the part behind the # differs: without a page between nothing would be loaded anew.
    await window.page.goto("about:blank")
    await window.page.goto(f"{product.address(POSTURE)}&as={role}{state and '#!' + state}")
    return await window.frame(POSTURE)


async def linked(
    window: Window, product: Stack, name: str, *, role: str = "viewer", more: str = ""
) -> Frame:
    """Open a link to one API and return the dialog's frame."""
    await tab(window, product, role, f"api={ids(product)[name]}{more}")
    return await window.frame(DRILLDOWN)


async def is_closed(window: Window) -> None:
    await window.page.wait_for_selector(DIALOG, state="detached")


async def focused(frame: Frame) -> str:
    """Return the id of the element that has the focus in a frame, once it has one."""
    await frame.wait_for_function("document.hasFocus() && document.activeElement?.id")
    found: str = await frame.evaluate("document.activeElement.id")
    return found


async def some_api(window: Window, product: Stack) -> tuple[Frame, str]:
    """Open the tab and return its frame with the id of its first row's API."""
    frame = await tab(window, product)
    api = await frame.get_attribute("tr[data-api-id]", "data-api-id")
    assert api
    return frame, api


async def test_the_button_opens_a_labelled_dialog_and_gets_the_focus_back(
    window: Window, filled: Stack
) -> None:
    frame, api = await some_api(window, filled)
    await frame.click(f"#view-{api}")
    dialog = await window.frame(DRILLDOWN)
    name = await dialog.inner_text("#title")
    assert await window.page.get_attribute(DIALOG, "aria-label") == f"Security of {name}"
    assert await focused(dialog) == "title"
    await dialog.click("#close")
    await is_closed(window)
    assert await focused(frame) == f"view-{api}"


@pytest.mark.parametrize("place", ["#view-{}", "tr[data-api-id='{}']"])
async def test_enter_opens_it_and_escape_closes_it(
    window: Window, filled: Stack, place: str
) -> None:
    frame, api = await some_api(window, filled)
    await frame.focus(place.format(api))
    await window.page.keyboard.press("Enter")
    await window.frame(DRILLDOWN)
    await window.page.keyboard.press("Escape")
    await is_closed(window)
    assert await focused(frame) == f"view-{api}"
    await window.page.wait_for_function("!location.href.includes('api=')")


async def test_a_click_beside_it_closes_it(window: Window, filled: Stack) -> None:
    frame, api = await some_api(window, filled)
    await frame.click(f"#view-{api}")
    await window.frame(DRILLDOWN)
    await window.page.mouse.click(5, 450)
    await is_closed(window)


async def test_back_closes_it_first_and_leaves_the_filter(window: Window, filled: Stack) -> None:
    frame = await tab(window, filled)
    await frame.click("#total-threat")
    await frame.wait_for_selector("#total-threat[aria-current]")
    await frame.click("[data-view] >> nth=0")
    await window.frame(DRILLDOWN)
    await window.page.go_back()
    await is_closed(window)
    assert await frame.locator("#total-threat[aria-current]").count() == 1
    await window.page.go_back()
    await frame.wait_for_selector("#total-threat:not([aria-current])")


async def test_a_link_opens_the_api_with_its_filter_behind_it(
    window: Window, filled: Stack
) -> None:
    frame = await tab(window, filled)
    await frame.click("#total-drift")
    await frame.wait_for_selector("#total-drift[aria-current]")
    await frame.click("[data-view] >> nth=0")
    dialog = await window.frame(DRILLDOWN)
    await dialog.click("#show-all")
    await window.page.wait_for_url("**all=true**")
    name, link = await dialog.inner_text("#title"), window.page.url
    frame = await tab(window, filled, state=link.partition("#!")[2])
    dialog = await window.frame(DRILLDOWN)
    assert await dialog.inner_text("#title") == name
    assert await dialog.get_attribute("#show-all", "aria-checked") == "true"
    assert await dialog.locator(".same").first.is_visible()
    assert await frame.locator("#total-drift[aria-current]").count() == 1


async def test_a_false_alignment_is_seen_side_by_side_at_once(
    window: Window, filled: Stack
) -> None:
    truth = planted(filled, "policy_config")
    dialog = await linked(window, filled, truth["name"])
    row = dialog.locator("#policies tbody.differing", has_text=truth["subject"]).first
    field = row.locator("tr.field", has_text=truth["paths"][0].partition("[")[0]).first
    values = await field.locator("td").all_inner_texts()
    assert len(values) == 3
    assert len(set(values)) > 1
    assert "differs" in await field.locator("th").inner_text()
    assert await field.locator("td.is-outlier").count() == 1


async def test_only_what_differs_is_shown_until_all_is_asked_for(
    window: Window, filled: Stack
) -> None:
    truth = planted(filled, "policy_config")
    dialog = await linked(window, filled, truth["name"])
    assert await dialog.locator("#policies .same >> visible=true").count() == 0
    await dialog.click("#show-all")
    assert await dialog.locator("#policies .same >> visible=true").count() > 0
    settings = dialog.locator("#policies .same .field-same >> visible=true")
    assert await settings.count() == 0
    await dialog.click("#policies .same .expand >> nth=0")
    assert await settings.count() > 0


async def test_a_not_deployed_environment_has_an_empty_column_in_all_three(
    window: Window, filled: Stack
) -> None:
    truth = planted(filled, "api_not_deployed")
    dialog = await linked(window, filled, truth["name"], more="&all=true")
    for name in SECTIONS:
        totals = await dialog.locator(f"#{name} tr.totals td").all_inner_texts()
        assert totals.count("NOT DEPLOYED") == 1
        cells = dialog.locator(f"#{name} td[data-state=not_deployed] .line")
        assert await cells.count() == 0


async def test_the_head_stays_when_the_body_is_scrolled(window: Window, filled: Stack) -> None:
    truth = planted(filled, "policy_config")
    dialog = await linked(window, filled, truth["name"], more="&all=true")
    await dialog.click("[data-jump=contracts]")
    assert await dialog.evaluate("document.getElementById('title').getBoundingClientRect().top") > 0
    assert await dialog.evaluate("document.getElementById('body').scrollTop") > 0
    assert await dialog.evaluate("document.documentElement.scrollTop") == 0


async def test_refresh_shows_what_anypoint_says_now_and_changes_no_row(
    window: Window, healed: Stack
) -> None:
    name = next(iter(ids(healed)))
    api = healed.call("GET", f"apis/{ids(healed)[name]}", role="viewer").json()
    healed.trouble(
        faults=[
            {
                "action": "status",
                "status": 403,
                "path": f"/{api['instances'][0]['instance_id']}/tiers",
            }
        ]
    )
    dialog = await linked(window, healed, name, role="editor")
    await dialog.click("#refresh")
    await dialog.wait_for_selector(".live time")
    assert "could not read" in await dialog.inner_text("#tiers tr.totals")
    assert "View Contracts" in await dialog.inner_text("#tiers tr.totals")
    after = healed.call("GET", f"apis/{api['id']}", role="viewer").json()
    assert after == api
    window.record.expect("status of 429")
    await dialog.click("#refresh")
    await dialog.wait_for_selector("#notice .message")
    await dialog.click("#published")
    await dialog.wait_for_selector(".live", state="detached")
    assert "could not read" not in await dialog.inner_text("#tiers tr.totals")


async def test_a_viewer_is_not_offered_to_refresh(window: Window, filled: Stack) -> None:
    dialog = await linked(window, filled, next(iter(ids(filled))))
    assert await dialog.locator("#refresh").count() == 0


async def test_an_api_of_an_old_link_is_said_to_be_gone(window: Window, filled: Stack) -> None:
    window.record.expect("status of 404")
    await tab(window, filled, state=f"api={'0' * 32}")
    dialog = await window.frame(DRILLDOWN)
    assert "nothing here" in await dialog.inner_text("#notice")
    await dialog.click("#close")
    await is_closed(window)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_nothing_of_serious_impact_for_accessibility(
    window: Window, filled: Stack, theme: str, width: int
) -> None:
    await window.page.set_viewport_size({"width": width, "height": 800})
    truth = planted(filled, "policy_config")
    dialog = await linked(window, filled, truth["name"], role="editor", more="&all=true")
    await window.page.evaluate(
        "theme => { document.documentElement.dataset.colorMode = theme }", theme
    )
    await dialog.wait_for_selector(f'html[data-color-mode="{theme}"]')
    await asyncio.sleep(0.3)
    found = (await Axe().run(dialog, options=AXE)).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in HARMFUL] == []
    is_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await dialog.evaluate(is_wide)


PAGED = "() => { document.getElementById('contracts').dataset.whole = 'false' }"
"""As a section that is too long for one answer says of itself."""


async def test_of_a_section_that_is_asked_for_twice_the_last_answer_stays(
    window: Window, filled: Stack
) -> None:
    dialog = await linked(window, filled, next(iter(ids(filled))))
    await dialog.evaluate(PAGED)

    async def marked(route: Route) -> None:
        answer = await route.fetch()
        wanted = "asked-all" if "all=true" in route.request.url else "asked-some"
        text = (await answer.text()).replace('class="section"', f'class="section {wanted}"')
        await route.fulfill(response=answer, body=text)

    await window.page.route("**/contracts?*", marked)
    twice = "() => { for (const _ of [1, 2]) document.getElementById('show-all').click() }"
    await dialog.evaluate(twice)
    await dialog.wait_for_selector("#contracts.asked-some")


async def test_what_fails_twice_can_be_tried_a_third_time(window: Window, filled: Stack) -> None:
    window.record.expect("status of 503")
    dialog = await linked(window, filled, next(iter(ids(filled))))
    await dialog.evaluate(PAGED)
    faults = iter([503, 503])

    async def away(route: Route) -> None:
        status = next(faults, None)
        await (route.fulfill(status=status) if status else route.continue_())

    await window.page.route("**/contracts?*", away)
    await dialog.click("#show-all")
    await dialog.click("#notice button")
    async with window.page.expect_response(lambda answer: answer.status == 200):
        await dialog.click("#notice button")
