"""The tab's history: what changed, the trend, every sync, every snapshot, in each of its states."""

from datetime import UTC, datetime, timedelta

from lxml import html

from app.caller import Right
from app.posture.model import Acceptance, Severity
from app.store import asking
from tests.store.estate import SPACE, TEST, Home, make_finding, make_posture, rows_of
from tests.web.product import Product
from tests.web.test_macros import fragment, publish, taken

HISTORY = f"/fragments/spaces/{SPACE}"
DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC)


def text(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split())


async def published(home: Home, *fingerprints: str, ago: timedelta = DAY * 0) -> None:
    """Publish a sync in which one API has these findings."""
    found = [make_finding(one, sentence=f"Finding {one}.") for one in fingerprints]
    await home.published(rows=rows_of(make_posture("g/orders", *found)), now=now() - ago)


async def test_before_two_syncs_it_says_from_when_there_is_a_comparison(
    product: Product, ours: Home
) -> None:
    first = text(await fragment(product, "history"))
    assert "The first sync has not been published." in first
    assert "No sync has run yet." in first
    assert "No snapshot was taken yet." in first
    await published(ours, "a")
    assert "After the next one, this page says what changed." in text(
        await fragment(product, "history")
    )


async def test_what_is_new_resolved_and_unchanged_is_listed(product: Product, ours: Home) -> None:
    await published(ours, "a", "b", ago=DAY)
    await published(ours, "b", "c")
    page = await fragment(product, "history")
    counts = {
        one.get("data-change"): one.get("data-count") for one in page.xpath("//li[@data-change]")
    }
    assert counts == {"added": "1", "resolved": "1", "changed": "0", "unchanged": "1"}
    assert "Finding c." in text(page.xpath("//*[@data-list='added']")[0])
    assert "Finding a." in text(page.xpath("//*[@data-list='resolved']")[0])


async def test_a_changed_finding_shows_what_it_said_before(product: Product, ours: Home) -> None:
    for severity in (Severity.HIGH, Severity.LOW):
        finding = make_finding(severity=severity)
        await ours.published(rows=rows_of(make_posture("g/orders", finding)), now=now())
    (row,) = (await fragment(product, "history")).xpath("//*[@data-list='changed']//tbody/tr")
    assert "high: JWT validation differs." in text(row.xpath(".//del")[0])


async def test_a_finding_that_was_accepted_meanwhile_says_that_and_not_that_its_values_changed(
    product: Product, ours: Home
) -> None:
    until = datetime(2027, 1, 31, 12, tzinfo=UTC)
    for accepted in (None, Acceptance("f1", "v1", "planned", "5b10", until, "e1", "Soon.")):
        finding = make_finding(accepted=accepted)
        await ours.published(rows=rows_of(make_posture("g/orders", finding)), now=now())
    (row,) = (await fragment(product, "history")).xpath("//*[@data-list='changed']//tbody/tr")
    assert text(row.xpath(".//del")[0]) == "open"
    assert "accepted until 31 Jan 2027, 12:00 UTC" in text(row)
    lines = (await product.call("GET", "changes.csv")).text.splitlines()
    assert lines[1].endswith(",planned,2027-01-31T12:00:00Z,,")


async def test_since_last_week_takes_the_sync_of_that_day(product: Product, ours: Home) -> None:
    await published(ours, "a", ago=9 * DAY)
    await published(ours, "a", "b", ago=8 * DAY)
    await published(ours, "a", "c", ago=2 * DAY)
    await published(ours, "a", "d")
    page = await fragment(product, "history?from=week")
    assert "Sync #2" in page.xpath("//select[@name='from']/option[@selected]")[0].text
    assert "Finding b." in text(page.xpath("//*[@data-list='resolved']")[0])


async def test_two_snapshots_can_be_compared(product: Product, ours: Home) -> None:
    await published(ours, "a", ago=DAY)
    before = await taken(product, title="Before")
    await published(ours, "b")
    after = await taken(product, title="After")
    page = await fragment(product, f"history?from={before['id']}&to={after['id']}")
    assert "Finding b." in text(page.xpath("//*[@data-list='added']")[0])
    chosen = [one.text for one in page.xpath("//option[@selected]")]
    assert "Before" in chosen[0]
    assert "After" in chosen[1]


async def test_a_snapshot_that_was_only_sorted_is_not_said_to_be_filtered(
    product: Product, ours: Home
) -> None:
    await published(ours, "a")
    await taken(product, filter={"sort": "name"})
    await taken(product, filter={"verdict": ["threat"]})
    rows = (await fragment(product, "history")).xpath("//*[@id='snapshot-list']//tbody/tr/td[1]")
    assert [text(row) for row in rows] == ["1 API, filtered", "1 API"]


async def test_a_snapshot_of_one_api_is_taken_again_with_its_environments(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    (wanted,) = [api["id"] for api in (await product.get("posture?search=orders"))["apis"]]
    made = await taken(product, api_id=wanted, filter={"environment": [TEST.id]})
    page = await fragment(product, f"snapshots/{made['id']}")
    again = page.get_element_by_id("take-again").get("data-snapshot")
    assert again == f"api_id={wanted}&environment={TEST.id}"


async def test_a_point_of_the_trend_opens_its_sync(product: Product, ours: Home) -> None:
    await published(ours, "a", ago=2 * DAY)
    await published(ours, "a")
    page = await fragment(product, "history")
    links = page.xpath("//*[name()='svg']//*[name()='a']/@data-query")
    assert len(links) == 2
    sync_id = links[0].partition("sync=")[2]
    opened = await fragment(product, f"history?sync={sync_id}")
    assert opened.get_element_by_id("chosen-sync").get("data-sync-row") == sync_id


async def test_a_failed_environment_of_a_sync_is_named_with_its_reason(
    product: Product, ours: Home
) -> None:
    await ours.published(rows=rows_of(make_posture()), failed=[TEST], now=now())
    row = text((await fragment(product, "history")).get_element_by_id("sync-list"))
    assert "Test: could not read. It answered 403." in row
    assert "Schedule" in row


async def test_a_cancelled_sync_is_in_the_list(product: Product, ours: Home) -> None:
    await ours.begun()
    async with ours.database.transaction(ours.site_id) as db:
        await asking.cancel_all(db, ours.site_id, SPACE, "Cancelled by a person.")
    row = text((await fragment(product, "history")).get_element_by_id("sync-list"))
    assert "cancelled" in row
    assert "Cancelled by a person." in row


async def test_the_tab_says_what_changed_since_the_sync_before(
    product: Product, ours: Home
) -> None:
    await published(ours, "a", "b", ago=DAY)
    assert not (await fragment(product, "posture")).xpath("//*[@id='changes']")
    await published(ours, "b", "c", "d")
    (line,) = (await fragment(product, "posture")).xpath("//*[@id='changes']")
    assert line.text == "+2 new, −1 resolved, 1 unchanged"
    assert line.get("data-query") == "view=history"


async def test_the_small_trend_leads_to_the_history(product: Product, ours: Home) -> None:
    await published(ours, "a", ago=DAY)
    await published(ours)
    (link,) = (await fragment(product, "posture")).xpath("//*[@id='open-trend']")
    assert "from 1 on" in link.get("aria-label")
    assert link.get("data-query") == "view=history"


async def test_one_snapshot_opens_by_its_link_with_its_whole_hash(
    product: Product, ours: Home
) -> None:
    await publish(ours)
    made = await taken(product, title="Audit", filter={"verdict": ["threat"]})
    page = await fragment(product, f"snapshots/{made['id']}")
    assert made["sha256"] in text(page)
    assert page.get_element_by_id("take-again").get("data-snapshot") == "verdict=threat"
    product.may(Right.VIEWER)
    assert not (await fragment(product, f"snapshots/{made['id']}")).xpath(
        "//button[@data-snapshot]"
    )


async def test_theirs_cannot_be_opened_or_compared(
    product: Product, ours: Home, theirs: Home
) -> None:
    await publish(ours)
    await publish(theirs)
    made = await taken(product)
    product.issuer = "theirs"
    for path in (f"snapshots/{made['id']}", f"history?from={made['id']}", "history?sync=odd"):
        answer = await product.call("GET", f"{HISTORY}/{path}")
        assert answer.status_code == 404


async def test_long_lists_are_turned_like_pages(product: Product, ours: Home) -> None:
    for _ in range(21):
        await published(ours, "a")
    first = await fragment(product, "history")
    assert len(first.xpath("//*[@id='sync-list']/tbody/tr")) == 20
    (older,) = first.xpath("//*[@id='syncs']//p[@class='turn']/a/@data-query")
    query = older.partition("view=history&")[2]
    assert len((await fragment(product, f"history?{query}")).xpath("//tr[@data-sync-row]")) == 1
