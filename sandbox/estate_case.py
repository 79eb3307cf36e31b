"""One difference being planted: an API, the environment that will differ, what is to be found."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from zlib import crc32

from sandbox import estate_policies as catalogue
from sandbox.estate_model import Api, Contract, Estate, Instance, Json, Tier

TIERS = (
    Tier("Bronze", [(100, 60_000)]),
    Tier("Silver", [(500, 60_000)]),
    Tier("Gold", [(1000, 60_000), (40_000, 3_600_000)]),
    Tier("Trial", [(10, 60_000)]),
)
LIMITS = ("rate-limiting", "rate-limiting-sla-based", "spike-control")


def application_id(name: str) -> int:
    """Return an application's id: applications belong to the organisation, not to one API."""
    return 2_690_000 + crc32(name.encode()) % 300_000


@dataclass
class Case:
    """An API in which one environment is made to differ from all others.

    What a scenario needs is first given to every environment, so that only what it plants
    differs.
    """

    estate: Estate
    api: Api
    environment_id: str
    rng: Random
    lane: list[Instance] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take the instances as they are now; some may be added later."""
        self.lane = list(self.api.instances)

    @property
    def here(self) -> Instance:
        """Return the instance that will differ."""
        return next(item for item in self.lane if item.environment_id == self.environment_id)

    def found(self, kind: str, subject: str | None, *paths: str) -> None:
        """Note what a right comparison finds."""
        self.estate.truth.append(
            {
                "api": self.api.key,
                "group_id": self.api.group_id,
                "asset_id": self.api.asset_id,
                "name": self.api.name,
                "kind": kind,
                "subject": subject,
                "paths": sorted(paths),
                "environments": [self.environment_id],
            }
        )

    def breaks(self, rule: str, subject: str | None = None) -> None:
        """Note a posture rule that is broken; rules look at production, where there is one."""
        found = {"api": self.api.key, "rule": rule, "subject": subject}
        if self._is_looked_at() and found not in self.estate.posture:
            self.estate.posture.append(found)

    def _is_looked_at(self) -> bool:
        productions = [item.id for item in self.estate.environments if item.type == "production"]
        return not productions or self.environment_id in productions

    def harmless(self, what: str) -> None:
        """Note a difference that is none."""
        self.estate.noise.append(
            {"api": self.api.key, "environments": [self.environment_id], "noise": what}
        )

    def ensure(self, *asset_ids: str) -> None:
        """Let every environment apply these policies, set up alike."""
        for asset_id in asset_ids:
            made = catalogue.policy(asset_id, self.estate.organization_id, self.rng)
            for item in self.lane:
                if not item.has(asset_id):
                    item.apply(made)

    def drop(self, *asset_ids: str) -> None:
        """Let no environment apply these policies; tiers go with the policy that uses them."""
        for item in self.lane:
            for asset_id in asset_ids:
                item.drop(asset_id)
            if "rate-limiting-sla-based" in asset_ids:
                item.tiers = []
                for contract in item.contracts:
                    contract.tier = None

    def only_authentication(self, asset_id: str) -> None:
        """Let one policy be all that authenticates, with a limit beside it."""
        self.drop(*catalogue.AUTHENTICATION)
        self.ensure(asset_id, "rate-limiting")

    def with_tiers(self) -> None:
        """Let every environment have the same SLA tiers and the policy that uses them."""
        self.ensure("rate-limiting-sla-based")
        for item in self.lane:
            if not item.tiers:
                item.tiers = copy.deepcopy(list(TIERS))

    def with_contract(self, name: str, tier: str | None = None) -> None:
        """Let one more application have the same contract everywhere."""
        for item in self.lane:
            item.contracts.append(Contract(name, application_id(name), tier))

    def everywhere(self, asset_id: str) -> Iterator[dict[str, Json]]:
        """Yield the configuration of a policy in each environment, to be changed alike."""
        self.ensure(asset_id)
        for item in self.lane:
            yield item.policy(asset_id).configuration

    def configuration(self, asset_id: str) -> dict[str, Json]:
        """Return a policy's configuration in the environment that differs; all others have it."""
        self.ensure(asset_id)
        return self.here.policy(asset_id).configuration
