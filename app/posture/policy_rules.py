"""Drift rules about whole policies: missing, switched off, moved, of another version."""

from collections.abc import Mapping

from app.posture import phrases, words
from app.posture.applied import Applied, Pointcut
from app.posture.differences import Difference
from app.posture.direction import ELSEWHERE, IN_PRODUCTION, NEUTRAL, direction_of, weaker_pairs
from app.posture.families import AUTHENTICATES, PROTECTIVE, Family
from app.posture.judgement import (
    API2,
    API4,
    API5,
    API8,
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    Ground,
    Judgement,
)
from app.posture.model import Direction, Kind, Severity
from app.posture.order import OrderCompared

PAYLOAD = frozenset({Family.PAYLOAD})
CROSSING = (
    frozenset({Family.AUTH}),
    frozenset({Family.TRAFFIC}),
    frozenset({Family.TRANSFORM}),
)


def judge_presence(ground: Ground, difference: Difference) -> Judgement:
    """D01, D02, D03: a policy is missing or switched off in some environments."""
    policy: Applied = next(iter(difference.members.values()))
    has = _present(difference)
    sentence = _presence_sentence(ground, difference, has)
    if not policy.is_of(PROTECTIVE):
        return Judgement("D02", LOW, NEUTRAL, API8, sentence)
    direction = direction_of(ground.frame, has, _lacks)
    if direction is ELSEWHERE:
        return Judgement("D03", LOW, ELSEWHERE, API8, sentence)
    lacking = [e for e in has if not has[e] and e in ground.frame.reference]
    is_bare = policy.is_of(AUTHENTICATES) and any(ground.effective[e].is_bare for e in lacking)
    if is_bare:
        sentence += "; nothing else authenticates there"
    severity = _presence_severity(ground, policy, has, lacking, is_bare=is_bare)
    rule = "D01" if policy.is_of(AUTHENTICATES) else "D02"
    return Judgement(rule, severity, IN_PRODUCTION, _owasp(policy), phrases.sentence(sentence))


def _present(difference: Difference) -> dict[str, bool]:
    if difference.kind is Kind.POLICY_MISSING:
        return {e: vote is True for e, vote in difference.votes.items()}
    return {e: vote is False for e, vote in difference.votes.items()}


def _lacks(a: bool, b: bool) -> bool:
    return not a and b


def _presence_severity(
    ground: Ground,
    policy: Applied,
    has: Mapping[str, bool],
    lacking: list[str],
    *,
    is_bare: bool,
) -> Severity:
    if is_bare:
        return CRITICAL
    if policy.is_of(PAYLOAD):
        return MEDIUM
    return MEDIUM if _is_replaced(ground, policy, has, lacking) else HIGH


def _is_replaced(
    ground: Ground, policy: Applied, has: Mapping[str, bool], lacking: list[str]
) -> bool:
    """Whether production runs another policy of the family, which the other side lacks."""
    family = frozenset(policy.families)
    elsewhere = {other.identity for e in has if has[e] for other in ground.effective[e].of(family)}
    return all(
        any(other.identity not in elsewhere for other in ground.effective[e].of(family))
        for e in lacking
    )


def _owasp(policy: Applied) -> str:
    if policy.is_of(AUTHENTICATES):
        return API2
    return API4 if policy.is_of(frozenset({Family.TRAFFIC})) else API8


def _presence_sentence(ground: Ground, difference: Difference, has: Mapping[str, bool]) -> str:
    lacking = phrases.envs(ground.frame, [e for e in has if not has[e]])
    having = phrases.envs(ground.frame, [e for e in has if has[e]])
    told = words.policy(difference.subject or "")
    if difference.kind is Kind.POLICY_MISSING:
        return phrases.sentence(f"{told} is missing in {lacking}, present in {having}")
    return phrases.sentence(f"{told} is switched off in {lacking}, on in {having}")


def judge_duplicate(ground: Ground, difference: Difference) -> Judgement:
    """D17: a policy is applied once more in some environments."""
    asset, _, label = (difference.subject or "").partition("#")
    where = phrases.envs(ground.frame, [e for e, vote in difference.votes.items() if vote])
    sentence = f"{words.policy(asset)} is applied once more in {where} ({words.name(label)})"
    return Judgement("D17", LOW, NEUTRAL, API8, phrases.sentence(sentence))


def judge_pointcut(ground: Ground, difference: Difference) -> Judgement:
    """D07: a policy covers other resources in some environments."""
    policy: Applied = next(iter(difference.members.values()))
    covers: dict[str, Pointcut] = {e: member.pointcut for e, member in difference.members.items()}
    told = phrases.sides(ground.frame, difference.votes, _covered)
    sentence = phrases.sentence(f"{words.policy(difference.subject or '')} covers {told}")
    direction = direction_of(ground.frame, covers, covers_less)
    severity = {IN_PRODUCTION: HIGH, ELSEWHERE: LOW, NEUTRAL: MEDIUM}[direction]
    if not policy.is_of(PROTECTIVE):
        severity = LOW
    return Judgement("D07", severity, direction, API5, sentence)


def _covered(pairs: list[dict[str, str]]) -> str:
    return words.pointcut((pair["method"], pair["uri"]) for pair in pairs)


def covers_less(a: Pointcut, b: Pointcut) -> bool:
    """Whether `a` covers a proper subset of `b`; the whole API is the superset of all."""
    if a == b or not a:
        return False
    return not b or set(a) < set(b)


def judge_order(ground: Ground, difference: Difference) -> Judgement:
    """D08: policies run in another order."""
    found: OrderCompared = difference.members["order"]
    first, second = found.pair
    before = phrases.envs(ground.frame, found.before)
    after = phrases.envs(ground.frame, found.after)
    told = f"{words.policy(first)} runs before {words.policy(second)}"
    sentence = phrases.sentence(f"{told} in {before}, after it in {after}")
    policies = _enabled(ground)
    is_crossing = any(_crosses(a, b, policies) for a, b in found.crossing)
    return Judgement("D08", MEDIUM if is_crossing else LOW, NEUTRAL, API8, sentence)


def _enabled(ground: Ground) -> dict[str, frozenset[int]]:
    """Return by subject which of the crossing families an enabled policy of that name is of."""
    found: dict[str, frozenset[int]] = {}
    for side in ground.lane.sides:
        for policy in side.policies.applied if side.policies else ():
            if not policy.is_off:
                kinds = {i for i, family in enumerate(CROSSING) if policy.is_of(family)}
                found[policy.asset_id] = found.get(policy.asset_id, frozenset()) | kinds
    return found


def _crosses(a: str, b: str, enabled: Mapping[str, frozenset[int]]) -> bool:
    left = enabled.get(_asset(a), frozenset())
    right = enabled.get(_asset(b), frozenset())
    return any(i != j for i in left for j in right)


def _asset(subject: str) -> str:
    return subject.partition("#")[0].rpartition("/")[2]


def judge_version(ground: Ground, difference: Difference) -> Judgement:
    """D09: a policy has another version."""
    told = phrases.sides(ground.frame, difference.votes, words.value)
    sentence = phrases.sentence(f"{words.policy(difference.subject or '')} version is {told}")
    direction = direction_of(ground.frame, difference.votes, is_older)
    pairs = weaker_pairs(ground.frame, difference.votes, is_older)
    votes = difference.votes
    is_major = any(semver(votes[a])[:1] != semver(votes[b])[:1] for a, b in pairs)
    return Judgement("D09", MEDIUM if is_major else LOW, direction, API8, sentence)


def semver(version: str | None) -> tuple[int, ...]:
    """Return a version's numbers, or nothing where it is not made of numbers."""
    parts = (version or "").partition("-")[0].split(".")
    if all(part.isdecimal() and len(part) < 10 for part in parts):
        return tuple(int(part) for part in parts)
    return ()


def is_older(a: str | None, b: str | None) -> bool:
    """Whether `a` is the lower version; False where one of them is not made of numbers."""
    left, right = semver(a), semver(b)
    return bool(left) and bool(right) and left < right


def neutral(rule: str, severity: Severity, owasp: str, sentence: str) -> Judgement:
    """Return a judgement without direction."""
    return Judgement(rule, severity, Direction.NEUTRAL, owasp, phrases.sentence(sentence))
