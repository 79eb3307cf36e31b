"""Macros as they are served: to people by signed URL, to Confluence itself for PDF, Word, e-mail."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from lxml import etree, html

from app.caller import Right
from app.posture.model import Acceptance, Cell, CellState, Severity, Verdict
from app.web.sentences import moment
from tests.store.estate import (
    NOW,
    PRODUCTION,
    SPACE,
    TEST,
    Home,
    Read,
    make_finding,
    make_posture,
    rows_of,
)
from tests.web.product import Product

KINDS = ("api", "overview", "trend")
NOBODY = "00000000-0000-4000-8000-000000000000"
HOSTILE = '<script>alert("1")</script>\u202e'
ALICE = "5b10a2844c20165700ede21g"
STORAGE = '<x xmlns:ac="urn:ac" xmlns:ri="urn:ri">%s</x>'


def address(kind: str, form: str = "", space: str = SPACE, **parameters: str) -> str:
    """The address of a macro as the descriptor's template is filled in."""
    query = urlencode({**parameters, "pageId": "1", "spaceKey": "ORD", "spaceId": space})
    return f"/macros/{kind}{form}?{query}"


async def shown(product: Product, kind: str, **asked: Any) -> httpx.Response:
    """Open a macro as a person."""
    path = address(kind, **asked)
    return await product.http.get(f"{path}&jwt={product.token('url', 'GET', path)}")


async def exported(product: Product, kind: str, **asked: Any) -> str:
    """Ask for a macro's static form as Confluence's server."""
    path = address(kind, "/static", **asked)
    token = product.token("callback", "GET", path, sub=None)
    answer = await product.http.get(path, headers={"Authorization": f"JWT {token}"})
    assert answer.status_code == 200, answer.text
    return answer.text


def text(markup: str) -> str:
    words = html.fromstring(f"<div>{markup}</div>").itertext()
    return " ".join(" ".join(words).split())


class WholeRead(Read):
    """A reading whose facts are whole, as the comparison of one API wants them."""

    def bodies(self) -> dict[str, Any]:
        group, _, asset = self.api_key.partition("/")
        facts = {
            "name": asset.title(),
            "group_id": group,
            "asset_id": asset,
            "asset_version": "1.0.4",
            "product_version": "v1",
            "label": None,
            "status": "active",
            "technology": "mule4",
            "deprecated": False,
            "active_contracts": 0,
        }
        return {"facts": facts, "policies": [], "tiers": [], "contracts": []}


async def publish(home: Home, sentence: str = "JWT validation differs.", **changes: Any) -> None:
    """Publish one API with a finding, and one that is aligned."""
    finding = make_finding(sentence=sentence, severity=Severity.HIGH)
    orders = make_posture("group/orders", finding, **changes)
    rows = rows_of(orders, make_posture("group/stock"), baseline_environment_id=PRODUCTION.id)
    read = [
        WholeRead(environment, number, f"group/{name}")
        for number, (environment, name) in enumerate(
            [(TEST, "orders"), (PRODUCTION, "orders"), (TEST, "stock")], 1
        )
    ]
    await home.published(read, rows=rows)


async def taken(product: Product, **body: Any) -> dict[str, Any]:
    answer = await product.call("POST", "snapshots", body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def api_id(product: Product, search: str = "orders") -> str:
    found: str = (await product.get(f"posture?search={search}"))["apis"][0]["id"]
    return found


async def test_an_accepted_finding_stands_behind_the_open_ones_and_says_so(
    product: Product, ours: Home
) -> None:
    until = NOW + timedelta(days=30)
    accepted = Acceptance("f0", "v1", "accepted_risk", ALICE, until, "e1", "The gateway does it")
    found = [
        make_finding("f0", severity=Severity.CRITICAL, sentence="It is known.", accepted=accepted),
        make_finding("f1", severity=Severity.LOW, sentence="It is open."),
    ]
    orders = make_posture("group/orders", *found, headline="One of two is open.")
    read = [WholeRead(TEST, 1, "group/orders"), WholeRead(PRODUCTION, 2, "group/orders")]
    rows = rows_of(orders, baseline_environment_id=PRODUCTION.id)
    await ours.published(read, rows=rows)
    wanted = {"mode": "live", "api": await api_id(product)}
    page = html.fromstring((await shown(product, "api", **wanted)).text)
    first, second = page.xpath("//ul[@class='macro-findings']/li")
    assert "It is open." in text(etree.tostring(first, encoding="unicode"))
    said = text(etree.tostring(second, encoding="unicode"))
    assert "It is known." in said
    assert f"Accepted until {moment(until)} : accepted risk. The gateway does it" in said
    static = text(await exported(product, "api", **wanted))
    assert static.index("It is open.") < static.index("It is known.") < static.index("Accepted")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_macro_that_names_no_snapshot_says_that_none_was_taken(
    product: Product, ours: Home, kind: str
) -> None:
    await publish(ours)
    assert "No snapshot was taken yet." in text((await shown(product, kind)).text)
    assert text(await exported(product, kind)) == "No snapshot was taken yet."


@pytest.mark.parametrize("kind", KINDS)
async def test_a_snapshot_elsewhere_looks_like_one_that_does_not_exist(
    product: Product, ours: Home, theirs: Home, kind: str
) -> None:
    await publish(ours)
    body = {"api_id": await api_id(product)} if kind == "api" else {}
    snapshot = (await taken(product, **body))["id"]
    assert "Frozen" in (await shown(product, kind, snapshot=snapshot)).text
    for space, issuer in (("777", "ours"), (SPACE, "theirs")):
        product.issuer = issuer
        asked = [{"snapshot": one, "space": space} for one in (snapshot, NOBODY, "no id at all")]
        pages = {(await shown(product, kind, **one)).text for one in asked}
        static = {await exported(product, kind, **one) for one in asked}
        assert len(pages) == len(static) == 1
        assert "Not available here." in pages.pop()
        assert text(static.pop()) == "Not available here."


async def test_an_export_without_a_signed_space_shows_nothing(product: Product, ours: Home) -> None:
    await publish(ours)
    assert text(await exported(product, "overview", mode="live", space="")) == "Not available here."


async def test_the_head_names_everything_that_an_auditor_asks_for(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    product.atlassian.people[ALICE] = "Alice Auditor"
    made = await taken(product, title="Q1", note="Why", filter={"search": "ord"})
    said = text((await shown(product, "overview", snapshot=made["id"])).text)
    for part in (
        "Frozen Q1",
        "Why",
        "Taken by Alice Auditor",
        "Sync #1",
        "Baseline Production",
        "Filter “ord”",
        "Population 1 of 2 APIs, 2 of 2 environments, 0 read errors",
        f"SHA-256 {made['sha256'][:12]}",
    ):
        assert part in said


async def test_whoever_left_is_a_former_user(product: Product, ours: Home) -> None:
    await publish(ours)
    made = await taken(product)
    said = (await shown(product, "overview", snapshot=made["id"])).text
    assert "Former user" in said
    assert ALICE not in said


async def test_frozen_is_the_same_bytes_after_another_sync_and_live_is_not(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    made = await taken(product, api_id=await api_id(product))
    asked: dict[str, Any] = {"snapshot": made["id"], "display": "full"}
    live: dict[str, Any] = {"mode": "live", "api": made["api_id"]}
    before = [(await shown(product, "api", **one)).content for one in (asked, live)]
    static = await exported(product, "api", **asked)
    await publish(ours, "JWT validation is gone.")
    after = [(await shown(product, "api", **one)).content for one in (asked, live)]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert await exported(product, "api", **asked) == static


async def test_a_snapshot_that_was_changed_in_the_database_is_not_shown(
    product: Product, ours: Home, addresses: Any
) -> None:
    await publish(ours)
    made = await taken(product, title="Before")
    with psycopg.connect(addresses.superuser_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE plumbline.snapshots SET title = 'After'")
    for said in (
        (await shown(product, "overview", snapshot=made["id"])).text,
        await exported(product, "overview", snapshot=made["id"]),
    ):
        assert "no longer matches its hash" in said
        assert "Orders" not in said


async def test_the_static_form_has_the_baseline_first_and_says_what_was_read_in_part(
    product: Product, ours: Home, addresses: Any
) -> None:
    await publish(ours)
    with psycopg.connect(addresses.superuser_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE plumbline.sync_environments SET outcome = 'partial', reason = 'it answered 403'"
            " WHERE environment_id = %s",
            [TEST.id],
        )
    static = await exported(product, "overview", mode="live")
    heads = [said.text for said in etree.fromstring(STORAGE % static).findall(".//tr[1]/th")]
    assert heads[3:] == [f"{PRODUCTION.name} (baseline)", TEST.name]
    assert f"Read in part : {TEST.name}: it answered 403" in text(static)
    page = text((await shown(product, "overview", mode="live")).text)
    assert f"{TEST.name} was read in part: It answered 403" in page
    assert "Could not" not in text(static) + page


async def test_the_static_form_says_too_that_the_space_is_no_longer_connected(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    product.may(Right.ADMIN)
    assert (await product.call("DELETE", "connection")).status_code == 204
    for kind in ("overview", "trend"):
        for said in (
            text((await shown(product, kind, mode="live")).text),
            text(await exported(product, kind, mode="live")),
        ):
            assert "no longer connected to Anypoint. This was read before." in said


async def test_without_any_api_no_filter_is_blamed(product: Product, ours: Home) -> None:
    await ours.published(rows=rows_of())
    for said in (
        text((await shown(product, "overview", mode="live")).text),
        text(await exported(product, "overview", mode="live")),
    ):
        assert "No API is known." in said
        assert "filters" not in said


async def test_a_pasted_address_shows_its_api_live(product: Product, ours: Home) -> None:
    await publish(ours)
    root = "https://anypoint.mulesoft.com/apimanager/#/organizations/o/environments"
    known = await shown(product, "api", instance=f"{root}/{TEST.id}/apis/3")
    assert "Stock" in text(known.text)
    assert "Live" in text(known.text)
    unknown = await shown(product, "api", instance=f"{root}/{TEST.id}/apis/99")
    assert "found no instance at this address" in text(unknown.text)


async def test_names_from_upstream_are_text_in_every_form(product: Product, ours: Home) -> None:
    await publish(ours, HOSTILE, name=HOSTILE, headline=HOSTILE)
    made = await taken(product, title=HOSTILE.replace("\u202e", ""), note="<b>")
    page = html.fromstring((await shown(product, "overview", snapshot=made["id"])).text)
    assert all(script.get("src") for script in page.xpath("//script"))
    static = await exported(product, "overview", snapshot=made["id"])
    document = etree.fromstring(STORAGE % static)
    assert not document.xpath("//script")
    assert '<script>alert("1")</script>' in "".join(document.itertext())


async def test_an_environments_name_that_turns_the_direction_turns_nothing_beside_it(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    wanted = await api_id(product)
    live = {"mode": "live", "api": wanted, "display": "full"}
    for page, heads in (
        (html.fromstring((await shown(product, "overview", mode="live")).text), 1),
        (html.fromstring((await shown(product, "api", **live)).text), 4),
        (await fragment(product, "posture"), 1),
        (await fragment(product, f"apis/{wanted}"), 4),
    ):
        apart = page.xpath("//bdi")
        assert [name.text for name in apart].count(PRODUCTION.name) == heads


async def test_pages_have_no_inline_script_or_style(product: Product, ours: Home) -> None:
    await publish(ours)
    for kind in KINDS:
        page = html.fromstring((await shown(product, kind, mode="live", days="30")).text)
        assert not page.xpath("//style | //*[@style] | //*[@onclick] | //script[not(@src)]")


async def test_not_deployed_none_and_not_read_are_three_texts(product: Product, ours: Home) -> None:
    cells = {
        TEST.id: Cell(CellState.UNREADABLE, reason="It answered 403."),
        PRODUCTION.id: Cell(CellState.DEPLOYED, policies=0, tiers=(), contracts=0),
    }
    odd = make_posture("group/odd", verdict=Verdict.UNKNOWN, cells=cells)
    gone = make_posture("group/gone", cells={PRODUCTION.id: cells[PRODUCTION.id]})
    await ours.published(rows=rows_of(odd, gone), failed=[TEST])
    for said in (
        text((await shown(product, "overview", mode="live")).text),
        text(await exported(product, "overview", mode="live")),
    ):
        assert "could not read" in said
        assert "NOT DEPLOYED" in said
        assert "none" in said
        assert "It answered 403." in said


async def test_more_rows_than_a_page_holds_are_counted_and_linked(
    product: Product, ours: Home
) -> None:
    rows = rows_of(*(make_posture(f"group/api-{n:03}") for n in range(60)))
    await ours.published(rows=rows)
    page = html.fromstring((await shown(product, "overview", mode="live")).text)
    assert len(page.xpath("//tbody/tr")) == 50
    assert "The first 50 of 60 APIs." in text(html.tostring(page, encoding="unicode"))
    assert page.xpath("//a[@data-open='posture']")


async def test_a_filter_that_cannot_be_understood_shows_nothing(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    for odd in ("verdict=green", "page=0", "nothing=1", "%"):
        said = text((await shown(product, "overview", mode="live", filter=odd)).text)
        assert "cannot be understood" in said
        assert "Orders" not in said


async def test_without_a_connection_frozen_is_shown_and_live_says_so(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    made = await taken(product)
    assert (await product.call("DELETE", "connection")).status_code == 204
    assert "Orders" in (await shown(product, "overview", snapshot=made["id"])).text
    live = text((await shown(product, "overview", mode="live")).text)
    assert "no longer connected" in live


async def test_the_trend_has_gaps_for_days_without_a_published_sync(
    product: Product, ours: Home
) -> None:
    for day in (0, 1, 4):
        await ours.published(
            rows=rows_of(make_posture("g/a", make_finding())), now=NOW + timedelta(days=day)
        )
    page = html.fromstring((await shown(product, "trend", mode="live", days="30")).text)
    days = [item.text_content() for item in page.xpath("//details//tbody//th")]
    assert days == ["2026-03-05", "2026-03-02", "2026-03-01"]
    assert len(page.xpath("//*[name()='svg']/*[name()='g']")) == 3


async def test_only_editors_open_an_editor(product: Product, ours: Home) -> None:
    await publish(ours)
    for kind in KINDS:
        path = address(kind, "/editor")
        for right, status in ((Right.EDITOR, 200), (Right.VIEWER, 403), (Right.NONE, 404)):
            product.may(right)
            answer = await product.http.get(f"{path}&jwt={product.token('url', 'GET', path)}")
            assert answer.status_code == status


async def test_a_stranger_gets_what_does_not_exist(product: Product, ours: Home) -> None:
    await publish(ours)
    product.may(Right.NONE)
    answer = await shown(product, "overview", mode="live")
    assert answer.status_code == 404
    assert "Orders" not in answer.text
    assert "Not available here." in answer.text
    assert "Request" not in answer.text


async def test_an_export_asks_nobody_outside(product: Product, ours: Home) -> None:
    await publish(ours)
    made = await taken(product)
    product.atlassian.asked.clear()
    product.anypoint.asked.clear()
    await exported(product, "overview", snapshot=made["id"])
    await exported(product, "overview", mode="live")
    assert product.atlassian.asked == []
    assert product.anypoint.asked == []


async def fragment(product: Product, path: str) -> html.HtmlElement:
    """Fetch a piece of a page as its script does."""
    address = f"/fragments/spaces/{SPACE}/{path}"
    token = product.token("context", "GET", address)
    answer = await product.http.get(address, headers={"Authorization": f"JWT {token}"})
    assert answer.status_code == 200, answer.text
    return html.fromstring(f"<div>{answer.text}</div>")


async def test_the_editor_finds_apis_by_text_by_id_and_by_address(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    found = await api_id(product)
    root = "https://eu1.anypoint.mulesoft.com/apimanager/#/organizations/o/environments"
    instance = urlencode({"instance": f"{root}/{TEST.id}/apis/1"})
    for query in ("search=ORD", f"api={found}", instance):
        options = (await fragment(product, f"api-options?{query}")).xpath(".//@data-value")
        assert options == [found]
    unknown = urlencode({"instance": "https://elsewhere.example/1"})
    assert not (await fragment(product, f"api-options?{unknown}")).xpath(".//@data-value")


async def test_the_editor_offers_the_snapshots_that_fit(product: Product, ours: Home) -> None:
    await publish(ours)
    whole = (await taken(product, title="All"))["id"]
    one = (await taken(product, api_id=await api_id(product)))["id"]
    lists = await fragment(product, "snapshot-options?kind=overview")
    own = await fragment(product, f"snapshot-options?kind=api&api={await api_id(product)}")
    assert lists.xpath(".//option/@value") == ["", whole]
    assert own.xpath(".//option/@value") == ["", one]


async def test_the_preview_is_what_the_page_will_show(product: Product, ours: Home) -> None:
    await publish(ours)
    preview = await fragment(product, "macro-preview?kind=overview&mode=live&filter=search%3Dstock")
    assert [item.text for item in preview.find_class("name")] == ["Stock"]


async def test_theirs_is_not_in_ours(product: Product, ours: Home, theirs: Home) -> None:
    await publish(theirs, name="Secret of theirs")
    await publish(ours)
    for kind in KINDS:
        assert "Secret of theirs" not in (await shown(product, kind, mode="live")).text
