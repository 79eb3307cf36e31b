"""Assessing: from what was read of an API to its row, and what no row can hold."""

from collections.abc import Iterable

from app.posture import words
from app.posture.automated_rules import automated_findings
from app.posture.cells import cells_of
from app.posture.comparison import compare, remarks
from app.posture.coverage import coverage_of
from app.posture.findings import headline_rank, in_order, posture_findings, weighed
from app.posture.frame import Frame, frame_of
from app.posture.lanes import LinedUp, lined_up
from app.posture.model import (
    ApiPosture,
    ApiReading,
    Coverage,
    FactsBody,
    Finding,
    Kind,
    Note,
    Scope,
    Severity,
    Verdict,
)

THREATENING = frozenset({Severity.CRITICAL, Severity.HIGH})


def assess_api(scope: Scope, api: ApiReading) -> ApiPosture:
    """Return the row of an API, compared and assessed over what was read in this sync alone."""
    frame = frame_of(scope)
    lined = lined_up(frame, api)
    differences, notes = compare(frame, api, lined)
    notes += remarks(frame, api, lined)
    found = weighed(frame, api.key, differences) if differences else []
    for lane in lined.lanes:
        found += posture_findings(frame, api.key, lane, lined.deployed)
    findings = in_order(found)
    return _row(frame, api, lined, findings, notes)


def assess_automated(scope: Scope) -> tuple[Finding, ...]:
    """Return the findings about automated policies, which belong to no API."""
    return automated_findings(frame_of(scope))


def _row(
    frame: Frame,
    api: ApiReading,
    lined: LinedUp,
    findings: tuple[Finding, ...],
    notes: list[Note],
) -> ApiPosture:
    facts = _facts(frame, api, lined)
    if api.key.startswith("name:"):
        notes.append(Note("matched_by_name", "Without Exchange coordinates; matched by its name"))
    coverage = coverage_of(frame, lined, notes)
    open_findings = [finding for finding in findings if finding.accepted is None]
    verdict = verdict_of(open_findings, coverage, len(lined.deployed))
    return ApiPosture(
        key=api.key,
        name=facts["name"] if facts else api.key.removeprefix("name:"),
        group_id=facts["group_id"] if facts else None,
        asset_id=facts["asset_id"] if facts else None,
        verdict=verdict,
        headline=_headline(frame, lined, verdict, open_findings, coverage),
        findings=findings,
        notes=_each_once(notes),
        coverage=coverage,
        cells=cells_of(frame, api, lined, findings),
    )


def _facts(frame: Frame, api: ApiReading, lined: LinedUp) -> FactsBody | None:
    """Return the facts that name the row: the baseline's, else those last known."""
    if not lined.lanes:
        known: FactsBody | None = api.instances[0].facts.content() if api.instances else None
        return known
    sides = lined.lanes[0].sides
    return next((s.facts for s in sides if s.environment_id == frame.baseline), sides[0].facts)


def _each_once(notes: list[Note]) -> tuple[Note, ...]:
    if not notes:
        return ()
    return tuple(sorted(set(notes), key=lambda n: (n.code, n.subject or "", n.sentence)))


def verdict_of(open_findings: Iterable[Finding], coverage: Coverage, deployed: int) -> Verdict:
    """Return the first verdict that holds; what could not be read is never aligned."""
    found = list(open_findings)
    if any(finding.severity in THREATENING for finding in found):
        return Verdict.THREAT
    if any(is_drift(finding) for finding in found):
        return Verdict.DRIFT
    if coverage.not_read:
        return Verdict.UNKNOWN
    return Verdict.NOT_COMPARABLE if deployed < 2 else Verdict.ALIGNED


def is_drift(finding: Finding) -> bool:
    """Whether it is a difference above info; a posture finding is none."""
    return finding.kind is not Kind.POSTURE and finding.severity is not Severity.INFO


def _headline(
    frame: Frame,
    lined: LinedUp,
    verdict: Verdict,
    open_findings: list[Finding],
    coverage: Coverage,
) -> str:
    """Return the sentence of the worst open finding, or what can be said without one."""
    telling = [finding for finding in open_findings if finding.severity is not Severity.INFO]
    if telling:
        return min(telling, key=headline_rank).sentence
    if verdict is Verdict.UNKNOWN:
        return coverage.sentence
    if len(lined.deployed) == 1:
        return f"Deployed in {words.name(frame.name(lined.deployed[0]))} only"
    return f"Same in {len(lined.deployed)} environments"
