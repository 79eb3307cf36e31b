"""The drilldown's pieces as they are sent, after a real sync of the stand-in's estate."""

import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.caller import Right
from app.store.database import Database
from app.store.encryption import Keyring
from sandbox.estate_model import Contract, Estate, Tier
from tests.postgres import FreshDatabase
from tests.store.estate import SPACE, Home
from tests.sync.world import World
from tests.web.live import synced
from tests.web.markup import Element, found, parsed, said
from tests.web.product import Product

SECTIONS = ("policies", "tiers", "contracts")
HOSTILE = '</td><script>alert(1)</script>\u202egnp.exe 🙈 "x"'
LONG = 120


def changed(estate: Estate) -> None:
    """Make the first API long, take the second from Test, and give the third a hostile name.

    The fourth has a second instance in Development.
    """
    long, absent, hostile, double = estate.apis[:4]
    second = copy.deepcopy(double.instances[0])
    second.label, second.instance_id = "internal", 99_000_001
    double.instances.append(second)
    for instance in long.instances:
        instance.tiers = [Tier(f"tier-{n:03}", [(n + 1, 60_000)]) for n in range(LONG)]
        instance.contracts = [Contract(f"app-{n:03}", 9000 + n, "tier-000") for n in range(LONG)]
    long.instances[0].contracts[LONG - 1].status = "REVOKED"
    test = next(item.id for item in estate.environments if item.name == "Test")
    absent.instances = [item for item in absent.instances if item.environment_id != test]
    hostile.name = HOSTILE
    for instance in double.instances:
        instance.tiers = []
    for instance in hostile.instances:
        instance.contracts = [Contract(HOSTILE, 1)]


@pytest.fixture
async def world(
    addresses: FreshDatabase, database: Database, keyring: Keyring, ours: Home, product: Product
) -> AsyncIterator[World]:
    async with synced(addresses, database, keyring, ours, product, change=changed) as made:
        yield made


async def listed(product: Product) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in (await product.get("posture"))["apis"]}


def fragment(path: str) -> str:
    return f"/fragments/spaces/{SPACE}/apis/{path}"


async def opened(product: Product, path: str, method: str = "GET") -> Element:
    answer = await product.call(method, fragment(path))
    assert answer.status_code == 200, answer.text
    return parsed(answer.text)


def section(page: Element, name: str) -> Element:
    return page.get_element_by_id(name)


def rows(part: Element) -> list[Element]:
    return found(part, "tbody.row")


async def test_a_finding_says_what_why_since_when_and_where_to_look(product: Product, world: World):
    worst = (await product.get("findings"))["findings"][0]
    row = next(row for row in (await listed(product)).values() if row["id"] == worst["api_id"])
    page = await opened(product, row["id"])
    first, *_ = found(page, ".finding")
    text = said(first)
    assert worst["sentence"] in text
    assert f"Rule {worst['rule']}" in text
    assert worst["severity"] in said(found(first, ".severity")[0])
    assert "OWASP API" in text
    assert said(found(first, ".finding-why")[0])
    assert found(first, "time[datetime]")
    shown = [item.get("data-fingerprint") for item in found(page, ".finding")]
    assert shown == [f["fingerprint"] for f in (await product.get(f"apis/{row['id']}"))["findings"]]


async def test_links_into_api_manager_open_a_new_tab_and_tell_it_nothing(
    product: Product, world: World
):
    for row in (await listed(product)).values():
        page = await opened(product, row["id"])
        links = found(page, "a")
        assert links
        for link in links:
            assert link.get("target") == "_blank"
            assert link.get("rel") == "noopener noreferrer"


async def test_the_baseline_stands_first_and_is_labelled_in_all_three_sections(
    product: Product, world: World
):
    row = next(iter((await listed(product)).values()))
    page = await opened(product, row["id"])
    for name in SECTIONS:
        heads = found(section(page, name), "th[scope=colgroup]")
        assert [said(head) for head in heads] == ["Production Baseline", "Development", "Test"]


async def test_several_instances_of_an_environment_stand_side_by_side_below_it(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[3].name]
    page = await opened(product, row["id"])
    for name in SECTIONS:
        part = section(page, name)
        heads = found(part, "th[scope=colgroup]")
        assert [head.get("colspan") for head in heads].count("2") == 1
        assert len(found(part, "tr.instances th")) == 4
        assert "99000001" in said(found(part, "tr.instances")[0])
        for line in found(part, "tbody.row > tr"):
            assert len(found(line, "td")) == 4


async def test_an_environment_without_the_api_has_an_empty_column_that_says_so(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[1].name]
    page = await opened(product, row["id"])
    for name in SECTIONS:
        part = section(page, name)
        assert said(found(part, "tr.instances th")[-1]) == "NOT DEPLOYED"
        assert said(found(part, "tr.totals td")[-1]) == "NOT DEPLOYED"
        for line in found(part, "tbody.row > tr:first-child"):
            cell = found(line, "td")[-1]
            assert cell.get("data-state") == "not_deployed"
            assert not found(cell, ".line")


async def test_a_false_alignment_shows_both_values_and_marks_the_one_that_stands_out(
    product: Product, world: World
):
    finding = (await product.get("findings?kind=policy_config"))["findings"][0]
    page = await opened(product, finding["api_id"])
    policies = section(page, "policies")
    row = next(row for row in rows(policies) if finding["subject"] in row.get("data-subject"))
    assert "differing" in row.get("class")
    fields = [line for line in found(row, "tr.field") if "field-same" not in line.get("class")]
    assert [said(found(line, "th .code")[0]) for line in fields] == finding["paths"]
    marked = [cell for cell in found(fields[0], "td") if "is-outlier" in cell.get("class")]
    assert marked
    assert len({said(cell) for cell in found(fields[0], "td")}) > 1


async def test_no_secret_is_in_what_is_sent(product: Product, world: World):
    secrets = set()
    for api in world.estate.apis:
        for instance in api.instances:
            for policy in instance.policies:
                secrets |= {
                    value
                    for key, value in policy.configuration.items()
                    if key in {"password", "textKey"} and isinstance(value, str) and value
                }
    for row in (await listed(product)).values():
        answer = await product.call("GET", fragment(row["id"]))
        assert not [secret for secret in secrets if secret in answer.text]
        assert "$secret" not in answer.text


async def test_what_could_not_be_read_says_why_since_when_and_what_was_known(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[0].name]
    place = next(item.id for item in world.estate.environments if item.name == "Test")
    world.standin.control.post({"forbid": [{"scope": "View Contracts", "environment": place}]})
    await world.sync()
    page = await opened(product, row["id"])
    for name in ("tiers", "contracts"):
        part = section(page, name)
        assert "could not read" in said(found(part, "tr.instances th")[-1])
        total = found(part, "tr.totals td")[-1]
        assert "View Contracts" in said(total)
        assert f"Last known: {LONG}" in said(total)
        assert found(total, "time[datetime]")
    assert "could not read" not in said(found(section(page, "policies"), "tr.totals")[0])


async def test_none_that_were_read_once_are_not_said_to_have_never_been_read(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[3].name]
    place = next(item.id for item in world.estate.environments if item.name == "Test")
    world.standin.control.post({"forbid": [{"scope": "View Contracts", "environment": place}]})
    await world.sync()
    total = found(section(await opened(product, row["id"]), "tiers"), "tr.totals td")[-1]
    assert total.get("data-state") == "unread"
    assert "Last known: none" in said(total)
    assert "never read" not in said(total)


async def test_what_was_not_read_is_never_said_to_be_the_same_nor_marked_as_another_value(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[3].name]
    for environment in world.estate.environments:
        if environment.name != "Production":
            wish = {"scope": "View APIs Configuration", "environment": environment.id}
            world.standin.control.post({"forbid": [wish]})
    await world.sync()
    page = await opened(product, row["id"])
    for name in SECTIONS:
        part = section(page, name)
        assert "in what was read" in said(found(part, ".section-head p")[0])
        assert found(part, "tr.totals td[data-state=unread]")
        for cell in found(part, "td[data-state=unread]"):
            assert "is-outlier" not in cell.get("class", "")
    for note in found(page, "tr.no-differences"):
        assert "Too little could be read" in said(note)


async def test_an_environment_that_was_away_keeps_its_last_values_with_their_date(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[0].name]
    place = next(item.id for item in world.estate.environments if item.name == "Test")
    world.standin.control.post(
        {"forbid": [{"scope": "View APIs Configuration", "environment": place}]}
    )
    await world.sync()
    page = await opened(product, row["id"])
    for name in SECTIONS:
        part = section(page, name)
        total = found(part, "tr.totals td")[-1]
        assert total.get("data-state") == "unread"
        assert "Last known:" in said(total)
        assert found(total, "time[datetime]")
    known = found(section(page, "policies"), "td.is-known .line")
    assert known


async def test_a_long_section_is_sent_in_pages_with_what_differs_first(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[0].name]
    page = await opened(product, row["id"])
    contracts = section(page, "contracts")
    assert contracts.get("data-whole") == "false"
    assert [part.get("data-subject") for part in rows(contracts)] == [f"app-{LONG - 1:03}"]
    everything = section(await opened(product, f"{row['id']}/contracts?all=true"), "contracts")
    assert len(rows(everything)) == 50
    assert rows(everything)[0].get("data-subject") == f"app-{LONG - 1:03}"
    last = section(await opened(product, f"{row['id']}/contracts?all=true&page=99"), "contracts")
    assert len(rows(last)) == LONG - 100
    assert "Page 3 of 3" in said(found(last, ".section-pages")[0])


async def test_a_long_section_can_be_searched_by_name(product: Product, world: World):
    row = (await listed(product))[world.estate.apis[0].name]
    tiers = section(await opened(product, f"{row['id']}/tiers?all=true&search=TIER-10"), "tiers")
    assert [part.get("data-subject") for part in rows(tiers)] == [
        f"tier-{n}" for n in range(100, 110)
    ]
    nothing = section(await opened(product, f"{row['id']}/tiers?all=true&search=%25"), "tiers")
    assert rows(nothing) == []
    assert "Nothing matches" in said(nothing)


async def test_contracts_are_counted_by_status(product: Product, world: World):
    row = (await listed(product))[world.estate.apis[0].name]
    page = await opened(product, row["id"])
    totals = [said(cell) for cell in found(section(page, "contracts"), "tr.totals td")]
    assert sorted(totals)[1:] == [f"{LONG} approved"] * 2
    assert sorted(totals)[0] == f"{LONG - 1} approved, 1 revoked"


async def test_hostile_names_are_text(product: Product, world: World):
    row = (await listed(product))[HOSTILE]
    page = await opened(product, row["id"])
    assert found(page, "script") == []
    assert said(page.get_element_by_id("title")) == " ".join(HOSTILE.split())
    applications = [part.get("data-subject") for part in rows(section(page, "contracts"))]
    assert applications == [HOSTILE]


async def test_automated_policies_that_differ_are_noted_and_are_no_difference_of_the_api(
    product: Product, world: World
):
    automated = [
        item for item in (await product.get("findings"))["findings"] if item["api_id"] is None
    ]
    assert automated
    aligned = next(r for r in (await listed(product)).values() if r["verdict"] == "aligned")
    policies = section(await opened(product, aligned["id"]), "policies")
    assert policies.get("data-differing") == "0"
    assert "They concern every API" in said(found(policies, ".notes")[0])
    marked = [row for row in rows(policies) if found(row, ".is-outlier")]
    assert marked
    assert all("same" in row.get("class").split() for row in marked)


async def test_an_unknown_api_or_section_or_another_sites_is_not_there(
    product: Product, world: World, theirs: Home
):
    row = next(iter((await listed(product)).values()))
    bodies = set()
    for path in ("0" * 32, "x", "%00", f"{row['id']}/secrets", f"{'0' * 32}/tiers"):
        answer = await product.call("GET", fragment(path))
        assert answer.status_code == 404
        bodies.add(answer.json()["error"]["message"])
    product.issuer = "theirs"
    answer = await product.call("GET", fragment(row["id"]))
    assert answer.status_code == 404
    assert bodies == {answer.json()["error"]["message"]}


async def dialog(product: Product) -> str:
    path = f"/pages/drilldown?spaceKey=ORD&spaceId={SPACE}"
    token = product.token("url", "GET", path)
    return (await product.http.get(f"{path}&jwt={token}")).text


async def test_only_who_may_edit_is_shown_the_way_to_read_live(product: Product, world: World):
    product.may(Right.EDITOR)
    assert 'id="refresh"' in await dialog(product)
    product.may(Right.VIEWER)
    assert 'id="refresh"' not in await dialog(product)


async def test_a_live_reading_shows_its_own_time_and_that_nothing_was_published(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[0].name]
    page = await opened(product, f"{row['id']}/refresh", "POST")
    live = found(page, ".live")[0]
    assert "not published" in said(live)
    assert found(live, "time[datetime]")
    contracts = section(page, "contracts")
    assert not found(contracts, "form, .section-pages")
    product.may(Right.VIEWER)
    answer = await product.call("POST", fragment(f"{row['id']}/refresh"))
    assert answer.status_code == 403


async def test_an_api_that_anypoint_no_longer_lists_is_shown_as_deployed_nowhere(
    product: Product, world: World
):
    row = (await listed(product))[world.estate.apis[0].name]
    world.estate.apis[0].instances.clear()
    world.standin.control.post({})
    page = await opened(product, f"{row['id']}/refresh", "POST")
    places = [item.get("data-state") for item in found(page, ".place")]
    assert places == ["not_deployed"] * 3
    assert said(page.get_element_by_id("title")) == row["name"]
