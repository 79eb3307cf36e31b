"""Readiness: may what runs in one environment go to another?

The core's own comparison over the two alone, weighed by the table of `promotion`. What was not read
is never ready.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from app.posture import words
from app.posture.assessment import assess_api, assess_automated
from app.posture.borrowed import borrowed
from app.posture.comparison import compare, remarks
from app.posture.coverage import coverage_of
from app.posture.differences import Difference
from app.posture.findings import posture_findings, weighed
from app.posture.frame import Frame, frame_of
from app.posture.judgement import SEVERITIES, Ground
from app.posture.lanes import LinedUp, lined_up
from app.posture.model import (
    Acceptance,
    ApiReading,
    Environment,
    EnvironmentReading,
    FactsBody,
    Finding,
    InstanceReading,
    Kind,
    Scope,
    Section,
    SectionName,
)
from app.posture.phrases import LONGEST_SENTENCE, sentence
from app.posture.promotion import (
    Case,
    Promotion,
    Weight,
    weight_of,
    weight_of_automated,
    weight_of_rule,
)
from app.posture.rules import ACTIVE_WORDS

TELLING = frozenset(
    {"unverifiable", "schema_changed", "pairing_uncertain", "group_contracts_not_read"}
)
"""Notes that say what could not be compared: a warning each."""

OF_INSTANCES = (SectionName.POLICIES, SectionName.TIERS, SectionName.CONTRACTS)


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to know before a promotion; `accepted` is the exception that took its weight."""

    weight: Weight
    sentence: str
    finding: Finding | None = None
    accepted: Acceptance | None = None


Accepted = Mapping[str, Acceptance]


def promotion_of(scope: Scope, origin_id: str, target_id: str) -> Promotion:
    """Return the promotion between two different environments of a scope."""
    by_id = {item.environment.id: item for item in scope.environments}
    origin, target = by_id[origin_id], by_id[target_id]
    # The target stands where production stands in the rules: it is what must not be weaker.
    alone = (_typed(origin, "sandbox"), _typed(target, "production"))
    narrowed = replace(scope, environments=alone, baseline_environment_id=target_id)
    return Promotion(scope, narrowed, origin.environment, target.environment)


def _typed(reading: EnvironmentReading, kind: str) -> EnvironmentReading:
    return replace(reading, environment=replace(reading.environment, type=kind))


def is_ready(weights: Iterable[Weight]) -> bool | None:
    """Return whether a promotion may go on; None where nothing blocks and something is unknown."""
    found = set(weights)
    if Weight.BLOCKER in found:
        return False
    return None if Weight.UNKNOWN in found else True


def environment_points(promotion: Promotion) -> tuple[Point, ...]:
    """Return what concerns the two environments as a whole, whatever the API, worst first."""
    points = list(_unread_environments(promotion.scope))
    found = assess_automated(promotion.scope)
    accepted = _accepted(promotion, found, lambda: assess_automated(promotion.whole))
    for finding in found:
        points += _points(weight_of_automated(finding), finding, accepted)
    return in_order(points)


def api_points(promotion: Promotion, api: ApiReading) -> tuple[Point, ...]:
    """Return what concerns one API, worst first; of a list that was not read its environment tells."""
    frame = frame_of(promotion.scope)
    told = _as_promoted(promotion, api)
    lined = lined_up(frame, told)
    if promotion.origin.id in frame.listed and promotion.origin.id not in lined.deployed:
        where = words.name(promotion.origin.name)
        nothing = f"Not deployed in {where}: there is nothing to promote"
        return (Point(Weight.WARNING, nothing),)
    differences, notes = compare(frame, told, lined)
    notes += remarks(frame, told, lined)
    found = list(_found(promotion, frame, api.key, lined, differences))
    accepted = _accepted(
        promotion, [each for _, each in found], lambda: assess_api(promotion.whole, api).findings
    )
    points = [point for weight, each in found for point in _points(weight, each, accepted)]
    points += [Point(Weight.BLOCKER, s) for s in borrowed(promotion, frame, api.key, lined)]
    points += _unread_sections(frame, lined)
    points += _not_active(promotion, api)
    points += [Point(Weight.WARNING, note.sentence) for note in notes if note.code in TELLING]
    return in_order(points)


def in_order(points: Iterable[Point]) -> tuple[Point, ...]:
    """Return points by weight, severity and sentence, each once."""
    once = {(each.weight, each.sentence, _identity(each)): each for each in points}
    return tuple(sorted(once.values(), key=rank))


def _identity(point: Point) -> str:
    return point.finding.fingerprint if point.finding else ""


def rank(point: Point) -> tuple[int, int, str]:
    """Return where a point stands; one without a finding stands behind those of its weight."""
    severity = SEVERITIES[point.finding.severity] if point.finding else len(SEVERITIES)
    return WEIGHTS.index(point.weight), severity, point.sentence


WEIGHTS = tuple(Weight)


def _found(
    promotion: Promotion,
    frame: Frame,
    api_key: str,
    lined: LinedUp,
    differences: list[Difference],
) -> Iterator[tuple[Weight | None, Finding]]:
    """Yield every finding of the two environments with its weight."""
    for difference in differences:
        (finding,) = weighed(frame, api_key, [difference])
        effective = {side.environment_id: side.effective for side in difference.lane.sides}
        ground = Ground(frame, difference.lane, effective)
        case = Case(promotion, api_key, lined.lanes, ground, difference, finding)
        yield weight_of(case), finding
    for lane in lined.lanes:
        for finding in posture_findings(frame, api_key, lane, lined.deployed):
            yield weight_of_rule(finding), finding


def _points(weight: Weight | None, finding: Finding, accepted: Accepted) -> Iterator[Point]:
    """Yield the point of a finding; an exception in force takes its weight, not its mention."""
    if weight is None:
        return
    told = finding.sentence
    if finding.kind is Kind.API_NOT_DEPLOYED:
        told = f"{told}: nothing protects it there yet"
    exception = accepted.get(finding.fingerprint)
    if exception is None:
        yield Point(weight, told, finding)
        return
    until = f" (accepted until {exception.until:%Y-%m-%d})"
    told = words.cut(told, LONGEST_SENTENCE - len(until)) + until
    yield Point(Weight.WARNING, told, finding, exception)


def _accepted(
    promotion: Promotion, found: Iterable[Finding], assessed: Callable[[], Iterable[Finding]]
) -> Accepted:
    """Return the exceptions in force by fingerprint.

    They were made for the values of all environments, so the whole is assessed where one may hold.
    """
    known = promotion.whole.exceptions
    if not any(finding.fingerprint in known for finding in found):
        return {}
    return {each.fingerprint: each.accepted for each in assessed() if each.accepted is not None}


def _as_promoted(promotion: Promotion, api: ApiReading) -> ApiReading:
    """Return the instances of the two, the target's as active: so they will be once promoted."""
    origin, target = promotion.origin.id, promotion.target.id
    instances = [
        _activated(each) if each.environment_id == target else each
        for each in api.instances
        if each.environment_id in (origin, target)
    ]
    return ApiReading(api.key, tuple(instances))


def _activated(reading: InstanceReading) -> InstanceReading:
    facts: FactsBody | None = reading.facts.content()
    if facts is None or _is_active(facts):
        return reading
    active: FactsBody = {**facts, "status": "active"}
    return reading._replace(facts=Section(active, not_read=reading.facts.not_read))


def _is_active(facts: FactsBody) -> bool:
    return (facts["status"] or "").strip().casefold() in ACTIVE_WORDS


def _not_active(promotion: Promotion, api: ApiReading) -> Iterator[Point]:
    target = promotion.target
    for reading in api.instances:
        facts: FactsBody | None = reading.facts.content()
        if reading.environment_id == target.id and facts and not _is_active(facts):
            status = words.name(facts["status"] or "").lower()
            told = f"{words.name(target.name)} is {status}: its policies are not enforced yet"
            yield Point(Weight.WARNING, told)


def _unread_environments(scope: Scope) -> Iterator[Point]:
    for item in scope.environments:
        if item.not_listed is not None:
            yield _unread("the APIs", item.environment, item.not_listed)
        elif item.automated.not_read is not None:
            yield _unread("the automated policies", item.environment, item.automated.not_read)


def _unread_sections(frame: Frame, lined: LinedUp) -> Iterator[Point]:
    for part in coverage_of(frame, lined, ()).not_read:
        if part.section in OF_INSTANCES:
            where = frame.environments[part.environment_id]
            yield _unread(f"the {part.section}", where, part.reason)


def _unread(what: str, where: Environment, reason: str) -> Point:
    told = f"Could not read {what} in {words.name(where.name)}: {reason}"
    return Point(Weight.UNKNOWN, sentence(told))
