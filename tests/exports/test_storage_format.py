"""Macros in storage format: parsed as XML, escaped, and saying what the page says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from app.exports import storage_format
from app.exports.evidence import ReadEnvironment
from app.exports.storage_format import Display, Head
from app.exports.storage_markup import link, text
from app.posture.model import (
    CellState,
    FieldRow,
    Matrix,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    SectionName,
)
from tests.exports.builders import ACCEPTED

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = (
    'Orders"><script>alert(1)</script><ac:structured-macro ac:name="html"/>&nbsp;\x00\x1b\u202e'
)
ALLOWED = {
    *("h3", "h4", "p", "br", "strong", "ul", "li", "a"),
    *("table", "tbody", "tr", "th", "td"),
}
TEST = ReadEnvironment("t", "Test", "sandbox", "ok", None, NOW, is_baseline=False)
PRODUCTION = ReadEnvironment("p", "Production", "production", "ok", None, NOW, is_baseline=True)
ENVIRONMENTS = (PRODUCTION, TEST)
HEAD = Head("Posture", (("Mode", "Frozen snapshot"), ("Note", "")))
SUMMARY = {"threat": 1, "drift": 0, "unknown": 0, "not_comparable": 0, "aligned": 2}


def make_cell(**changes: Any) -> dict[str, Any]:
    said = {
        "state": "deployed",
        "policies": 2,
        "switched_off": 0,
        "automated": 0,
        "tiers": ["Gold"],
        "contracts": 1,
        "is_outlier": False,
        "reason": None,
        "instances": [{"product_version": "v1"}],
    }
    return said | changes


@dataclass(frozen=True)
class Api:
    """A row of the overview."""

    name: str = "Orders"
    group_id: str | None = "g"
    asset_id: str | None = "orders"
    verdict: str = "threat"
    headline: str = "JWT validation differs."
    counts: dict[str, int] = field(
        default_factory=lambda: {"critical": 0, "high": 1, "medium": 0, "low": 2, "info": 0}
    )
    accepted: int = 0
    cells: dict[str, Any] = field(default_factory=lambda: {"t": make_cell(), "p": make_cell()})
    coverage: dict[str, Any] = field(
        default_factory=lambda: {"sentence": "8 of 8 parts read", "not_read": []}
    )


@dataclass(frozen=True)
class Finding:
    """A finding of high severity."""

    sentence: str = "JWT validation differs."
    severity: str = "high"
    rule: str = "D04"
    kind: str = "policy_config"
    owasp: str = "API2"
    name: str | None = "Orders"
    group_id: str | None = "g"
    asset_id: str | None = "orders"
    subject: str | None = "jwt"
    paths: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    outliers: tuple[str, ...] = ()
    fingerprint: str = "f"
    first_seen_at: datetime = NOW
    last_seen_at: datetime = NOW
    unconfirmed: bool = False
    accepted: dict[str, Any] | None = None


@dataclass(frozen=True)
class Day:
    """A day in numbers."""

    date: date
    verdicts: dict[str, int]
    severities: dict[str, int]


def make_matrix(*rows: MatrixRow, section: SectionName = SectionName.POLICIES) -> Matrix:
    columns = (
        MatrixColumn("p", "Production", is_baseline=True, state=CellState.DEPLOYED),
        MatrixColumn("t", "Test", False, CellState.UNREADABLE, reason="it answered 403"),
        MatrixColumn("d", "Dev", False, CellState.NOT_DEPLOYED, label="orders-v1"),
    )
    return Matrix(section, columns, rows)


def parsed(fragment: str) -> ElementTree.Element:
    """Read a fragment as Confluence does: as XML, in which our own few elements stand alone."""
    root = ElementTree.fromstring(f"<root>{fragment}</root>")
    assert {element.tag for element in root.iter()} - {"root"} <= ALLOWED
    return root


def words(fragment: str) -> str:
    return " ".join(" ".join(parsed(fragment).itertext()).split())


def table_of(fragment: str, number: int = 0) -> list[list[str]]:
    table = list(parsed(fragment).iter("table"))[number]
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]


def overview(*rows: Api, total: int | None = None) -> str:
    count = len(rows) if total is None else total
    return storage_format.overview(HEAD, rows, ENVIRONMENTS, total=count, summary=SUMMARY)


def one_api(display: Display, row: Api | None = None, findings: Any = (), matrices: Any = ()):
    return storage_format.one_api(HEAD, row or Api(), findings, ENVIRONMENTS, matrices, display)


def every_text_hostile() -> Iterator[str]:
    head = Head(HOSTILE, ((HOSTILE, HOSTILE),), (HOSTILE, f"https://a/?{HOSTILE}"))
    cell = make_cell(
        state="unreadable",
        reason=HOSTILE,
        tiers=[HOSTILE],
        instances=[{"product_version": HOSTILE}],
    )
    row = Api(HOSTILE, HOSTILE, HOSTILE, headline=HOSTILE, cells={"t": cell},
              coverage={"sentence": HOSTILE, "not_read": []})  # fmt: skip
    place = ReadEnvironment("t", HOSTILE, HOSTILE, "ok", HOSTILE, NOW, is_baseline=True)
    column = MatrixColumn("t", HOSTILE, True, CellState.UNREADABLE, None, HOSTILE, HOSTILE)
    known = MatrixCell({"version": HOSTILE, "state": HOSTILE}, HOSTILE, differs=True)
    settings = (FieldRow(HOSTILE, HOSTILE, (HOSTILE, {HOSTILE: HOSTILE}), differs=True),)
    subject = MatrixRow(HOSTILE, (None, known), differs=True, fields=settings)
    matrix = Matrix(SectionName.POLICIES, (column, column), (subject,))
    yield storage_format.overview(head, [row], [place], total=1, summary=SUMMARY)
    finding = Finding(HOSTILE, rule=HOSTILE)
    yield storage_format.one_api(head, row, [finding], [place], [matrix], Display.FULL)
    yield storage_format.sentence(HOSTILE)


@pytest.mark.parametrize("number", range(3))
def test_hostile_text_stays_text_in_well_formed_markup(number):
    fragment = list(every_text_hostile())[number]
    assert "alert(1)" in words(fragment)
    assert not set("\x00\x1b\u202e") & set(fragment)
    assert "<script" not in fragment
    assert "<ac:" not in fragment


def test_letters_of_the_world_stay_and_what_xml_cannot_hold_goes():
    assert text("Bestellungen 注文 😀 é\tb\nc") == "Bestellungen 注文 😀 é\tb\nc"
    assert text("a\ud800b\uffffc\x85d\x7f") == "abcd"


def test_a_link_leads_to_https_or_nowhere():
    assert link("tab", "https://a/?b&c") == '<a href="https://a/?b&amp;c">tab</a>'
    assert link("tab", "javascript:alert(1)") == "tab"


def test_an_empty_line_of_the_head_is_left_out():
    assert words(overview()).startswith("Posture Mode : Frozen snapshot")
    assert "Note" not in words(overview())


def test_the_overview_has_a_column_per_environment_and_the_totals():
    fragment = overview(Api())
    assert table_of(fragment)[0] == ["API", "Verdict", "What stands out", "Production (baseline)", "Test"]  # fmt: skip
    row = table_of(fragment)[1]
    assert row[:3] == ["Ordersg/orders", "THREAT1 high, 2 low", "JWT validation differs."]
    assert row[3] == "v12 policiesSLA tiers: Gold1 approved contract"
    assert "THREAT: 1 · DRIFT: 0 · UNKNOWN: 0 · NOT COMPARABLE: 0 · ALIGNED: 2" in words(fragment)


def test_an_environment_that_the_filter_leaves_out_is_no_column():
    hidden = ReadEnvironment("t", "Test", "sandbox", "ok", None, NOW, False, is_shown=False)
    fragment = storage_format.overview(
        HEAD, [Api()], [PRODUCTION, hidden], total=1, summary=SUMMARY
    )
    assert len(table_of(fragment)[0]) == 4


def test_not_deployed_none_and_not_read_are_three_texts():
    cells = {
        "p": make_cell(state="not_deployed", policies=None, tiers=None, contracts=None),
        "t": make_cell(policies=0, tiers=[], contracts=0, instances=[]),
    }
    assert table_of(overview(Api(cells=cells)))[1][3:] == [
        "NOT DEPLOYED",
        "0 policiesSLA tiers: none0 approved contracts",
    ]
    unread = make_cell(
        state="unreadable", policies=None, tiers=None, contracts=None, reason="it answered 403"
    )
    assert table_of(overview(Api(cells={"t": unread})))[1][3:] == [
        "NOT DEPLOYED",
        "could not readit answered 403",
    ]


def test_what_was_not_read_of_a_deployed_api_and_what_is_off_is_said():
    cell = make_cell(tiers=None, contracts=None, switched_off=1, automated=2, is_outlier=True)
    assert table_of(overview(Api(cells={"p": cell})))[1][3] == (
        "v12 policies, 1 switched off, 2 automatedSLA tiers: could not read"
        "approved contracts: could not readdiffers"
    )


def test_many_rows_are_cut_with_their_count_and_none_says_so():
    fragment = overview(*[Api()] * 60)
    assert len(table_of(fragment)) == 51
    assert "The first 50 of 60 APIs." in words(fragment)
    assert "No API matches these filters." in words(overview())


def test_the_compact_form_is_the_verdict_with_its_coverage():
    fragment = one_api(Display.COMPACT, Api(asset_id=None, accepted=1))
    assert words(fragment).endswith(
        "▲ THREAT : JWT validation differs. 1 high, 2 low, 1 accepted Coverage: 8 of 8 parts read"
    )


def test_the_summary_has_the_environments_and_the_worst_findings():
    found = [Finding(sentence=f"Finding {n}.") for n in range(7)]
    fragment = one_api(Display.SUMMARY, findings=found)
    assert [row[0] for row in table_of(fragment)] == [
        "Environment",
        "Production (baseline)",
        "Test",
    ]
    assert len(list(parsed(fragment).iter("li"))) == 5
    assert "2 more in the space's posture tab." in words(fragment)
    assert "No finding is open." in words(one_api(Display.SUMMARY))


def test_an_accepted_finding_says_by_whom_why_and_until_when():
    said = words(one_api(Display.SUMMARY, findings=[Finding(accepted=ACCEPTED)]))
    until = "Accepted until 2026-12-31 00:00:00 UTC by account 5b10a284: planned."
    assert f"{until} Will be <aligned> in spring." in said


def test_a_finding_that_could_not_be_confirmed_says_when_it_was_seen_last():
    said = words(one_api(Display.SUMMARY, findings=[Finding(unconfirmed=True)]))
    assert "Last confirmed 2026-03-01 12:00:00 UTC." in said
    assert "Last confirmed" not in words(one_api(Display.SUMMARY, findings=[Finding()]))


def test_the_full_form_has_the_three_sections_and_every_finding():
    known = MatrixCell({"version": "1.3.0", "state": "switched off"}, "1000 per minute", True)
    settings = (
        FieldRow("jwksUrl", "JWKS URL", ("https://a", None, None), differs=True),
        FieldRow("ttl", "time to live", (60, 60, 60), differs=False),
    )
    policies = make_matrix(MatrixRow("jwt", (known, None, None), True, settings),
                           MatrixRow("cors", (MatrixCell(None), None, None), False))  # fmt: skip
    tier = MatrixCell({"approval": "automatic", "status": "ACTIVE"}, "10 per second")
    tiers = make_matrix(MatrixRow("Gold", (tier, None, None), False), section=SectionName.TIERS)
    contracts = make_matrix(section=SectionName.CONTRACTS)
    found = [Finding()] * 7
    fragment = one_api(Display.FULL, Api(), found, [policies, tiers, contracts])
    assert len(list(parsed(fragment).iter("li"))) == 7
    nothing = ["could not read: it answered 403", "NOT DEPLOYED"]
    assert table_of(fragment, 1) == [
        ["Policy", "Production (baseline)", "Test", "Dev orders-v1"],
        ["jwt", "1000 per minute · 1.3.0 · switched off differs", *nothing],
        ["jwt: JWKS URL", "https://a", *nothing],
        ["cors", "missing", *nothing],
    ]
    assert table_of(fragment, 2)[1] == ["Gold", "10 per second · automatic · ACTIVE", *nothing]
    assert table_of(fragment, 3)[1] == ["none", "none", *nothing]


def test_a_setting_of_a_policy_that_is_missing_is_not_said_to_be_unset():
    known = MatrixCell({"version": "1.3.0", "state": "on"}, "as it comes")
    setting = FieldRow("ttl", "time to live", (60, None, None), differs=True)
    columns = [MatrixColumn(name, name, False, CellState.DEPLOYED) for name in ("P", "T", "D")]
    row = MatrixRow("jwt", (known, MatrixCell(None), known), True, (setting,))
    matrix = Matrix(SectionName.POLICIES, tuple(columns), (row,))
    assert table_of(one_api(Display.FULL, matrices=[matrix]), 1)[2] == [
        *("jwt: time to live", "60", "missing", "not set")
    ]


def test_an_automated_policy_that_could_not_be_read_is_not_said_to_be_none():
    known = MatrixCell({"version": "1.3.0", "state": "on", "source": "automated"}, "as it comes")
    columns = [MatrixColumn(name, name, False, CellState.DEPLOYED) for name in ("P", "T", "D")]
    row = MatrixRow("cors (automated)", (known, None, None), False)
    matrix = Matrix(SectionName.POLICIES, tuple(columns), (row,))
    part = {"section": "automated", "environment_id": "T", "reason": "it answered 403"}
    api = Api(coverage={"sentence": "7 of 8 parts read", "not_read": [part]})
    assert table_of(one_api(Display.FULL, api, matrices=[matrix]), 1)[1] == [
        *("cors (automated)", "as it comes · 1.3.0 · on"),
        *("could not read: it answered 403", "none"),
    ]


def test_the_trend_is_a_table_in_which_days_without_a_sync_are_absent():
    severities = {"critical": 0, "high": 3, "medium": 1, "low": 0, "info": 9}
    fragment = storage_format.trend(HEAD, [Day(date(2026, 3, 1), SUMMARY, severities)])
    assert table_of(fragment) == [
        ["Day (UTC)", "critical", "high", "medium", "low", "info",
         "THREAT", "DRIFT", "UNKNOWN", "NOT COMPARABLE", "ALIGNED"],
        ["2026-03-01", "0", "3", "1", "0", "9", "1", "0", "0", "0", "2"],
    ]  # fmt: skip
    assert "left out" in words(fragment)
    assert "No sync was published" in words(storage_format.trend(HEAD, []))


def test_what_is_not_here_and_what_was_never_taken_are_sentences_of_their_own():
    for said in (storage_format.NOT_AVAILABLE, storage_format.NOTHING_CHOSEN):
        assert words(storage_format.sentence(said)) == said


def test_a_whole_list_is_not_said_to_be_cut():
    assert "The first" not in words(overview(Api(), Api()))
    assert "more in the space" not in words(one_api(Display.SUMMARY, findings=[Finding()] * 5))
    assert "1 more in the space" in words(one_api(Display.SUMMARY, findings=[Finding()] * 6))


def test_every_form_begins_with_its_head_and_a_link_to_more():
    head = Head("Posture", (("Mode", "Live"),), ("Open the tab", "https://a.example/tab"))
    day = Day(date(2026, 3, 1), SUMMARY, dict.fromkeys(("critical", "high", "medium", "low", "info"), 0))  # fmt: skip
    for fragment in (
        storage_format.overview(head, [], ENVIRONMENTS, total=0, summary=SUMMARY),
        *(storage_format.one_api(head, Api(), [], ENVIRONMENTS, [], d) for d in Display),
        storage_format.trend(head, []),
        storage_format.trend(head, [day]),
    ):
        assert words(fragment).startswith("Posture Mode : Live Open the tab")
        assert parsed(fragment).find(".//a").attrib == {"href": "https://a.example/tab"}


def test_one_api_tells_what_each_shown_environment_holds_and_not_the_others():
    hidden = ReadEnvironment("t", "Test", "sandbox", "ok", None, NOW, False, is_shown=False)
    fragment = storage_format.one_api(HEAD, Api(), [], [PRODUCTION, hidden], [], Display.SUMMARY)
    assert table_of(fragment) == [
        ["Environment", "What it holds"],
        ["Production (baseline)", "v12 policiesSLA tiers: Gold1 approved contract"],
    ]


def test_the_summary_leaves_the_sections_to_the_full_form():
    assert len(list(parsed(one_api(Display.SUMMARY, matrices=[make_matrix()])).iter("table"))) == 1
    full = one_api(Display.FULL, matrices=[make_matrix()])
    assert [title.text for title in parsed(full).iter("h4")] == ["Policies"]


def test_a_part_that_was_read_is_told_beside_one_that_was_not():
    cell = make_cell(state="unreadable", reason="it answered 403", contracts=None)
    assert table_of(overview(Api(cells={"p": cell})))[1][3] == (
        "could not readit answered 403v12 policiesSLA tiers: Goldapproved contracts: could not read"
    )


def test_a_deployed_api_whose_policies_were_not_counted_is_not_left_empty():
    cell = make_cell(policies=None, instances=[{"product_version": None}])
    assert table_of(overview(Api(cells={"p": cell})))[1][3] == (
        "policies: could not readSLA tiers: Gold1 approved contract"
    )


def test_an_api_without_a_finding_counts_none():
    none = dict.fromkeys(("critical", "high", "medium", "low", "info"), 0)
    row = Api(verdict="aligned", headline="Same everywhere.", counts=none)
    assert table_of(overview(row))[1][1] == "ALIGNED"
    assert "<br/><" not in storage_format.one_api(HEAD, row, [], [], [], Display.COMPACT)


def test_what_is_missing_where_others_have_it_is_said_to_differ():
    row = MatrixRow("cors", (MatrixCell(None, differs=True), None, None), True)
    fragment = one_api(Display.FULL, matrices=[make_matrix(row)])
    assert table_of(fragment, 1)[1][1] == "missing differs"


def test_a_cell_tells_only_what_is_known_of_it():
    known = MatrixCell({"version": None, "state": "on"}, "1000 per minute")
    fragment = one_api(Display.FULL, matrices=[make_matrix(MatrixRow("r", (known, None, None), False))])  # fmt: skip
    assert table_of(fragment, 1)[1][1] == "1000 per minute · on"


def test_a_hostile_text_of_a_link_that_leads_nowhere_is_text():
    assert link("<b>", "http://a/") == "&lt;b&gt;"
