"""What an invented organisation holds, as plain values before anything is sent."""

import copy
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

MULESOFT = "68ef9520-24e9-4cf2-b2f5-620025690913"

Json = Any


@dataclass
class Policy:
    """A policy as applied to an instance, or to an environment when it is automated."""

    asset_id: str
    configuration: dict[str, Json]
    version: str
    group_id: str | None = MULESOFT
    order: int | None = 0
    disabled: bool = False
    pointcut: list[dict[str, str]] | None = None
    label: str | None = None
    technologies: tuple[str, ...] = ("mule4",)


@dataclass
class Tier:
    """An SLA tier; limits are pairs of requests and milliseconds."""

    name: str
    limits: list[tuple[int, int]]
    status: str = "ACTIVE"
    auto_approve: bool = False


@dataclass
class Contract:
    """An application's contract with an instance."""

    application: str
    application_id: int
    tier: str | None = None
    status: str = "APPROVED"


@dataclass
class Instance:
    """An API instance in one environment; ids are given when everything is planted."""

    environment_id: str
    label: str | None
    product_version: str | None = "v1"
    asset_version: str | None = "1.0.0"
    technology: str = "mule4"
    status: str = "active"
    policies: list[Policy] = field(default_factory=list)
    tiers: list[Tier] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    instance_id: int = 0
    name: str | None = None  # only where it differs from the API's

    def policy(self, asset_id: str) -> Policy:
        """Return the first application of a policy."""
        return next(policy for policy in self.policies if policy.asset_id == asset_id)

    def has(self, asset_id: str) -> bool:
        """Tell whether a policy is applied."""
        return any(policy.asset_id == asset_id for policy in self.policies)

    def drop(self, asset_id: str) -> None:
        """Take a policy away."""
        self.policies = [policy for policy in self.policies if policy.asset_id != asset_id]

    def apply(self, policy: Policy) -> None:
        """Apply a policy after all others."""
        added = copy.deepcopy(policy)
        added.order = 1 + max((item.order or 0 for item in self.policies), default=0)
        self.policies.append(added)

    def tier(self, name: str) -> Tier:
        """Return the tier of that name."""
        return next(tier for tier in self.tiers if tier.name == name)

    def contract(self, application: str) -> Contract:
        """Return the contract of that application."""
        return next(item for item in self.contracts if item.application == application)


@dataclass
class Api:
    """An Exchange asset and its instances; both ids are None for a legacy one."""

    name: str
    group_id: str | None
    asset_id: str | None
    instances: list[Instance] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Return what identifies it over all environments."""
        return f"{self.group_id}/{self.asset_id}" if self.asset_id else f"name:{self.name.lower()}"

    def in_environment(self, environment_id: str) -> Instance:
        """Return its first instance there."""
        return next(item for item in self.instances if item.environment_id == environment_id)


@dataclass
class Environment:
    """An environment; `token` is the word for it in labels and application names."""

    id: str
    name: str
    type: str
    token: str


@dataclass
class Estate:
    """An organisation with all that it holds, and what was planted in it.

    `truth` lists every difference that a right comparison finds, `posture` every finding that
    needs no second environment, `noise` what differs and must not be found.
    """

    organization_id: str
    organization_name: str
    groups: dict[str, str]  # business groups: id to name, the organisation itself first
    environments: list[Environment]
    client_id: str
    client_secret: str
    apis: list[Api] = field(default_factory=list)
    automated: dict[str, list[Policy]] = field(default_factory=dict)
    truth: list[dict[str, Json]] = field(default_factory=list)
    posture: list[dict[str, Json]] = field(default_factory=list)
    noise: list[dict[str, Json]] = field(default_factory=list)


def uuid(rng: Random) -> str:
    """Return an invented UUID, the same one for the same seed."""
    return str(UUID(int=rng.getrandbits(128), version=4))
