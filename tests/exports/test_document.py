"""The HTML export, compared with whole documents; `PLUMBLINE_WRITE_DATA=1` writes them anew."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html

from app.exports import document, style
from app.exports.evidence import Evidence, Population
from tests.exports.builders import (
    ACCEPTED,
    NOW,
    PRODUCTION,
    TEST,
    Api,
    Found,
    make_cell,
    make_evidence,
    make_instance,
)

DATA = Path(__file__).parents[1] / "data"
VERDICTS = {"threat": 1, "drift": 0, "unknown": 1, "not_comparable": 0, "aligned": 2}


def whole(evidence: Evidence, apis: Sequence[Api], found: Sequence[Found]) -> str:
    return "".join(
        (
            document.head(evidence),
            document.totals(sum(VERDICTS.values()), VERDICTS),
            document.api_table(evidence),
            document.apis(apis, evidence),
            document.end_of_apis(evidence),
            document.finding_table(evidence),
            document.findings(found, evidence),
            document.end_of_findings(evidence),
        )
    )


THREAT = Api(
    verdict="threat",
    headline="JWT validation: Production uses other keys than Test",
    counts={"critical": 0, "high": 1, "medium": 0, "low": 2, "info": 0},
    accepted=1,
    cells={
        "t": make_cell(switched_off=1, automated=2, contracts=1),
        "p": make_cell(
            is_outlier=True, tiers=[], instances=[make_instance(), make_instance(label=None)]
        ),
    },
)
UNKNOWN = Api(
    name="Ledger API",
    group_id=None,
    asset_id=None,
    verdict="unknown",
    headline="Contracts of Test could not be read",
    cells={
        "t": make_cell(state="unreadable", reason="It answered 403.", contracts=None, tiers=None),
        "p": make_cell(state="not_deployed", instances=[], is_outlier=True),
    },
    coverage={"not_read": [{}], "hidden_values": 0, "sentence": "7 of 8 parts read"},
)
EVIL = '<script>alert("1")</script>&\u202e\u0001' + "x" * 200
HOSTILE = Api(
    name=EVIL,
    group_id=EVIL,
    asset_id=EVIL,
    headline=EVIL,
    cells={
        "t": make_cell(tiers=[EVIL], instances=[make_instance(label=EVIL, status=EVIL)]),
        "p": make_cell(state="unreadable", reason=EVIL, instances=[]),
    },
    coverage={"not_read": [{}], "hidden_values": 0, "sentence": EVIL},
)


def test_a_document_of_every_kind_of_row():
    evidence = make_evidence(
        filters="verdict=threat&verdict=unknown",
        told_filters=("Verdict: THREAT", "Verdict: UNKNOWN"),
        population=Population(2, 4, 3, 1),
        environments=(replace(TEST, outcome="partial", reason="It answered 403."), PRODUCTION),
    )
    found = [
        Found(),
        Found(
            name=None,
            group_id=None,
            asset_id=None,
            owasp="",
            subject=None,
            paths=(),
            kind="automated_policy_missing",
            values={"t": {"b": [1], "a": "masked"}, "p": None},
            unconfirmed=True,
        ),
        Found(group_id=None, asset_id=None, severity="low", accepted=ACCEPTED),
    ]
    compare(whole(evidence, [THREAT, UNKNOWN], found), "posture.html")


def test_a_document_of_nothing():
    evidence = make_evidence(
        sync_id=None,
        sync_finished_at=None,
        environments=(),
        organization_id=None,
        organization_name=None,
        control_plane=None,
        population=Population(0, 0, 0, 0),
        row_count=0,
    )
    compare(whole(evidence, [], []), "nothing.html")


def compare(made: str, name: str) -> None:
    """Compare with the kept document; the style sheet has its own file and its own hash."""
    plain = made.replace(style.STYLE, "…").replace(style.POLICY.replace("'", "&#x27;"), "…")
    if os.environ.get("PLUMBLINE_WRITE_DATA"):
        (DATA / name).write_text(plain)
    assert plain == (DATA / name).read_text()


def test_hostile_text_is_text_and_nothing_else():
    evidence = make_evidence(
        space_name=EVIL,
        environments=(replace(TEST, name=EVIL, type=EVIL, reason=EVIL), PRODUCTION),
    )
    found = Found(
        name=EVIL,
        group_id=EVIL,
        asset_id=EVIL,
        rule=EVIL,
        subject=EVIL,
        paths=(EVIL,),
        sentence=EVIL,
        values={"t": EVIL, "p": [EVIL]},
    )
    page = html.document_fromstring(whole(evidence, [HOSTILE], [found]))
    names = {element.tag for element in page.iter() if isinstance(element.tag, str)}
    assert names <= ALLOWED
    attributes = {name for element in page.iter() for name in element.attrib}
    assert attributes <= {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "scope",
        "aria-hidden",
    }
    assert page.findtext(".//tbody/tr/th").startswith("<script>alert(")


ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "dl", "dt", "dd"),
    *("ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("span", "small", "strong", "br", "bdi"),
}


def test_the_policy_allows_the_style_sheet_that_is_there_and_nothing_else():
    page = html.document_fromstring(document.head(make_evidence()))
    assert page.findtext(".//style") == style.STYLE
    policy = page.xpath("//meta[@http-equiv]/@content")[0]
    assert policy == style.POLICY
    assert "unsafe" not in policy
    assert "http" not in style.STYLE


@pytest.mark.parametrize("count", [2, 5, 6])
def test_many_environments_are_set_smaller(count: int):
    places = tuple(replace(TEST, id=str(number)) for number in range(count))
    made = document.api_table(make_evidence(environments=places))
    assert ('class="many"' in made) == (count > document.MANY_COLUMNS)


def test_an_environment_without_a_cell_is_not_deployed():
    made = document.api(Api(cells={}), (TEST,))
    assert "NOT DEPLOYED" in made


def test_numbers_that_could_not_be_read_are_no_numbers():
    cell = make_cell(state="unreadable", reason=None, policies=None, tiers=None, contracts=None)
    made = document.api(Api(cells={"t": cell}), (TEST,))
    assert "policies: could not read" in made
    assert "SLA tiers: could not read" in made
    assert "approved contracts: could not read" in made


def test_times_are_told_in_utc():
    assert document.utc(NOW) == "2026-11-25 14:03:07 UTC"


def words_of(markup: str) -> str:
    """Return what a reader sees, a blank between two elements."""
    return " ".join(" ".join(html.fromstring(f"<table>{markup}</table>").itertext()).split())


@pytest.mark.parametrize(
    ("name", "key", "title"), [("Orders", "ORD", "Orders"), ("", "ORD", "ORD"), ("", "", "65538")]
)
def test_a_space_is_titled_by_its_name_or_key_or_id(name: str, key: str, title: str):
    page = html.document_fromstring(document.head(make_evidence(space_name=name, space_key=key)))
    assert page.findtext(".//h1") == f"API Security Posture: {title}"


def test_an_environment_that_was_never_read_says_so():
    unread = replace(TEST, outcome="failed", reason="It answered 403.", read_at=None)
    told = document.head(make_evidence(environments=(unread,)))
    assert "<dd>never (sandbox, failed: It answered 403.)</dd>" in told


def test_hidden_values_alone_are_told_with_the_coverage():
    coverage = {"not_read": [], "hidden_values": 2, "sentence": "8 of 8 parts read, 2 hidden"}
    assert "8 of 8 parts read, 2 hidden" in document.api(Api(coverage=coverage), (TEST,))
    assert "8 of 8 parts read" not in document.api(Api(), (TEST,))


@pytest.mark.parametrize(("is_outlier", "kind"), [(True, "differs"), (False, "empty")])
def test_where_an_api_is_not_deployed_it_is_marked_only_if_it_differs(is_outlier: bool, kind: str):
    cell = make_cell(state="not_deployed", instances=[], is_outlier=is_outlier)
    made = document.api(Api(cells={"t": cell}), (TEST,))
    assert f'<td class="{kind}">NOT DEPLOYED</td>' in made


def test_of_an_environment_whose_apis_were_not_read_no_number_is_told():
    cell = make_cell(
        state="unreadable", reason="It answered 403.", instances=[], policies=None, tiers=None,
        contracts=None,
    )  # fmt: skip
    made = words_of(document.api(Api(cells={"t": cell}), (TEST,)))
    assert made.endswith("could not read It answered 403.")


def test_what_was_read_of_a_part_that_was_not_is_told():
    cell = make_cell(state="unreadable", reason="It answered 403.", policies=None)
    made = words_of(document.api(Api(cells={"t": cell}), (TEST,)))
    assert made.endswith("policies: could not read SLA tiers: Gold, Silver 12 approved contracts")


def test_a_deployed_api_without_an_instance_keeps_its_numbers():
    made = words_of(document.api(Api(cells={"t": make_cell(instances=[])}), (TEST,)))
    assert made.endswith("3 policies SLA tiers: Gold, Silver 12 approved contracts")


def test_a_finding_has_no_value_where_it_says_nothing():
    made = document.finding(Found(values={"p": "x"}), (TEST, PRODUCTION))
    assert "<li><bdi>Production</bdi> (differs): <bdi>x</bdi></li>" in made
    assert "Test" not in made.partition("<td><ul>")[2]


@pytest.mark.parametrize(
    ("kind", "held", "said"),
    [
        ("policy_disabled", True, "switched off"),
        ("policy_disabled", False, "on"),
        ("policy_disabled", "unreadable", "could not read"),
        ("policy_missing", True, "present"),
        ("policy_missing", None, "absent"),
        ("api_not_deployed", True, "present"),
        ("policy_config", True, "true"),
        ("policy_config", None, "not set"),
        ("policy_duplicate", True, "present"),
        ("posture", True, "breaks the rule"),
        ("posture", False, "keeps the rule"),
        ("posture", None, "not judged"),
        ("tier_approval", True, "automatic"),
        ("tier_approval", False, "by hand"),
        ("policy_pointcut", [], "the whole API"),
        ("policy_pointcut", [{"method": "GET|PUT", "uri": "/a"}], "GET, PUT /a"),
        (
            "tier_limits",
            [{"maximumRequests": 9, "timePeriodInMilliseconds": 60_000}],
            "9 per minute",
        ),
        ("tier_limits", [], "no limit"),
        ("policy_order", ["cors", "jwt-validation"], "cors, jwt-validation"),
    ],
)
def test_a_bare_true_is_not_taken_for_its_opposite(kind: str, held: object, said: str):
    made = document.finding(Found(kind=kind, values={"t": held}), (TEST,))
    assert words_of(made).count(f"Test : {said}") == 1


def test_an_environment_that_breaks_a_rule_is_not_said_to_differ():
    made = document.finding(Found(kind="posture", values={"p": True}), (PRODUCTION,))
    assert "Production : breaks the rule" in words_of(made)


def test_an_empty_table_is_as_wide_as_its_columns():
    nothing = make_evidence(population=Population(0, 0, 0, 0))
    assert 'colspan="4"' in document.end_of_apis(nothing)
    assert 'colspan="5"' in document.end_of_findings(nothing)


def test_a_value_of_several_parts_is_told_in_its_own_letters():
    assert "é" in document.finding(Found(values={"p": ["é"]}), (PRODUCTION,))
