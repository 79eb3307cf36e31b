"""Which differences are planted where: every kind at least once, most rows left alike."""

import copy
import itertools
from collections.abc import Iterator, Sequence
from random import Random

from sandbox import estate_policies as catalogue
from sandbox.estate_case import Case
from sandbox.estate_model import Api, Estate, Json, Policy, Tier
from sandbox.estate_scenarios import (
    ALONE,
    OF_OTHER_PARTS,
    OF_POLICIES,
    OF_POSTURE,
    PRODUCTION,
    Scenario,
)

SHARE_THAT_DIFFERS = 0.38
SHARE_WITH_WEAK_POSTURE = 0.08
KINDS_OF_POLICIES, KINDS_OF_OTHERS = 7, 9

Choice = tuple[Scenario, str]


def plant(estate: Estate, rng: Random) -> None:
    """Plant differences and weaknesses in some of the APIs."""
    free = rng.sample(estate.apis, len(estate.apis))
    differing = max(1, round(SHARE_THAT_DIFFERS * len(free)))
    weak = round(SHARE_WITH_WEAK_POSTURE * len(free))
    for api, choices in zip(free[:differing], _choices(rng), strict=False):
        for scenario, where in choices:
            scenario(Case(estate, api, _environment(estate, where, rng), rng))
    production = _environment(estate, PRODUCTION, rng)
    for place, api in enumerate(free[differing : differing + weak]):
        OF_POSTURE[place % len(OF_POSTURE)](Case(estate, api, production, rng))


def _environment(estate: Estate, where: str, rng: Random) -> str:
    fitting = [
        x.id for x in estate.environments if (x.type == "production") == (where == PRODUCTION)
    ]
    return rng.choice(fitting)


def _choices(rng: Random) -> Iterator[tuple[Choice, ...]]:
    """Yield what to plant in one API after another, without end; all kinds come early."""
    of_policies = _headed(OF_POLICIES, KINDS_OF_POLICIES, rng)
    of_others = _headed(OF_OTHER_PARTS, KINDS_OF_OTHERS, rng)
    alone = _headed(ALONE, 2, rng)
    for place in itertools.count():
        if place % 7 == 0:
            yield (next(alone),)
        both = (next(of_policies), next(of_others))
        yield from (both[:1], both[1:]) if place % 3 == 0 else (both,)


def _headed(choices: Sequence[Choice], head: int, rng: Random) -> Iterator[Choice]:
    tail = list(choices[head:])
    rng.shuffle(tail)
    while True:
        yield from choices[:head]
        yield from tail


def plant_automated(estate: Estate, rng: Random) -> None:
    """Give each environment automated policies: one missing, one set up otherwise, one older."""
    for environment in estate.environments:
        estate.automated[environment.id] = _automated(estate)
    if len(estate.environments) < 2:
        return
    without = _environment(estate, "elsewhere", rng)
    lacking = estate.automated[without]
    estate.automated[without] = [x for x in lacking if x.asset_id != "header-removal"]
    _found(estate, without, "automated_policy_missing", "header-removal")
    other = _environment(estate, PRODUCTION, rng)
    blocklist, payload = estate.automated[other][:2]
    blocklist.configuration["ips"] = ["198.51.100.0/24"]
    _found(estate, other, "automated_policy_config", "ip-blocklist", "ips")
    payload.version = "1.2.0"
    _found(estate, other, "automated_policy_config", "json-threat-protection", "assetVersion")
    _overridden(estate, without)


def _automated(estate: Estate) -> list[Policy]:
    rng = Random(estate.organization_id)
    blocked = {"ipExpression": "#[attributes.headers['x-real-ip']]", "ips": ["198.51.100.0/25"]}
    policies = [
        Policy("ip-blocklist", blocked, "1.1.2"),
        catalogue.policy("json-threat-protection", estate.organization_id, rng),
        catalogue.policy("header-removal", estate.organization_id, rng),
    ]
    for policy in policies:
        policy.technologies = ("mule4", "flexGateway")
    return copy.deepcopy(catalogue.numbered(policies))


def _found(estate: Estate, environment_id: str, kind: str, subject: str, *paths: str) -> None:
    estate.truth.append(
        {
            "api": None,
            "group_id": None,
            "asset_id": None,
            "name": None,
            "kind": kind,
            "subject": subject,
            "paths": sorted(paths),
            "environments": [environment_id],
        }
    )


def _overridden(estate: Estate, without: str) -> None:
    """Switch policies off, or take them away, just where an automated one does their work."""
    planted = {found["api"] for found in (*estate.truth, *estate.posture)}
    alike = [api for api in estate.apis if api.key not in planted and api.asset_id]
    for api, is_kept in zip(alike, (True, False), strict=False):
        case = Case(estate, api, without, Random(estate.organization_id))
        case.drop("header-removal")
        case.ensure("header-removal")
        for item in case.lane:
            if item is case.here:
                continue
            item.policy("header-removal").disabled = True
            if not is_kept:
                item.drop("header-removal")
        case.harmless("switched off where an automated policy does the same")


def plant_long_lists(estate: Estate, api: Api) -> None:
    """Give one API more tiers and contracts than a page holds; their last ones differ."""
    case = Case(estate, api, _environment(estate, PRODUCTION, Random(0)), Random(0))
    case.with_tiers()
    for item in case.lane:
        item.tiers += [Tier(f"Partner {n:03}", [(n, 60_000)]) for n in range(1, 261)]
    for number in range(1, 271):
        case.with_contract(f"partner-{number:03}", f"Partner {1 + number % 250:03}")
    case.here.tier("Partner 259").limits = [(9999, 60_000)]
    case.found("tier_limits", "Partner 259")
    case.here.contract("partner-268").status = "REVOKED"
    case.found("contract_status", "partner-268")


def as_json(estate: Estate) -> dict[str, Json]:
    """Return what was planted, for those who test against it."""
    return {
        "truth": estate.truth,
        "posture": estate.posture,
        "noise": estate.noise,
        "environments": [vars(item) for item in estate.environments],
    }
