"""An audit in six steps, as users take it: from its scope to a page that documents it."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import html
from playwright.async_api import Frame

from sandbox.browser import Window
from sandbox.stack import Stack
from tests.browser.test_drilldown import DRILLDOWN, is_closed, tab
from tests.browser.test_exports import saved

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROWS = "table.posture tbody tr"
PLACES = ("Test", "Production")
MISCONFIGURED = "header-injection"
TITLE = "Audit of the fourth quarter"


@pytest.fixture
def page_cleared(filled: Stack) -> Iterator[Stack]:
    """A filled product whose page holds no macro afterwards."""
    yield filled
    filled.control("clear-page", page=filled.site["pages"][0]["id"])


@dataclass(frozen=True, slots=True)
class Audit:
    """One auditor's way: the open tab, and what the stand-in knows to differ in the scope."""

    window: Window
    stack: Stack
    frame: Frame
    group: str
    truth: list[dict[str, Any]]

    def planted(self, kind: str, subject: str = "") -> dict[str, Any]:
        """Return the first difference of a kind in the group, of a policy where one is named."""
        found = (item for item in self.truth if item["kind"] == kind)
        return next(item for item in found if subject in (item["subject"] or ""))

    async def choose(self, name: str, *values: str) -> None:
        """Have exactly these values in one of the filters."""
        dropdown = self.frame.locator(f"[data-dropdown={name}]")
        await dropdown.locator("summary").click()
        boxes = dropdown.locator("input[type=checkbox]:checked")
        before = await boxes.evaluate_all("boxes => boxes.map(box => box.value)")
        for value in set(before) - set(values):
            await dropdown.locator(f"input[value='{value}']").uncheck()
        for value in values:
            await dropdown.locator(f"input[value='{value}']").check()
        await dropdown.locator("summary").press("Escape")

    async def shown(self, **filters: list[str]) -> list[dict[str, Any]]:
        """Return the APIs that the server lists through a filter once the tab shows just these."""
        query = urlencode({"size": 100, **filters}, doseq=True)
        answer = self.stack.call("GET", f"posture?{query}", role="viewer").json()
        listed: list[dict[str, Any]] = answer["apis"]
        await self.frame.wait_for_function(
            "([rows, ids]) => [...document.querySelectorAll(rows)]"
            ".map(row => row.dataset.apiId).join() === ids",
            arg=[ROWS, ",".join(api["id"] for api in listed)],
        )
        of = f"{len(listed)} of {answer['summary']['total']} APIs"
        assert await self.frame.inner_text("#result-count") == of
        return listed

    async def opened(self, api: str) -> Frame:
        """Open one of the listed APIs by its button."""
        await self.frame.click(f"{ROWS} >> button[aria-label='View security: {api}']")
        return await self.window.frame(DRILLDOWN)

    async def closed(self) -> None:
        """Close the open API as one does who reads on."""
        await self.window.page.keyboard.press("Escape")
        await is_closed(self.window)


async def begun(window: Window, stack: Stack) -> Audit:
    """Open the tab as an editor; what is audited is the group of the false alignment."""
    truth = stack.truth()["truth"]
    group = next(item["group_id"] for item in truth if item["subject"] == MISCONFIGURED)
    frame = await tab(window, stack, "editor")
    return Audit(window, stack, frame, group, [t for t in truth if t["group_id"] == group])


def scope(audit: Audit) -> dict[str, list[str]]:
    """Return the filter of the audit as the address has it."""
    ids = {item["name"]: item["id"] for item in audit.stack.truth()["environments"]}
    return {"environment": [ids[name] for name in PLACES], "group": [audit.group]}


async def set_the_scope(audit: Audit) -> None:
    """Step 1: two environments and one API group; the link holds both."""
    for name, values in scope(audit).items():
        await audit.choose(name, *values)
    listed = await audit.shown(**scope(audit))
    assert all(api["group_id"] == audit.group for api in listed)
    heads = await audit.frame.locator("table.posture thead th:not(:has(button))").all_inner_texts()
    assert [head.split()[0] for head in heads] == ["Production", "Test"]
    await audit.window.page.wait_for_url(f"**#!*environment=*group={audit.group}*")


async def identify_policy_gaps(audit: Audit) -> None:
    """Step 2: what lacks a policy is listed, and its matrix has a cell that says missing."""
    gap = audit.planted("policy_missing")
    await audit.choose("kind", "policy_missing")
    listed = await audit.shown(**scope(audit), kind=["policy_missing"])
    assert gap["name"] in {api["name"] for api in listed}
    dialog = await audit.opened(gap["name"])
    row = dialog.locator("#policies tbody.differing", has_text=gap["subject"])
    assert await row.locator("td .missing").count() == len(gap["environments"])
    await audit.closed()


async def find_false_alignment(audit: Audit) -> None:
    """Step 3: the row names policy and field; behind it both values stand side by side."""
    false = audit.planted("policy_config", MISCONFIGURED)
    await audit.choose("kind", "policy_config")
    listed = await audit.shown(**scope(audit), kind=["policy_config"])
    api = next(api for api in listed if api["name"] == false["name"])
    headline = await audit.frame.inner_text(f"tr[data-api-id='{api['id']}'] .headline")
    dialog = await audit.opened(false["name"])
    policy = dialog.locator("#policies tbody.differing", has_text=false["subject"])
    field = policy.locator("tr.field", has_text=false["paths"][0])
    assert (await policy.locator(".name").inner_text()).lower() in headline.lower()
    assert (await field.locator(".field-name").inner_text()).lower() in headline.lower()
    values = set(await field.locator("td").all_inner_texts())
    assert len(values) == 2
    assert all(value in headline for value in values)
    await audit.closed()


async def review_tiers_and_contracts(audit: Audit) -> None:
    """Step 4: another limit and a missing contract, each in the section where one looks for it."""
    kinds = ["tier_limits", "contract_missing"]
    await audit.choose("kind", *kinds)
    listed = await audit.shown(**scope(audit), kind=kinds)
    tier, contract = audit.planted("tier_limits"), audit.planted("contract_missing")
    assert {tier["name"], contract["name"]} <= {api["name"] for api in listed}
    dialog = await audit.opened(tier["name"])
    limits = dialog.locator("#tiers tbody.differing", has_text=tier["subject"])
    assert len(set(await limits.locator("td").all_inner_texts())) == 2
    await audit.closed()
    dialog = await audit.opened(contract["name"])
    missing = dialog.locator("#contracts tbody.differing", has_text=contract["subject"])
    assert await missing.locator("td .missing").count() == len(contract["environments"])
    await audit.closed()


async def export(audit: Audit, folder: Path) -> Counter[str]:
    """Step 5: both files hold the rows and the verdicts of the screen, and no others."""
    await audit.choose("kind")
    listed = await audit.shown(**scope(audit))
    verdicts = Counter(api["verdict"] for api in listed)
    table = (await saved(audit.window, audit.frame, "#export-csv", folder)).read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    of_apis = {row["api_id"]: row["verdict"] for row in rows}
    assert list(of_apis) == [api["id"] for api in listed]
    assert Counter(of_apis.values()) == verdicts
    assert {row["environment"] for row in rows} == set(PLACES)
    file = await saved(audit.window, audit.frame, "#export-html", folder)
    lines = html.fromstring(file.read_bytes()).xpath("//table[1]/tbody/tr")
    assert [line.xpath("string(th/text()[1])") for line in lines] == [a["name"] for a in listed]
    words = Counter(line.xpath("string(td[1]/span[1])").split()[-1].lower() for line in lines)
    assert words == verdicts
    return verdicts


async def document_it(audit: Audit, verdicts: Counter[str]) -> None:
    """Step 6: a snapshot of the scope, put on a page as a frozen macro that every viewer sees."""
    await audit.frame.click("#take-snapshot")
    await audit.frame.fill("#taking-name", TITLE)
    await audit.frame.press("#taking-name", "Enter")
    page = audit.window.page
    await page.wait_for_selector("#flags .flag.success")
    await page.goto(f"{audit.stack.page_address()}?as=editor")
    await page.click("text=Insert Security posture overview")
    editor = await audit.window.frame_in("[role=dialog]", "plumbline-overview")
    choice = editor.locator("#snapshot option", has_text=TITLE)
    await editor.select_option("#snapshot", value=await choice.first.get_attribute("value"))
    await editor.wait_for_selector(f"#preview article >> text={TITLE}")
    async with page.expect_navigation():
        await page.click("[role=dialog] [data-identifier=submit]")
    await page.goto(f"{audit.stack.page_address()}?as=viewer")
    macro = await audit.window.frame_in("section.macro", "plumbline-overview")
    await macro.wait_for_selector(f"article[data-mode=frozen] >> text={TITLE}")
    rows = macro.locator("tbody tr")
    seen = await rows.evaluate_all("rows => rows.map(row => row.dataset.verdict)")
    assert Counter(seen) == verdicts
    assert f"{len(seen)} of" in await macro.inner_text("dt:has-text('Population') + dd")


async def test_an_audit_leads_in_six_steps_from_its_scope_to_a_page_that_documents_it(
    window: Window, page_cleared: Stack, tmp_path: Path
) -> None:
    audit = await begun(window, page_cleared)
    await set_the_scope(audit)
    await identify_policy_gaps(audit)
    await find_false_alignment(audit)
    await review_tiers_and_contracts(audit)
    verdicts = await export(audit, tmp_path)
    await document_it(audit, verdicts)
