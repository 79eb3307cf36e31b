"""What speaks against a promotion: one row of the table for each kind of finding.

`docs/readiness.md` has the table in words. A promotion is judged over two environments alone, the
target standing where production stands in the core's rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.posture.agreements import APPROVED, Contract
from app.posture.applied import Applied
from app.posture.differences import Change, Difference
from app.posture.expected import fits
from app.posture.families import Family
from app.posture.field_rules import UNEXPECTED, weigh
from app.posture.judgement import CRITICAL, HIGH, INFO, MEDIUM, Ground
from app.posture.lanes import Lane
from app.posture.model import Direction, Environment, Finding, Kind, Scope


class Weight(StrEnum):
    """What a point does to a promotion."""

    BLOCKER = "blocker"
    WARNING = "warning"
    UNKNOWN = "unknown"


BLOCKER, WARNING = Weight.BLOCKER, Weight.WARNING

SERIOUS = frozenset({CRITICAL, HIGH})
OPTIONAL = frozenset({Family.CORS, Family.LOGGING, Family.CACHE})
"""Families that guard nothing: without one of their policies a promotion is only warned of."""

BLOCKING_RULES = frozenset({"P14"})
"""Posture rules below high that block: with them the target turns every caller away."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """From where to where; `scope` is the two alone, `whole` everything that is compared."""

    whole: Scope
    scope: Scope
    origin: Environment
    target: Environment


@dataclass(frozen=True, slots=True)
class Case:
    """One difference of a promotion as the core weighed it."""

    promotion: Promotion
    api_key: str
    lanes: tuple[Lane, ...]
    ground: Ground
    difference: Difference
    finding: Finding

    @property
    def origin(self) -> str:
        """The id of the environment that is promoted from."""
        return self.promotion.origin.id

    @property
    def target(self) -> str:
        """The id of the environment that is promoted to."""
        return self.promotion.target.id

    @property
    def only_in_target(self) -> bool:
        """Whether the subject is in the target alone: nothing that is promoted asks for it."""
        return self.origin not in self.difference.members


Weigh = Callable[[Case], Weight | None]


def weight_of(case: Case) -> Weight | None:
    """Return what a difference does to a promotion, or None where it has no say."""
    return TABLE[case.difference.kind](case)


def weight_of_rule(finding: Finding) -> Weight | None:
    """Return what a broken posture rule of the target does; what is for information is left out."""
    if finding.severity in SERIOUS or finding.rule in BLOCKING_RULES:
        return BLOCKER
    return None if finding.severity is INFO else WARNING


def weight_of_automated(finding: Finding) -> Weight:
    """Return what a difference of automated policies does: as serious as it is in production."""
    is_unexpected = finding.sentence.endswith(UNEXPECTED)
    return BLOCKER if is_unexpected or _is_serious(finding) else WARNING


def _is_serious(finding: Finding) -> bool:
    return finding.severity in SERIOUS and finding.direction is not Direction.WEAKER_ELSEWHERE


def _always(_case: Case) -> Weight:
    return BLOCKER


def _warns(_case: Case) -> Weight:
    return WARNING


def _weaker(case: Case) -> Weight:
    """Block where the target is much weaker."""
    return BLOCKER if _is_serious(case.finding) else WARNING


def _from_medium(case: Case) -> Weight:
    """Block from medium on: policies cross, or an approved contract needs the tier."""
    return BLOCKER if case.finding.severity in SERIOUS | {MEDIUM} else WARNING


def _tier(case: Case) -> Weight | None:
    return None if case.only_in_target else _from_medium(case)


def _policy(case: Case) -> Weight:
    """Block where the origin runs a policy that the target does not, unless another does its work."""
    members: Mapping[str, Applied] = case.difference.members
    own = members.get(case.origin)
    other = members.get(case.target)
    if own is None or own.is_off or (other is not None and not other.is_off):
        return WARNING
    if OPTIONAL.issuperset(own.families) or _is_replaced(case, own):
        return WARNING
    return BLOCKER


def _is_replaced(case: Case, policy: Applied) -> bool:
    """Whether the target runs another policy of the family that the origin lacks."""
    family = frozenset(policy.families) - {Family.CUSTOM, Family.TRANSFORM}
    effective = case.ground.effective
    elsewhere = {each.identity for each in effective[case.origin].of(family)}
    return any(each.identity not in elsewhere for each in effective[case.target].of(family))


def _configuration(case: Case) -> Weight | None:
    """Block where one of the changed fields does; secrets that differ are what one hopes for."""
    if any(_blocks(case, change) for change in case.difference.changes):
        return BLOCKER
    return None if case.finding.severity is INFO else WARNING


def _blocks(case: Case, change: Change) -> bool:
    if change.is_unexpected:
        return not _is_expected_there(case, change)
    _, severity, direction, _ = weigh(case.ground, case.difference, change)
    if severity is CRITICAL:
        # A test identity provider is where it belongs unless the target is production.
        return case.promotion.target.is_production
    return severity is HIGH and direction is not Direction.WEAKER_ELSEWHERE


def _is_expected_there(case: Case, change: Change) -> bool:
    """Whether the target's value is an allowed one, so that it is the origin's that is not."""
    policy: Applied = case.difference.members[case.target]
    return any(
        fits(change.field, change.votes[case.target], each.allowances.get(case.target))
        for each in case.ground.frame.expected.get(policy.asset_id, ())
        if each.path == change.path and each.api_key in (None, case.api_key)
    )


def _contract(case: Case) -> Weight | None:
    """Block where the origin lets a consumer in that the target does not."""
    members: Mapping[str, Contract] = case.difference.members
    own, other = members.get(case.origin), members.get(case.target)
    is_in = own is not None and own.status == APPROVED
    return BLOCKER if is_in and (other is None or other.status != APPROVED) else None


def _contract_tier(case: Case) -> Weight | None:
    own: Contract = case.difference.members[case.origin]
    return WARNING if own.status == APPROVED else None


def _instances(case: Case) -> Weight:
    """Block where the origin has an instance without a counterpart: nothing protects it there."""
    lonely = [lane.sides[0].environment_id for lane in case.lanes if len(lane.sides) == 1]
    return BLOCKER if case.origin in lonely else WARNING


TABLE: Mapping[Kind, Weigh] = {
    Kind.API_NOT_DEPLOYED: _always,
    Kind.EXTRA_INSTANCE: _instances,
    Kind.PRODUCT_VERSION: _warns,
    Kind.ASSET_VERSION: _warns,
    Kind.POLICY_MISSING: _policy,
    Kind.POLICY_DISABLED: _policy,
    Kind.POLICY_DUPLICATE: _policy,
    Kind.POLICY_VERSION: _warns,
    Kind.POLICY_CONFIG: _configuration,
    Kind.POLICY_ORDER: _from_medium,
    Kind.POLICY_POINTCUT: _weaker,
    Kind.TIER_MISSING: _tier,
    Kind.TIER_STATUS: _tier,
    Kind.TIER_LIMITS: _warns,
    Kind.TIER_APPROVAL: _warns,
    Kind.CONTRACT_MISSING: _contract,
    Kind.CONTRACT_STATUS: _contract,
    Kind.CONTRACT_TIER: _contract_tier,
}
"""Which kind of difference is weighed how."""
