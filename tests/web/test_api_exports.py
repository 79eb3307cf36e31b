"""The exports: the whole filtered result as a file, with its evidence, from one sync."""

import csv
import hashlib
import io
import re

import pytest
from sqlalchemy import text

from app.caller import Right
from app.posture.model import (
    Cell,
    CellState,
    Coverage,
    InstanceSummary,
    Kind,
    NotRead,
    Severity,
    Verdict,
)
from app.store.database import Database
from app.web import downloads, turns
from tests.store.estate import (
    PRODUCTION,
    SPACE,
    TEST,
    Home,
    make_finding,
    make_posture,
    rows_of,
)
from tests.web.product import Product


def instance(number: int, label: str = "orders-v1") -> InstanceSummary:
    return InstanceSummary(number, label, "v1", "1.0.4", "active", "mule4", "https://a/1")


DEPLOYED = Cell(
    CellState.DEPLOYED,
    policies=3,
    tiers=("Gold", "Silver"),
    contracts=12,
    instances=(instance(19300003),),
)


async def publish(ours: Home) -> int:
    """One threat, one drift that production lacks, one unknown, and one automated finding."""
    threat = make_posture(
        "g1/orders-api", make_finding("f1"), cells={TEST.id: DEPLOYED, PRODUCTION.id: DEPLOYED}
    )
    drift = make_posture(
        "g2/billing-api",
        make_finding("f2", severity=Severity.LOW, kind=Kind.TIER_LIMITS, subject="Gold"),
        verdict=Verdict.DRIFT,
        cells={
            TEST.id: Cell(CellState.DEPLOYED, policies=0, tiers=(), contracts=0),
            PRODUCTION.id: Cell(CellState.NOT_DEPLOYED, is_outlier=True),
        },
    )
    not_read = NotRead("contracts", TEST.id, "It answered 403.")
    unknown = make_posture(
        "g2/ledger-api",
        verdict=Verdict.UNKNOWN,
        coverage=Coverage(7, 8, (not_read,), 0, "7 of 8 parts read"),
        cells={
            TEST.id: Cell(CellState.UNREADABLE, policies=1, tiers=(), reason="It answered 403."),
            PRODUCTION.id: DEPLOYED,
        },
    )
    automated = make_finding("f3", kind=Kind.AUTOMATED_POLICY_MISSING, severity=Severity.MEDIUM)
    return await ours.published(
        rows=rows_of(
            threat, drift, unknown, automated=[automated], baseline_environment_id=PRODUCTION.id
        )
    )


async def table(product: Product, query: str = "") -> list[dict[str, str]]:
    answer = await product.call("GET", f"posture.csv{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def document(product: Product, query: str = "") -> str:
    answer = await product.call("GET", f"posture.html{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_row_per_api_and_environment_with_the_numbers_of_the_overview(
    product: Product, ours: Home
):
    await publish(ours)
    rows = await table(product)
    for api in (await product.get("posture"))["apis"]:
        mine = {row["environment_id"]: row for row in rows if row["api_id"] == api["id"]}
        assert list(mine) == [PRODUCTION.id, TEST.id]
        for environment, cell in api["environments"].items():
            row = mine[environment]
            assert row["state"] == cell["state"]
            for name in ("name", "group_id", "asset_id", "verdict", "headline"):
                assert row[name] == api[name]
            assert {name: int(row[name]) for name in api["findings"]} == api["findings"]
            for name in ("policies", "contracts"):
                assert row[name] == ("" if cell[name] is None else str(cell[name]))
            ids = [str(item["instance_id"]) for item in cell["instances"]]
            assert row["instance_ids"] == "; ".join(ids)


async def test_none_not_deployed_and_could_not_read_are_three_texts(product: Product, ours: Home):
    await publish(ours)
    told = {
        (row["asset_id"], row["environment"]): (row["state"], row["tiers"], row["not_read"])
        for row in await table(product)
    }
    assert told["billing-api", "Test"] == ("deployed", "none", "")
    assert told["billing-api", "Production"] == ("not_deployed", "", "")
    assert told["ledger-api", "Test"] == ("unreadable", "none", "It answered 403.")


async def test_the_evidence_stands_in_every_row(product: Product, ours: Home):
    await publish(ours)
    sync = (await product.get("posture"))["sync"]
    rows = await table(product, "?verdict=threat&verdict=unknown&environment=env-test")
    assert len(rows) == 2
    for row in rows:
        assert row["site"] == "https://ours.atlassian.net/wiki"
        assert (row["space_id"], row["space_key"], row["space_name"]) == (SPACE, "ORD", "Orders")
        assert (row["control_plane"], row["organization_id"]) == ("us", "not recorded")
        assert row["sync_id"] == sync["id"]
        assert row["environments_read_at"] == (
            "Production: 2026-03-01T12:00:00Z; Test: 2026-03-01T12:00:00Z"
        )
        assert row["baseline"] == "Production"
        assert row["filters"] == "environment=env-test&verdict=threat&verdict=unknown"
        assert row["taken_by"] == "5b10a2844c20165700ede21g"
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["taken_at"])
        assert row["population"] == "2 of 3 APIs, 1 of 2 environments, 1 read error"
        assert row["row_count"] == "2"


async def test_the_hash_is_over_the_rows_digests_in_order(
    product: Product, ours: Home, database: Database
):
    await publish(ours)
    async with database.transaction(ours.site_id) as db:
        found = await db.execute(text("SELECT asset_id, digest FROM posture_rows"))
        digests = {row.asset_id: bytes(row.digest) for row in found}
    for query in ("", "?sort=-name"):
        rows = await table(product, query)
        order = dict.fromkeys(row["asset_id"] for row in rows)
        expected = hashlib.sha256(b"".join(digests[name] for name in order)).hexdigest()
        assert {row["sha256"] for row in rows} == {expected}
    assert expected in await document(product, "?sort=-name")


async def test_a_row_per_finding_with_the_findings_of_the_api(product: Product, ours: Home):
    await publish(ours)
    rows = await table(product, "?rows=findings")
    listed = (await product.get("findings"))["findings"]
    assert [row["fingerprint"] for row in rows] == [item["fingerprint"] for item in listed]
    for row, item in zip(rows, listed, strict=True):
        for name in ("severity", "kind", "rule", "subject", "path", "sentence"):
            assert row[name] == item[name]
        assert row["api_id"] == (item["api_id"] or "")
        assert row["outliers"] == "Production"
        assert row["row_count"] == "3"


async def test_an_export_is_the_whole_whatever_page_the_tab_shows(product: Product, ours: Home):
    await publish(ours)
    assert len(await table(product, "?page=2&size=1")) == 6
    whole = await document(product, "?page=2&size=1")
    assert whole.count('<th scope="row">') == 3 + 3


async def test_filters_choose_the_same_as_in_the_overview(product: Product, ours: Home):
    await publish(ours)
    for query in ("search=ORDERS", "group=g2", "kind=tier_limits", "severity=high", "search=%25"):
        listed = [api["id"] for api in (await product.get(f"posture?{query}"))["apis"]]
        rows = await table(product, f"?{query}")
        assert list(dict.fromkeys(row["api_id"] for row in rows)) == listed, query


async def test_nothing_to_export_is_a_file_with_a_header(product: Product, ours: Home):
    for before in (True, False):
        for query in ("", "?rows=findings"):
            answer = await product.call("GET", f"posture.csv{query}" if before else NO_MATCH)
            assert answer.text.count("\r\n") == 1
            assert answer.text.startswith(("name,", "severity,"))
        query, said = ("", "is known") if before else ("?search=nowhere", "matches these filters")
        assert f"No API {said}." in await document(product, query)
        await publish(ours)


NO_MATCH = "posture.csv?search=nowhere"


async def test_before_the_first_sync_a_document_says_so(product: Product, ours: Home):
    shown = await document(product)
    assert "none was published yet" in shown
    assert "0 of 0 APIs, 0 of 0 environments, 0 read errors" in shown


async def test_files_are_named_by_space_day_and_filter(product: Product, ours: Home):
    await publish(ours)
    name = re.compile(r'attachment; filename="([A-Za-z0-9._-]+)"')
    for path, ends in (
        ("posture.csv", "_all.csv"),
        ("posture.csv?rows=findings&verdict=threat", "_threat.csv"),
        ("posture.html?search=%22%3B%0d%0a".replace("%0d%0a", "x"), "_x.html"),
        ("posture.html?environment=env-test&severity=high", "_test-high.html"),
    ):
        answer = await product.call("GET", path)
        found = name.fullmatch(answer.headers["content-disposition"])
        assert found, answer.headers["content-disposition"]
        assert "_ORD_20" in found[1]
        assert found[1].endswith(ends)


async def test_a_document_is_inert_and_brings_its_own_policy(product: Product, ours: Home):
    evil = "<script>alert(1)</script>\"'&\u202e" + "x" * 200
    cells = {TEST.id: Cell(CellState.DEPLOYED, instances=(instance(1, evil),), tiers=(evil,))}
    finding = make_finding("f1", sentence=evil, subject=evil, values={TEST.id: {"a": evil}})
    await ours.published(
        rows=rows_of(make_posture(f"g/{evil}", finding, name=evil, headline=evil, cells=cells))
    )
    answer = await product.call("GET", "posture.html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("frame-ancestors 'none'")
    lowered = answer.text.lower()
    for forbidden in ("<script", "<a ", "<img", "<link", " src=", " href=", "url(", "@import"):
        assert forbidden not in lowered, forbidden
    assert lowered.count("<style>") == 1
    assert " style=" not in lowered
    assert answer.text.count("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;") >= 6


ODD = ["rows=all", "rows=apis&rows=apis", "verdict=bad", "size=501", "page=0", "order=name"]


@pytest.mark.parametrize("query", ODD)
async def test_odd_parameters_are_refused(product: Product, ours: Home, query: str):
    answer = await product.call("GET", f"posture.csv?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"]


async def test_documents_have_no_rows_parameter(product: Product, ours: Home):
    assert (await product.call("GET", "posture.html?rows=apis")).status_code == 422


async def test_theirs_gets_nothing_of_ours(product: Product, ours: Home, theirs: Home):
    await publish(ours)
    product.issuer = "theirs"
    assert await table(product) == []
    assert "Orders Api" not in await document(product)


async def test_who_may_not_see_the_space_is_told_that_nothing_is_there(
    product: Product, ours: Home
):
    await publish(ours)
    product.may(Right.NONE)
    for path in ("posture.csv", "posture.html"):
        answer = await product.call("GET", path)
        assert answer.status_code == 404
        assert "content-disposition" not in answer.headers


async def test_too_many_exports_of_a_site_wait_for_their_turn(product: Product, ours: Home):
    with product.services.downloads.taken(ours.site_id):
        assert (await product.call("GET", "posture.csv")).status_code == 200
        with product.services.downloads.taken(ours.site_id):
            answer = await product.call("GET", "posture.csv")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == downloads.RETRY_SECONDS
    assert (await product.call("GET", "posture.csv")).status_code == 200
    assert await taken_by_the_log(product) == 2


async def taken_by_the_log(product: Product) -> int:
    """Return how many exports the audit log says were taken."""
    listed = (await product.get("audit?size=100"))["audit"]
    return sum(entry["action"] == "export_taken" for entry in listed)


@pytest.mark.parametrize("path", ["posture.csv", "changes.csv", "audit.csv"])
async def test_who_exports_without_end_waits_and_does_not_fill_the_audit_log(
    product: Product, ours: Home, monkeypatch: pytest.MonkeyPatch, path: str
):
    monkeypatch.setattr(turns, "BURST", 2)
    object.__setattr__(product.services, "turns", turns.Turns(clock=lambda: 0.0))
    answers = [await product.call("GET", path) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert await taken_by_the_log(product) == 2


async def test_a_removed_connection_leaves_the_evidence_of_what_was_read(
    product: Product, ours: Home
):
    await publish(ours)
    assert (await product.call("DELETE", "connection")).status_code == 204
    assert {row["control_plane"] for row in await table(product)} == {"us"}


async def test_one_api_is_exported_alone_with_the_baseline_first(product: Product, ours: Home):
    await publish(ours)
    api = (await product.get("posture?search=orders"))["apis"][0]
    answer = await product.call("GET", f"posture.csv?api_id={api['id']}")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert {line["api_id"] for line in lines} == {api["id"]}
    assert [line["environment"] for line in lines] == [PRODUCTION.name, TEST.name]
    found = await product.call("GET", f"posture.csv?rows=findings&api_id={api['id']}")
    assert [row["fingerprint"] for row in csv.DictReader(io.StringIO(found.text))] == ["f1"]
    document = await product.call("GET", f"posture.html?api_id={api['id']}")
    assert (document.status_code, "billing" in document.text) == (200, False)
