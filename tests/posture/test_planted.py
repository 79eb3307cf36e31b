"""The sandbox's estates: everything that was planted is found, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.anypoint import translation
from app.posture.assessment import assess_api, assess_automated
from app.posture.matching import api_key
from app.posture.model import (
    ApiReading,
    Environment,
    EnvironmentReading,
    Finding,
    InstanceReading,
    Kind,
    Scope,
)
from sandbox import estate, estate_payloads
from sandbox.estate_model import Estate, Instance
from tests.posture.builders import AS_OF, KEY, section

SIZES = [(seed, 50, 3, False) for seed in range(1, 21)] + [
    (21, 12, 2, False),
    (22, 30, 4, False),
    (23, 120, 5, False),
    (24, 20, 3, True),
]


def as_scope(made: Estate) -> Scope:
    """Return the estate's environments as they would be read."""
    readings = []
    for each in made.environments:
        sent = estate_payloads.automated(made, each.id)["automatedPolicies"]
        automated = section(translation.automated_policies(sent, each.id, KEY))
        environment = Environment(each.id, each.name, each.type)
        readings.append(EnvironmentReading(environment, automated=automated))
    return Scope(tuple(readings), None, AS_OF)


def as_read(made: Estate) -> Iterator[ApiReading]:
    """Yield the estate's APIs as they would be read, grouped by what identifies them."""
    held = {item.instance_id: item for api in made.apis for item in api.instances}
    found: dict[str, list[InstanceReading]] = {}
    for environment in made.environments:
        for asset in estate_payloads.assets(made, environment.id):
            for listed in asset["apis"]:
                facts = translation.facts(asset, listed)
                reading = _instance(made, held[listed["id"]], facts)
                found.setdefault(api_key(facts), []).append(reading)
    for key in sorted(found):
        yield ApiReading(key, tuple(found[key]))


def _instance(made: Estate, item: Instance, facts: Any) -> InstanceReading:
    policies = translation.policies(estate_payloads.policies(made, item), KEY)
    tiers = [translation.tier(each) for each in estate_payloads.tiers(made, item)]
    contracts = [translation.contract(each) for each in estate_payloads.contracts(made, item)]
    return InstanceReading(
        item.environment_id,
        item.instance_id,
        section(facts),
        section(policies),
        section(tiers),
        section(contracts),
    )


Facts = list[tuple[Any, ...]]


def in_order(rows: list[tuple[Any, ...]]) -> Facts:
    return sorted(rows, key=repr)


def differences_of(found: list[tuple[str | None, Finding]]) -> Facts:
    rows = [(k, f) for k, f in found if f.kind is not Kind.POSTURE]
    return in_order(
        [(k, f.kind.value, f.subject, sorted(f.paths), list(f.outliers)) for k, f in rows]
    )


def planted_differences(made: Estate) -> Facts:
    """Return what was planted; of two environments neither is the one that differs."""
    has_minority = len(made.environments) > 2
    return in_order(
        [
            (
                r["api"],
                r["kind"],
                r["subject"],
                r["paths"],
                r["environments"] if has_minority else [],
            )
            for r in made.truth
        ]
    )


@pytest.mark.parametrize(("seed", "apis", "environments", "paging"), SIZES)
def test_all_that_was_planted_is_found_and_nothing_else(
    seed: int, apis: int, environments: int, paging: bool
) -> None:
    made = estate.build(seed, apis, environments, paging=paging)
    scope = as_scope(made)
    found: list[tuple[str | None, Finding]] = [
        (reading.key, finding)
        for reading in as_read(made)
        for finding in assess_api(scope, reading).findings
    ]
    found += [(None, finding) for finding in assess_automated(scope)]
    assert differences_of(found) == planted_differences(made)
    broken = [(k, f.rule, f.subject) for k, f in found if f.kind is Kind.POSTURE]
    planted = [(r["api"], r["rule"], r["subject"]) for r in made.posture]
    assert in_order(broken) == in_order(planted)
