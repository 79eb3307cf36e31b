"""Drift rules about tiers, contracts, versions and instances."""

from collections.abc import Mapping

from app.posture import phrases, words
from app.posture.agreements import APPROVED, Contract, Tier, tier_key
from app.posture.differences import Difference
from app.posture.direction import IN_PRODUCTION, NEUTRAL, direction_of
from app.posture.judgement import API4, API5, API9, INFO, LOW, MEDIUM, Ground, Judgement
from app.posture.limits import allows_more
from app.posture.policy_rules import neutral


def _tier(difference: Difference) -> str:
    return f"Tier {words.name(difference.subject or '')}"


def judge_tier_missing(ground: Ground, difference: Difference) -> Judgement:
    """D10: a tier is missing in some environments."""
    has = {e: vote is True for e, vote in difference.votes.items()}
    where = phrases.envs(ground.frame, [e for e in has if not has[e]])
    return _usable_tier(ground, difference, has, f"{_tier(difference)} is missing in {where}")


def judge_tier_status(ground: Ground, difference: Difference) -> Judgement:
    """D10: a tier is retired in some environments."""
    usable = {e: tier.is_active for e, tier in difference.members.items()}
    told = phrases.sides(ground.frame, difference.votes, lambda v: words.name(str(v)).lower())
    return _usable_tier(ground, difference, usable, f"{_tier(difference)} is {told}")


def _usable_tier(
    ground: Ground, difference: Difference, usable: Mapping[str, bool], sentence: str
) -> Judgement:
    direction = direction_of(ground.frame, usable, lambda a, b: not a and b)
    severity = LOW
    if direction is IN_PRODUCTION and _is_used(ground, difference, usable):
        severity = MEDIUM
    return Judgement("D10", severity, direction, API4, phrases.sentence(sentence))


def _is_used(ground: Ground, difference: Difference, usable: Mapping[str, bool]) -> bool:
    """Whether an approved contract uses the tier where it can be used."""
    keys = {tier_key(tier.name) for tier in difference.members.values()}
    return any(
        contract.status == APPROVED and tier_key(contract.tier or "") in keys
        for side in ground.lane.sides
        if usable.get(side.environment_id)
        for contract in (side.contracts.every if side.contracts else ())
    )


def judge_tier_approval(ground: Ground, difference: Difference) -> Judgement:
    """D11: a tier is given without asking in some environments."""
    votes = {e: vote is True for e, vote in difference.votes.items()}
    direction = direction_of(ground.frame, votes, lambda a, b: a and not b)
    automatic = phrases.envs(ground.frame, [e for e in votes if votes[e]])
    manual = phrases.envs(ground.frame, [e for e in votes if not votes[e]])
    told = f"is approved automatically in {automatic}, by hand in {manual}"
    severity = MEDIUM if direction is IN_PRODUCTION else LOW
    return Judgement(
        "D11", severity, direction, API5, phrases.sentence(f"{_tier(difference)} {told}")
    )


def judge_tier_limits(ground: Ground, difference: Difference) -> Judgement:
    """D23: a tier allows other rates."""
    limits = {e: tier.limits for e, tier in difference.members.items()}
    direction = direction_of(ground.frame, limits, allows_more)
    told = phrases.sides(ground.frame, difference.votes, _limits_told)
    severity = MEDIUM if direction is IN_PRODUCTION else LOW
    sentence = phrases.sentence(f"{_tier(difference)} allows {told}")
    return Judgement("D23", severity, direction, API4, sentence)


def _limits_told(limits: list[dict[str, int]]) -> str:
    return words.rates(
        {each["timePeriodInMilliseconds"]: each["maximumRequests"] for each in limits}
    )


def judge_contract_missing(ground: Ground, difference: Difference) -> Judgement:
    """D12: an application has no contract in some environments."""
    where = phrases.envs(ground.frame, [e for e, v in difference.votes.items() if not v])
    sentence = f"{words.name(difference.subject or '')} has no contract in {where}"
    return neutral("D12", LOW, API9, sentence)


def judge_contract_status(ground: Ground, difference: Difference) -> Judgement:
    """D12: an application is approved in production and turned away elsewhere, or otherwise."""
    direction = direction_of(ground.frame, difference.votes, _is_let_in)
    told = phrases.sides(ground.frame, difference.votes, lambda v: words.name(str(v)).lower())
    sentence = phrases.sentence(f"{words.name(difference.subject or '')} is {told}")
    if direction is IN_PRODUCTION:
        return Judgement("D12", MEDIUM, direction, API9, sentence)
    return Judgement("D12", LOW, NEUTRAL, API9, sentence)


def _is_let_in(a: str, b: str) -> bool:
    return a == APPROVED and b in ("REVOKED", "REJECTED")


def judge_contract_tier(ground: Ground, difference: Difference) -> Judgement:
    """D13: an application has another tier."""
    members: Mapping[str, Contract] = difference.members
    tiers = {e: _limits_of(ground, e, contract) for e, contract in members.items()}
    direction = direction_of(ground.frame, tiers, _tier_allows_more)
    told = phrases.sides(ground.frame, difference.votes, lambda v: words.name(str(v)))
    sentence = phrases.sentence(f"{words.name(difference.subject or '')} uses {told}")
    severity = MEDIUM if direction is IN_PRODUCTION else LOW
    return Judgement("D13", severity, direction, API4, sentence)


def _limits_of(ground: Ground, environment: str, contract: Contract) -> Tier | None:
    """Return the tier of a contract as it is in its environment, or None where it is unknown."""
    side = next(s for s in ground.lane.sides if s.environment_id == environment)
    key = tier_key(contract.tier or "")
    tiers = side.tiers.every if side.tiers else ()
    return next((tier for tier in tiers if tier_key(tier.name) == key), None)


def _tier_allows_more(a: Tier | None, b: Tier | None) -> bool:
    return a is not None and b is not None and allows_more(a.limits, b.limits)


def judge_api_version(ground: Ground, difference: Difference) -> Judgement:
    """D16: the API itself has another version."""
    told = phrases.sides(ground.frame, difference.votes, words.value)
    return neutral("D16", LOW, API9, f"API version is {told}")


def judge_not_deployed(ground: Ground, difference: Difference) -> Judgement:
    """D19: the API is not deployed in some environments."""
    where = phrases.envs(ground.frame, [e for e, v in difference.votes.items() if not v])
    return neutral("D19", INFO, API9, f"Not deployed in {where}")


def judge_extra_instance(ground: Ground, difference: Difference) -> Judgement:
    """D20: an instance has no counterpart."""
    groups = phrases.shared(ground.frame, difference.votes)
    told = [f"{words.count(g.value, 'instance')} in {g.environments}" for g in groups[:1]]
    told += [f"{g.value} in {g.environments}" for g in groups[1:]]
    return neutral("D20", LOW, API9, ", ".join(told))
