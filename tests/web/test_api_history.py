"""Changes and trend over the JSON API, and what changed as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

from app.posture.model import Finding, Severity, Verdict
from app.store import asking
from tests.store.estate import SPACE, Home, make_finding, make_posture, rows_of
from tests.web.product import Product

NOW = datetime.now(UTC).replace(microsecond=0)
NOTHING = {"from": None, "to": None, "added": [], "resolved": [], "changed": [], "unchanged": 0}


async def publish(
    ours: Home, *found: Finding, now: datetime = NOW, verdict: Verdict = Verdict.THREAT
) -> str:
    """Publish one API with these findings beside one that never changes; return the sync's id."""
    steady = make_posture("g/steady", make_finding("steady"))
    rows = rows_of(make_posture("g/orders", *found, verdict=verdict), steady)
    sync_id, attempt = await ours.begun(now)
    await ours.read(sync_id, attempt, [], now=now)
    await ours.publish(sync_id, attempt, rows, now)
    return sync_id


def prints(found: list[dict[str, Any]]) -> list[str]:
    return [finding["fingerprint"] for finding in found]


async def test_without_two_syncs_there_is_nothing_to_compare(product: Product, ours: Home):
    assert await product.get("changes") == NOTHING
    only = await publish(ours, make_finding("a"))
    found = await product.get("changes")
    assert (found["from"], found["to"]["sync_id"]) == (None, only)
    assert (found["added"], found["unchanged"]) == ([], 0)


async def test_what_is_new_gone_and_different_since_the_sync_before(product: Product, ours: Home):
    first = await publish(ours, make_finding("a"), make_finding("b"), make_finding("c"))
    worse = make_finding("b", severity=Severity.CRITICAL, sentence="Worse.")
    second = await publish(ours, make_finding("a"), worse, make_finding("d"))
    found = await product.get("changes")
    assert (found["from"]["sync_id"], found["to"]["sync_id"]) == (first, second)
    assert found["from"]["snapshot_id"] is None
    assert (prints(found["added"]), prints(found["resolved"])) == (["d"], ["c"])
    pair = found["changed"][0]
    assert [pair[side]["severity"] for side in ("from", "to")] == ["high", "critical"]
    assert (len(found["changed"]), found["unchanged"]) == (1, 2)


async def test_any_two_syncs_are_compared_in_either_direction(product: Product, ours: Home):
    first = await publish(ours, make_finding("a"))
    await publish(ours)
    third = await publish(ours, make_finding("a"), make_finding("b"))
    found = await product.get(f"changes?from={first}&to={third}")
    assert (prints(found["added"]), found["resolved"], found["unchanged"]) == (["b"], [], 2)
    back = await product.get(f"changes?from={third}&to={first}")
    assert (back["added"], prints(back["resolved"]), back["unchanged"]) == ([], ["b"], 2)
    same = await product.get(f"changes?from={third}&to={third}")
    assert (same["added"], same["resolved"], same["changed"], same["unchanged"]) == ([], [], [], 3)


async def snapshot(product: Product, body: object = None) -> str:
    answer = await product.call("POST", "snapshots", body or {})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_snapshots_are_compared_with_each_other_and_with_syncs(product: Product, ours: Home):
    first = await publish(ours, make_finding("a"), make_finding("b"))
    before = await snapshot(product, {"title": "January"})
    await publish(ours, make_finding("a", sentence="Other."), make_finding("c"))
    after = await snapshot(product)
    for query in (f"from={before}&to={after}", f"from={before}", f"from={first}&to={after}"):
        found = await product.get(f"changes?{query}")
        assert (prints(found["added"]), prints(found["resolved"])) == (["c"], ["b"])
        assert (prints([pair["to"] for pair in found["changed"]]), found["unchanged"]) == (["a"], 1)
    found = await product.get(f"changes?from={before}")
    assert (found["from"]["snapshot_id"], found["from"]["title"]) == (before, "January")


async def test_a_sync_is_seen_through_the_filter_of_the_snapshot(product: Product, ours: Home):
    await publish(ours, make_finding("a"), make_finding("low", severity=Severity.LOW))
    severe = await snapshot(product, {"filter": {"severity": ["high"], "search": "orders"}})
    threats = await snapshot(product, {"filter": {"verdict": ["threat"], "search": "orders"}})
    low = make_finding("low", severity=Severity.LOW)
    await publish(ours, low, verdict=Verdict.DRIFT)
    found = await product.get(f"changes?from={severe}")
    assert (found["added"], prints(found["resolved"]), found["unchanged"]) == ([], ["a"], 0)
    # It is a threat no longer, and followed all the same: what is left of it is not resolved.
    found = await product.get(f"changes?from={threats}")
    assert (found["added"], prints(found["resolved"]), found["unchanged"]) == ([], ["a"], 1)


async def test_what_cannot_be_compared_is_said(product: Product, ours: Home, theirs: Home):
    foreign = await publish(theirs)
    await publish(ours)
    for wrong in (foreign, "00000000-0000-4000-8000-000000000000", "x"):
        assert (await product.call("GET", f"changes?from={wrong}")).status_code == 404
    async with ours.database.transaction(ours.site_id) as db:
        queued, _ = await asking.request(db, ours.site_id, SPACE, None, NOW)
    assert (await product.call("GET", f"changes?to={queued.id}")).status_code == 409
    assert (await product.call("GET", "changes?since=x")).status_code == 422


async def test_the_changes_are_exported_with_what_was_said_before(product: Product, ours: Home):
    first = await publish(ours, make_finding("a"), make_finding("b"))
    second = await publish(ours, make_finding("a", sentence="=Other."), make_finding("c"))
    answer = await product.call("GET", f"changes.csv?from={first}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="plumbline-changes_' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["change"], row["fingerprint"]) for row in rows] == [
        ("added", "c"), ("changed", "a"), ("resolved", "b"),
    ]  # fmt: skip
    assert (rows[1]["sentence"], rows[1]["sentence_before"]) == (
        "'=Other.",
        "JWT validation differs.",
    )
    assert (rows[2]["sentence"], rows[2]["severity_before"]) == ("", "high")
    assert {(row["from"], row["to"], row["unchanged"]) for row in rows} == {(first, second, "1")}


async def test_the_trend_counts_each_days_last_sync_and_leaves_gaps(product: Product, ours: Home):
    await publish(ours, make_finding("a"), now=NOW - timedelta(days=100))
    await publish(ours, make_finding("a"), now=NOW - timedelta(days=3))
    await publish(ours, now=NOW, verdict=Verdict.ALIGNED)
    last = await publish(
        ours, make_finding("a", severity=Severity.LOW), now=NOW, verdict=Verdict.DRIFT
    )
    days = (await product.get("trend"))["days"]
    assert [day["date"] for day in days] == [
        (NOW - timedelta(days=back)).date().isoformat() for back in (3, 0)
    ]
    assert days[0]["severities"] == {"critical": 0, "high": 2, "medium": 0, "low": 0, "info": 0}
    assert days[1]["verdicts"] == {
        "threat": 1, "drift": 1, "unknown": 0, "not_comparable": 0, "aligned": 0,
    }  # fmt: skip
    assert (days[1]["severities"]["low"], days[1]["sync_id"]) == (1, last)
    assert len((await product.get("trend?days=120"))["days"]) == 3
    assert len((await product.get("trend?days=1"))["days"]) == 1


async def test_a_trend_of_no_days_or_of_a_thousand_years_is_refused(product: Product, ours: Home):
    assert await product.get("trend") == {"days": []}
    for days in ("0", "-1", "400000", "x"):
        assert (await product.call("GET", f"trend?days={days}")).status_code == 422
