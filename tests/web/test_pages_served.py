"""The pages and fragments as they are served: a real database, a real site, HTML read by a parser."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from lxml import html

from app.caller import AccountId, Right
from app.posture.model import Cell, CellState, InstanceSummary, LastKnown, Verdict
from app.store import asking, connections
from app.store.database import Database
from app.store.encryption import Keyring
from app.web import fragments, pages
from app.web.errors import Fault
from app.web.rendering import error_page
from app.web.static_files import StaticTree
from tests.postgres import cluster, fresh_database, stop_cluster
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
    settle,
)
from tests.web.small import World, client_of

PLANES = {"us": "https://anypoint.mulesoft.com"}
KEYRING = Keyring({"test": b"k" * 32})
FRAGMENT = f"/fragments/spaces/{SPACE}"


@pytest.fixture(scope="module", autouse=True)
def _postgres() -> Iterator[None]:
    yield
    stop_cluster()


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    made = fresh_database()
    database = Database(made.app_url, pool_size=3)
    yield database
    await database.close()
    cluster().take_back(made)


@pytest.fixture
async def ours(database: Database) -> Home:
    return await settle(database, KEYRING, "ours")


def looking_at(
    home: Home, right: Right = Right.ADMIN, keyring: Keyring = KEYRING
) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    world = World(right=right)
    assert world.caller is not None
    world.caller = replace(
        world.caller, site_id=home.site_id, space_id=SPACE, space_key="API", rest_base="https://c/w"
    )

    @asynccontextmanager
    async def opened() -> AsyncIterator[httpx.AsyncClient]:
        routers = (pages.router, fragments.router)
        services = {"database": home.database, "control_planes": PLANES, "names": nobody}
        async with client_of(routers, world, keyring=keyring, **services) as client:
            yield client

    return opened()


async def nobody(
    base: str, auth: httpx.Auth | None, wanted: Iterable[AccountId]
) -> dict[AccountId, str]:
    """Confluence, which knows none of these accounts any more."""
    return {}


async def seen(home: Home, path: str, right: Right = Right.ADMIN) -> html.HtmlElement:
    async with looking_at(home, right) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return html.fromstring(answer.text)


def text(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def of_class(document: html.HtmlElement, name: str) -> list[html.HtmlElement]:
    return list(document.find_class(name))


def holding(document: html.HtmlElement, *attributes: str) -> list[html.HtmlElement]:
    return list(document.xpath(".//*[" + " or ".join(f"@{name}" for name in attributes) + "]"))


def names(document: html.HtmlElement) -> list[str]:
    return [text(item) for item in of_class(document, "name")]


async def publish_three(home: Home) -> None:
    orders = make_posture("group/orders", make_finding())
    odd = make_posture("group/odd", name="<script>alert(1)</script>", verdict=Verdict.DRIFT)
    await home.published(rows=rows_of(orders, odd, make_posture("other/stock")), now=now())


def now() -> datetime:
    return datetime.now(UTC)


async def test_last_known_values_stand_with_the_time_at_which_they_were_read(ours: Home) -> None:
    orders = Read(TEST, 1, "group/orders")
    known = LastKnown(policies=2, tiers=(), contracts=0, instances=())
    cells = {TEST.id: Cell(CellState.UNREADABLE, reason="It answered 403.", last_known=known)}
    earlier = now() - timedelta(days=2)
    await ours.published([orders], rows_of(make_posture()), now=earlier)
    for days in (1, 0):
        unread = replace(orders, unread={"policies": "It answered 403."})
        rows = rows_of(make_posture(cells=cells))
        await ours.published([unread], rows, now=now() - timedelta(days=days))
    (cell,) = of_class(await seen(ours, "/pages/posture"), "last-known")
    (time,) = cell.findall("time")
    assert text(cell).startswith("Last known: 2 policies · Tiers: none · Contracts: none, read ")
    assert time.get("datetime") == f"{earlier:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_space_without_connection_tells_an_admin_to_connect_it(ours: Home) -> None:
    async with ours.database.transaction(ours.site_id) as db:
        await connections.remove(db, ours.site_id, SPACE, NOW)
    document = await seen(ours, "/pages/posture")
    assert [text(document.get_element_by_id("connect"))] == ["Connect to Anypoint"]


async def test_a_space_without_connection_tells_others_whom_to_ask(ours: Home) -> None:
    async with ours.database.transaction(ours.site_id) as db:
        await connections.remove(db, ours.site_id, SPACE, NOW)
    document = await seen(ours, "/pages/posture", Right.EDITOR)
    assert "A space administrator connects it" in text(document)
    assert not holding(document, "data-open", "data-action")


async def test_a_space_whose_connection_was_removed_leads_to_its_history(ours: Home) -> None:
    await ours.published(now=now())
    async with ours.database.transaction(ours.site_id) as db:
        await connections.remove(db, ours.site_id, ours.space_id, now())
    document = await seen(ours, "/pages/posture", Right.VIEWER)
    said = of_class(document, "message")
    assert "no longer connected" in text(said[0])
    assert said[0].xpath(".//a/@data-query") == ["view=history"]


async def test_before_the_first_sync_there_is_one_thing_to_do(ours: Home) -> None:
    document = await seen(ours, "/pages/posture", Right.EDITOR)
    assert [item.get("id") for item in holding(document, "data-action")] == ["first-sync"]


async def test_the_tab_counts_the_whole_space_and_shows_the_worst_first(ours: Home) -> None:
    await publish_three(ours)
    document = await seen(ours, "/pages/posture")
    counts = {item.get("data-verdict"): item.get("data-count") for item in totals(document)}
    assert counts == {
        "threat": "1",
        "drift": "1",
        "unknown": "0",
        "not_comparable": "0",
        "aligned": "1",
    }
    assert names(document) == ["Orders", "<script>alert(1)</script>", "Stock"]


def totals(document: html.HtmlElement) -> list[html.HtmlElement]:
    return of_class(document, "total")


async def test_each_total_leads_to_its_filter(ours: Home) -> None:
    await publish_three(ours)
    document = await seen(ours, "/pages/posture")
    for total in totals(document):
        found = await seen(ours, f"{FRAGMENT}/posture?{total.get('data-query')}")
        assert len(names(found)) == int(total.get("data-count"))


async def test_names_from_upstream_are_text_and_nothing_else(ours: Home) -> None:
    await publish_three(ours)
    document = await seen(ours, f"{FRAGMENT}/posture?search=script")
    assert names(document) == ["<script>alert(1)</script>"]
    assert not document.xpath(".//script")


async def test_the_three_absences_are_three_texts(ours: Home) -> None:
    nothing = Cell(CellState.DEPLOYED, policies=0, tiers=(), contracts=0)
    unread = Cell(CellState.UNREADABLE, reason="It answered 403.")
    first = make_posture("g/a", cells={PRODUCTION.id: nothing, TEST.id: unread})
    second = make_posture("g/b", cells={PRODUCTION.id: nothing})
    await ours.published(rows=rows_of(first, second), now=now())
    document = await seen(ours, "/pages/posture")
    cells = [text(item) for item in document.xpath(".//td[starts-with(@data-label, 'Test')]")]
    assert cells == ["could not readIt answered 403.", "NOT DEPLOYED"]
    assert "Policies: none Tiers: none Contracts: none" in text(document)


async def test_only_addresses_of_a_control_plane_become_links(ours: Home) -> None:
    good, bad = "https://anypoint.mulesoft.com/apimanager/#/1", "javascript:alert(1)"
    instances = tuple(
        InstanceSummary(number, None, "v1", "1.0.4", "active", "mule4", url)
        for number, url in enumerate((good, bad), 1)
    )
    cell = Cell(CellState.DEPLOYED, policies=2, instances=instances)
    await ours.published(rows=rows_of(make_posture("g/a", cells={TEST.id: cell})), now=now())
    document = await seen(ours, "/pages/posture")
    links = document.xpath(".//td//a")
    assert [link.get("href") for link in links] == [good]
    assert links[0].get("rel") == "noopener noreferrer"


async def test_a_viewer_sees_no_control_that_would_be_refused(ours: Home) -> None:
    await publish_three(ours)
    document = await seen(ours, "/pages/posture", Right.VIEWER)
    controls = holding(document, "data-action", "data-open", "data-snapshot")
    assert {item.get("data-action") for item in controls} == {"export"}


async def test_the_environment_filter_picks_columns(ours: Home) -> None:
    await publish_three(ours)
    document = await seen(ours, f"{FRAGMENT}/posture?environment={TEST.id}")
    assert [text(item) for item in document.xpath(".//thead//th")][3:] == ["Test (sandbox)"]


async def test_no_match_lists_the_filters_and_clears_them(ours: Home) -> None:
    await publish_three(ours)
    document = await seen(ours, f"{FRAGMENT}/posture?search=nowhere&sort=name")
    assert "No API matches these filters" in text(document)
    assert [text(item) for item in of_class(document, "tag")] == ["“nowhere”"]
    assert document.get_element_by_id("clear-all").get("data-query") == "sort=name"


async def test_an_old_link_to_a_page_that_is_gone_shows_the_last_one(ours: Home) -> None:
    await publish_three(ours)
    document = await seen(ours, f"{FRAGMENT}/posture?size=25&page=9")
    assert len(names(document)) == 3


async def test_a_failed_environment_is_named_with_its_reason(ours: Home) -> None:
    await ours.published(rows=rows_of(make_posture()), failed=[TEST], now=now())
    said = [text(item) for item in of_class(await seen(ours, "/pages/posture"), "message")]
    assert said == ["Test could not be read It answered 403. The next sync tries again."]


async def test_a_running_sync_shows_how_far_it_is_until_it_ends(ours: Home) -> None:
    sync_id, _ = await ours.begun()
    document = await seen(ours, f"{FRAGMENT}/progress")
    assert holding(document, "data-sync")[0].get("data-sync") == sync_id
    async with ours.database.transaction(ours.site_id) as db:
        await asking.cancel_all(db, ours.site_id, SPACE, "Cancelled.")
    assert not holding(await seen(ours, f"{FRAGMENT}/progress"), "data-sync")


async def test_the_settings_never_hold_the_secret(ours: Home) -> None:
    document = await seen(ours, "/pages/settings")
    assert document.get_element_by_id("client_id").get("value") == "client"
    assert document.get_element_by_id("client_secret").get("value") is None
    assert b"s3cret" not in html.tostring(document)


async def test_the_settings_say_when_the_key_of_the_secret_is_missing(ours: Home) -> None:
    async with looking_at(ours, keyring=Keyring({"other": b"o" * 32})) as client:
        answer = await client.get("/pages/settings")
    locked, opened = html.fromstring(answer.text), await seen(ours, "/pages/settings")
    assert "The stored client secret cannot be read" in text(locked)
    assert "cannot be read" not in text(opened)
    assert "Open API Security Posture" in text(opened.find_class("messages")[0])
    assert "Open API Security Posture" not in text(locked.find_class("messages")[0])


async def test_the_settings_say_what_is_kept_and_what_remains(ours: Home) -> None:
    document = await seen(ours, "/pages/settings")
    kept = text(document.get_element_by_id("kept"))
    assert "History is kept for 400 days" in kept
    assert "deleted 30 days later" in kept


async def test_the_settings_are_for_admins(ours: Home) -> None:
    async with looking_at(ours, Right.EDITOR) as client:
        page = await client.get("/pages/settings")
        fragment = await client.get(f"{FRAGMENT}/settings")
    assert (page.status_code, fragment.status_code) == (403, 403)


def test_an_error_page_tells_of_a_missing_key_and_whom_to_ask() -> None:
    page = error_page("https://p.example", "https://h.example/all.js", StaticTree.read())
    said = text(html.fromstring(page(Fault(503, "cannot_decrypt", "No.", "request-1"))))
    assert "A stored secret cannot be read" in said
    assert "ask whoever runs Plumbline" in said


def test_an_error_page_says_the_next_step_and_the_request() -> None:
    page = error_page("https://p.example/base", "https://h.example/all.js", StaticTree.read())
    document = html.fromstring(page(Fault(403, "not_permitted", "No.", "request-1")))
    assert "Only an administrator of this space" in text(document)
    assert "Request request-1" in text(document)
    assert all(path.startswith("/base/static/") for path in document.xpath("//link/@href"))
    assert document.xpath("//*[@data-reload]") == []


@pytest.mark.parametrize("route", ["/macros/api/editor", "/forge/macros/trend/editor"])
def test_a_macros_editor_tells_who_may_open_it_and_not_who_may_open_the_settings(
    route: str,
) -> None:
    page = error_page("https://p.example", "https://h.example/all.js", StaticTree.read())
    said = text(html.fromstring(page(Fault(403, "not_permitted", "No.", "request-1"), route)))
    assert "may create pages in this space" in said
    assert "settings" not in said


def test_an_error_page_names_what_is_away() -> None:
    page = error_page("https://p.example", "https://h.example/all.js", StaticTree.read())
    said = text(html.fromstring(page(Fault(503, "unavailable", "The database is away.", "r"))))
    assert "The database is away." in said


async def test_scopes_are_listed_without_a_mark_that_says_they_are_there(ours: Home) -> None:
    for path in ("/pages/settings", "/pages/start"):
        document = await seen(ours, path)
        needed = document.xpath("//*[@class='needed']")
        assert len(needed) == 1
        assert needed[0].xpath(".//*[contains(@class, 'icon-check')]") == []


def test_an_error_page_offers_to_try_again_what_may_work_later() -> None:
    page = error_page("https://p.example", "https://h.example/all.js", StaticTree.read())
    document = html.fromstring(page(Fault(503, "unavailable", "No.", "request-1")))
    assert [text(button) for button in document.xpath("//*[@data-reload]")] == ["Try again"]


@pytest.mark.parametrize(("route", "said"), [("drilldown", ["Close"]), ("posture", [])])
def test_an_error_page_in_a_dialog_can_be_closed(route: str, said: list[str]) -> None:
    page = error_page("https://p.example", "https://h.example/all.js", StaticTree.read())
    document = html.fromstring(
        page(Fault(503, "unavailable", "No.", "request-1"), f"/pages/{route}")
    )
    assert [text(button) for button in document.xpath("//*[@data-close]")] == said


async def test_a_stranger_gets_what_does_not_exist(ours: Home) -> None:
    async with looking_at(ours, Right.NONE) as client:
        answers = [await client.get("/pages/posture"), await client.get(f"{FRAGMENT}/posture")]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_pages_have_no_inline_script_or_style(ours: Home) -> None:
    await publish_three(ours)
    for path in ("/pages/posture", "/pages/settings", "/pages/start"):
        document = await seen(ours, path)
        assert all(item.get("src") for item in document.xpath(".//script"))
        assert not document.xpath(".//style | .//*[@style] | .//*[@onclick]")
