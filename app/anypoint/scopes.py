"""Which scopes the Connected App lacks: there is no question for that, so each need is tried."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app.anypoint import payloads, questions
from app.anypoint.answers import APIS, CONTRACTS, ENVIRONMENTS, ORGANIZATION, POLICIES
from app.anypoint.calls import Calls
from app.anypoint.errors import CouldNotRead, NotAllowed
from app.anypoint.questions import Place, Question
from app.posture.model import Environment

MISSING = "missing"
UNCHECKED = "could not be checked"
GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class MissingScope:
    """A scope by its name in Anypoint, where it is missing (None: the organisation), and how sure.

    `state` is "missing", or "could not be checked" where there was nothing to try it on.
    """

    scope: str
    environment: str | None
    state: str


async def missing_scopes(
    calls: Calls, organization_id: str, environments: Sequence[Environment]
) -> tuple[MissingScope, ...]:
    """Try one read for each need; return those not known to be granted, in a settled order."""
    (organization, listing), per_environment = await asyncio.gather(
        asyncio.gather(
            _tried(calls, questions.organization(organization_id)),
            _tried(calls, questions.environments(organization_id, 0)),
        ),
        asyncio.gather(*(_of_environment(calls, organization_id, item) for item in environments)),
    )
    found = [
        MissingScope(ORGANIZATION.scope, None, organization),
        MissingScope(ENVIRONMENTS.scope, None, listing),
        *(scope for scopes in per_environment for scope in scopes),
    ]
    return tuple(scope for scope in found if scope.state != GRANTED)


async def _of_environment(
    calls: Calls, organization_id: str, environment: Environment
) -> list[MissingScope]:
    place = Place(organization_id, environment.id, 0)
    apis, automated = await asyncio.gather(
        _any_instance(calls, place), _tried(calls, place.automated_policies())
    )
    state, instance_id = apis
    policies, tiers, contracts = await _of_instance(calls, place, instance_id)
    return [
        MissingScope(APIS.scope, environment.name, state),
        MissingScope(POLICIES.scope, environment.name, _worse(automated, policies)),
        MissingScope(CONTRACTS.scope, environment.name, _worse(tiers, contracts)),
    ]


async def _any_instance(calls: Calls, place: Place) -> tuple[str, int | None]:
    try:
        assets, _ = payloads.listing(await calls.json(place.apis(0, limit=1)), "assets", "APIs")
        instances = payloads.rows(assets[0].get("apis"), "API instances") if assets else []
        found = payloads.needed_id(instances[0].get("id"), "APIs") if instances else None
    except NotAllowed:
        return MISSING, None
    except CouldNotRead:
        return UNCHECKED, None
    return GRANTED, found


async def _of_instance(calls: Calls, place: Place, instance_id: int | None) -> tuple[str, str, str]:
    if instance_id is None:
        return UNCHECKED, UNCHECKED, UNCHECKED
    return await asyncio.gather(
        _tried(calls, place.policies(instance_id)),
        _tried(calls, place.tiers(instance_id, 0)),
        _tried(calls, place.contracts(instance_id, 0)),
    )


async def _tried(calls: Calls, question: Question) -> str:
    try:
        await calls.json(question)
    except NotAllowed:
        return MISSING
    except CouldNotRead:
        return UNCHECKED
    return GRANTED


def _worse(one: str, other: str) -> str:
    return next(state for state in (MISSING, UNCHECKED, GRANTED) if state in (one, other))
