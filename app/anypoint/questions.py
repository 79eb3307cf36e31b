"""The addresses of Anypoint's endpoints: what is asked for which list, with which parameters.

Documented in MuleSoft's OpenAPI for access management and API Manager (`mulesoft/mulesoft-dx`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from app.anypoint.answers import (
    APIS,
    CONTRACTS,
    ENVIRONMENTS,
    ORGANIZATION,
    POLICIES,
    TIERS,
    Subject,
)

ACCOUNTS = "/accounts/api"
API_MANAGER = "/apimanager/api/v1"
ENVIRONMENTS_PAGE = 500
ASSETS_PAGE = 100
ROWS_PAGE = 250


@dataclass(frozen=True, slots=True)
class Question:
    """A GET: its path under the control plane, what it is about, and how early it is wanted.

    The parameters are written as they are: what is not our own in them is escaped before.
    """

    path: str
    subject: Subject
    organization_id: str = ""
    environment_id: str | None = None
    priority: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def headers(self) -> dict[str, str]:
        """Return the headers that name its place; an id that no header could hold is escaped."""
        place = {"X-ANYPNT-ORG-ID": _plain(self.organization_id)}
        if self.environment_id:
            place["X-ANYPNT-ENV-ID"] = _plain(self.environment_id)
        return place


def me() -> Question:
    """Ask who the Connected App is."""
    return Question(f"{ACCOUNTS}/me", ORGANIZATION)


def organization(organization_id: str) -> Question:
    """Ask for one organisation."""
    path = f"{ACCOUNTS}/organizations/{_segment(organization_id)}"
    return Question(path, ORGANIZATION, organization_id)


def environments(organization_id: str, offset: int) -> Question:
    """Ask for a page of environments."""
    path = f"{ACCOUNTS}/organizations/{_segment(organization_id)}/environments"
    parameters = {"limit": ENVIRONMENTS_PAGE, "offset": offset}
    return Question(path, ENVIRONMENTS, organization_id, parameters=parameters)


@dataclass(frozen=True, slots=True)
class Place:
    """An environment of an organisation, and how early its answers are wanted."""

    organization_id: str
    environment_id: str
    priority: int

    def apis(
        self, offset: int, limit: int = ASSETS_PAGE, asset: tuple[str, str] | None = None
    ) -> Question:
        """Ask for a page of assets, each with its instances: limit and offset count assets."""
        only = {"groupId": _plain(asset[0]), "assetId": _plain(asset[1])} if asset else {}
        # A list goes before the instances' parts: the next page is what keeps the pipe full.
        return Question(
            f"{self._environment}/apis",
            APIS,
            self.organization_id,
            self.environment_id,
            2 * self.priority,
            {"limit": limit, "offset": offset, **only},
        )

    def automated_policies(self) -> Question:
        """Ask for the automated policies, which no instance lists."""
        organization_id = _segment(self.organization_id)
        return Question(
            f"{API_MANAGER}/organizations/{organization_id}/automated-policies",
            POLICIES,
            self.organization_id,
            self.environment_id,
            2 * self.priority,
            {"environmentId": _segment(self.environment_id)},
        )

    def policies(self, instance_id: int) -> Question:
        """Ask for an instance's policies; without this parameter switched-off ones are left out."""
        return self._part(instance_id, "policies", POLICIES, {"fullInfo": "false"})

    def tiers(self, instance_id: int, offset: int) -> Question:
        """Ask for a page of SLA tiers."""
        return self._part(instance_id, "tiers", TIERS, {"limit": ROWS_PAGE, "offset": offset})

    def contracts(self, instance_id: int, offset: int) -> Question:
        """Ask for a page of contracts."""
        page = {"limit": ROWS_PAGE, "offset": offset}
        return self._part(instance_id, "contracts", CONTRACTS, page)

    @property
    def _environment(self) -> str:
        organization_id = _segment(self.organization_id)
        environment_id = _segment(self.environment_id)
        return f"{API_MANAGER}/organizations/{organization_id}/environments/{environment_id}"

    def _part(
        self, instance_id: int, name: str, subject: Subject, parameters: Mapping[str, Any]
    ) -> Question:
        return Question(
            f"{self._environment}/apis/{instance_id}/{name}",
            subject,
            self.organization_id,
            self.environment_id,
            2 * self.priority + 1,
            parameters,
        )


@lru_cache(maxsize=256)  # each call of a sync names the same few
def _plain(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _segment(value: str) -> str:
    # A dot is no reserved sign, but "..", the id of nothing, would lead to another address.
    return _plain(value).replace(".", "%2E")
