"""Posture rules: what is weak in an environment by itself. One row a rule."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from app.posture import words
from app.posture.agreements import APPROVED, tier_key
from app.posture.applied import Applied, Effective
from app.posture.families import AUTHENTICATES, SLA_BASED, Family
from app.posture.model import Severity
from app.posture.sides import Side
from app.posture.weaknesses import weaknesses_of

AUTH = frozenset({Family.AUTH})
TRAFFIC = frozenset({Family.TRAFFIC})
ACTIVE_WORDS = frozenset({"active", ""})
"""Statuses of an instance in which its policies are enforced; one without a word is taken so."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is broken: which, what about, and the words that its sentence needs."""

    rule: str
    subject: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


Check = Callable[[Side, Effective], Iterator[Broken]]


def is_active(side: Side) -> bool:
    """Whether an instance's policies are enforced."""
    return (side.facts["status"] or "").strip().casefold() in ACTIVE_WORDS


def _approved(side: Side) -> int:
    return side.contracts.approved if side.contracts else 0


def _about(rule: str, policy: Applied) -> Broken:
    return Broken(rule, policy.asset_id, {"policy": words.policy(policy.asset_id)})


def bare(side: Side, effective: Effective) -> Iterator[Broken]:
    """P01, P02: nothing authenticates or identifies; P02 where that is switched off."""
    if effective.is_bare:
        own = side.policies.applied if side.policies else ()
        off = [policy for policy in own if policy.is_off and policy.is_of(AUTH)]
        yield from (_about("P02", policy) for policy in off)
        if not off:
            yield Broken("P01")


def partial_authentication(side: Side, effective: Effective) -> Iterator[Broken]:
    """P05: every AUTH and IDENTIFY policy is limited to some resources."""
    if side.policies is None or not (side.policies.has_pointcuts or effective.automated):
        return
    policies = effective.of(AUTHENTICATES)
    if effective.is_whole and policies and all(policy.pointcut for policy in policies):
        pairs = sorted({pair for policy in policies for pair in policy.pointcut})
        yield Broken("P05", None, {"pointcut": words.pointcut(pairs)})


def weak_policies(side: Side, effective: Effective) -> Iterator[Broken]:
    """P03 to P19: policies that are weak by themselves."""
    for policy in effective.policies:
        for rule in weaknesses_of(policy):
            if rule == "P06" and (not effective.is_whole or Family.AUTH in effective.families):
                continue
            if rule != "P11" or _approved(side):
                yield _about(rule, policy)


def no_rate_limit(_side: Side, effective: Effective) -> Iterator[Broken]:
    """P12: nothing limits traffic."""
    if effective.is_whole and Family.TRAFFIC not in effective.families:
        yield Broken("P12")


def tiers_and_policy(side: Side, effective: Effective) -> Iterator[Broken]:
    """P13, P14: active tiers that no policy applies, or a policy without an active tier."""
    if side.tiers is None or not (side.tiers.active or Family.IDENTIFY in effective.families):
        return
    has_policy = any(p.asset_id in SLA_BASED and p.is_of(TRAFFIC) for p in effective.policies)
    active = side.tiers.active
    if active and effective.is_whole and not has_policy:
        verb = "limits" if active == 1 else "limit"
        yield Broken("P13", None, {"tiers": words.count(active, "SLA tier"), "limit": verb})
    if has_policy and not active:
        yield Broken("P14")


def not_enforced(side: Side, _effective: Effective) -> Iterator[Broken]:
    """P21: an instance that is not active has policies or approved contracts."""
    own = side.policies.applied if side.policies else ()
    if own or _approved(side):
        yield Broken("P21", None, {"status": words.name(side.facts["status"] or "")})


def deprecated_in_use(side: Side, _effective: Effective) -> Iterator[Broken]:
    """P22: a deprecated instance has approved contracts."""
    count = _approved(side)
    if side.facts["deprecated"] and count:
        who = words.count(count, "application")
        yield Broken("P22", None, {"applications": who, "use": "uses" if count == 1 else "use"})


def retired_tier_in_use(side: Side, _effective: Effective) -> Iterator[Broken]:
    """P25: an approved contract stands on a tier that is not active."""
    if side.tiers is None or side.contracts is None or side.tiers.active == len(side.tiers.names):
        return
    retired = {tier_key(t.name): t.name for t in side.tiers.every if not t.is_active}
    users: dict[str, list[str]] = {}
    for contract in side.contracts.every:
        key = tier_key(contract.tier or "")
        if contract.status == APPROVED and key in retired:
            users.setdefault(key, []).append(contract.application)
    for key in sorted(users):
        first, *others = sorted(users[key])
        app = words.name(first) + (f" and {len(others)} more" if others else "")
        told = {"app": app, "uses": "use" if others else "uses", "tier": words.name(retired[key])}
        yield Broken("P25", retired[key], told)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a broken rule weighs and says; it yields to rules that say more."""

    severity: Severity
    owasp: str
    sentence: str
    yields_to: frozenset[str] = frozenset()


BARE = frozenset({"P01", "P02"})
CRITICAL, HIGH, MEDIUM, _, INFO = Severity
API2, API4, API8, API9 = "API2:2023", "API4:2023", "API8:2023", "API9:2023"

RULES: dict[str, Rule] = {
    "P01": Rule(
        CRITICAL, API2, "{env} {has|have} no authentication: anyone who reaches it can call it"
    ),
    "P02": Rule(CRITICAL, API2, "{policy} is switched off in {env} and nothing else authenticates"),
    "P03": Rule(CRITICAL, API2, "{env} {accepts|accept} unsigned tokens"),
    "P04": Rule(CRITICAL, API2, "{policy} in {env} still has the sample key"),
    "P05": Rule(INFO, API2, "Authentication in {env} covers only {pointcut}", BARE),
    "P06": Rule(INFO, API2, "{env} {asks|ask} for a client id without its secret", BARE),
    "P07": Rule(MEDIUM, API2, "{env} {accepts|accept} tokens that never expire"),
    "P08": Rule(INFO, API2, "{env} {accepts|accept} tokens issued for other APIs", BARE),
    "P09": Rule(HIGH, API8, "{env} {fetches|fetch} keys over an unencrypted connection"),
    "P10": Rule(MEDIUM, API2, "{env} {takes|take} credentials from the address"),
    "P11": Rule(INFO, API2, "Contracts do not limit access in {env}"),
    "P12": Rule(INFO, API4, "{env} {has|have} no rate limit", BARE),
    "P13": Rule(MEDIUM, API4, "{tiers} in {env} {limit} nothing: no SLA-based policy"),
    "P14": Rule(MEDIUM, API4, "{env} {rejects|reject} every caller: no active tier"),
    "P15": Rule(MEDIUM, API4, "{policy} in {env} has no usable limit"),
    "P16": Rule(HIGH, API8, "Any web site may call {env} with the user's credentials"),
    "P17": Rule(INFO, API8, "Any web site may call {env}", frozenset({"P16"})),
    "P18": Rule(HIGH, API8, "The allowlist of {env} allows every address"),
    "P19": Rule(HIGH, API8, "{env} {writes|write} request contents to its log"),
    "P21": Rule(INFO, API9, "{env} {is|are} {status}: {its|their} policies are not enforced"),
    "P22": Rule(INFO, API9, "{applications} still {use} a deprecated instance in {env}"),
    "P25": Rule(INFO, API9, "{app} {uses} the retired tier {tier} in {env}"),
}
"""Every posture rule that is on, by id."""

_OF_ACTIVE: tuple[Check, ...] = (
    bare,
    partial_authentication,
    weak_policies,
    no_rate_limit,
    tiers_and_policy,
    deprecated_in_use,
    retired_tier_in_use,
)


def broken_rules(side: Side) -> list[Broken]:
    """Return what is broken in an instance, each rule once a subject."""
    if not is_active(side):
        return list(not_enforced(side, side.effective))
    found = [each for check in _OF_ACTIVE for each in check(side, side.effective)]
    ids = {each.rule for each in found}
    once = {(each.rule, each.subject): each for each in found}
    return [each for each in once.values() if ids.isdisjoint(RULES[each.rule].yields_to)]
