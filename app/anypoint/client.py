"""Everything that is asked of Anypoint: one method per endpoint, in the core's types."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import httpx

from app.anypoint import paging, payloads, questions, translation
from app.anypoint.auth import Credentials, TokenAuth
from app.anypoint.calls import Calls
from app.anypoint.errors import BadAnswer, CutShort, Gone, NotAllowed, TokenRefused
from app.anypoint.limiter import Limiter
from app.anypoint.links import instance_url
from app.anypoint.paging import Page
from app.anypoint.payloads import Payload
from app.anypoint.questions import Place
from app.anypoint.scopes import MissingScope, missing_scopes
from app.posture.model import (
    AutomatedPolicyBody,
    ContractBody,
    Environment,
    FactsBody,
    PolicyBody,
    TierBody,
)


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation or business group that the Connected App sees."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class InstanceListing:
    """An API instance as the list of its environment shows it."""

    instance_id: int
    facts: FactsBody
    url: str


class AnypointClient:
    """Reads one control plane with one Connected App; it never writes.

    Whatever cannot be read raises `CouldNotRead`; nothing unreadable becomes an empty list.
    `priority` is the environment's position: earlier ones get their turns first.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        credentials: Credentials,
        *,
        limiter: Limiter,
        fingerprint_key: bytes,
        retry_wait_cap: float = 90,
    ) -> None:
        auth = TokenAuth(base_url, credentials, limiter.clock)
        self._calls = Calls(http, base_url, auth, limiter, retry_wait_cap)
        self._base_url = base_url
        self._key = fingerprint_key

    @property
    def requests(self) -> int:
        """How many requests were sent so far, repetitions included, the token's own apart."""
        return self._calls.sent

    async def organizations(self, configured: str | None = None) -> tuple[Organization, ...]:
        """Return the organisations that the Connected App sees, its own first.

        Where Anypoint will not say, the configured one alone.
        """
        try:
            user = await self._user()
            own = _own_organization(user)
            members = payloads.optional_rows(user.get("memberOfOrganizations"), "organisations")
        except (TokenRefused, NotAllowed, Gone, BadAnswer):
            if not configured:
                raise
            return (await self.organization(configured),)
        seen = {item.id: item for item in (own, *map(_organization, members))}
        return tuple(seen.values())

    async def own_organization(self) -> Organization:
        """Return the organisation to which the Connected App belongs."""
        return _own_organization(await self._user())

    async def organization(self, organization_id: str) -> Organization:
        """Return one organisation."""
        answer = await self._calls.json(questions.organization(organization_id))
        return _organization(payloads.mapping(answer, "organisations"))

    async def environments(self, organization_id: str) -> tuple[Environment, ...]:
        """Return all environments of an organisation, those of type `design` too."""

        async def page(offset: int) -> Page:
            answer = await self._calls.json(questions.environments(organization_id, offset))
            return payloads.listing(answer, "data", "environments")

        return tuple(_environment(row) for row in await paging.all_rows(page, "environments"))

    async def instances(
        self,
        organization_id: str,
        environment: Environment,
        *,
        priority: int = 0,
        asset: tuple[str, str] | None = None,
    ) -> AsyncIterator[tuple[InstanceListing, ...]]:
        """Yield the instances of an environment page by page, each instance once.

        `asset`, a group id and an asset id, asks for its instances; others may come with them.
        """
        place = Place(organization_id, environment.id, priority)
        seen: set[int] = set()

        async def page(offset: int) -> Page:
            answer = await self._calls.json(place.apis(offset, asset=asset))
            return payloads.listing(answer, "assets", "APIs")

        async for assets in paging.pages(page, "APIs", _count_instances, _asset_key):
            listings = {item.instance_id: item for item in self._listings(place, assets)}
            fresh = [item for key, item in listings.items() if key not in seen]
            seen |= listings.keys()
            yield tuple(fresh)

    async def policies(
        self, organization_id: str, environment: Environment, instance_id: int, *, priority: int = 0
    ) -> list[PolicyBody]:
        """Return an instance's own policies, switched-off ones included, secrets sealed."""
        place = Place(organization_id, environment.id, priority)
        answer = await self._calls.json(place.policies(instance_id))
        return translation.policies(answer, self._key)

    async def tiers(
        self, organization_id: str, environment: Environment, instance_id: int, *, priority: int = 0
    ) -> list[TierBody]:
        """Return an instance's SLA tiers."""
        place = Place(organization_id, environment.id, priority)

        async def page(offset: int) -> Page:
            answer = await self._calls.json(place.tiers(instance_id, offset))
            return payloads.listing(answer, "tiers", "SLA tiers")

        return [translation.tier(row) for row in await paging.all_rows(page, "SLA tiers")]

    async def contracts(
        self,
        organization_id: str,
        environment: Environment,
        instance_id: int,
        *,
        active_contracts: int | None = None,
        priority: int = 0,
    ) -> list[ContractBody]:
        """Return an instance's contracts of every status.

        An empty list where the instance itself counts some is a missing right, not a zero.
        """
        place = Place(organization_id, environment.id, priority)

        async def page(offset: int) -> Page:
            answer = await self._calls.json(place.contracts(instance_id, offset))
            return payloads.listing(answer, "contracts", "contracts")

        rows = await paging.all_rows(page, "contracts")
        if active_contracts and not rows:
            raise CutShort(
                f"Anypoint counts {active_contracts} contracts but shows none. "
                "Ask an Anypoint administrator for View Contracts."
            )
        return [translation.contract(row) for row in rows]

    async def automated_policies(
        self, organization_id: str, environment: Environment, *, priority: int = 0
    ) -> list[AutomatedPolicyBody]:
        """Return the automated policies of an environment, secrets sealed."""
        question = Place(organization_id, environment.id, priority).automated_policies()
        answer = await self._calls.json(question)
        listed, total = payloads.listing(answer, "automatedPolicies", "automated policies")
        if total is not None and len(listed) < total:
            raise CutShort("Anypoint's list of automated policies ended before its own count.")
        return translation.automated_policies(listed, environment.id, self._key)

    async def missing_scopes(
        self, organization_id: str, environments: Sequence[Environment]
    ) -> tuple[MissingScope, ...]:
        """Return the scopes that are missing or could not be checked, found by asking once each."""
        return await missing_scopes(self._calls, organization_id, environments)

    async def _user(self) -> Payload:
        answer = payloads.mapping(await self._calls.json(questions.me()), "the Connected App")
        return payloads.mapping(answer.get("user"), "the Connected App")

    def _listings(self, place: Place, assets: Sequence[Payload]) -> Iterator[InstanceListing]:
        for asset in assets:
            for instance in payloads.rows(asset.get("apis"), "API instances"):
                instance_id = payloads.needed_id(instance.get("id"), "an API instance")
                url = instance_url(
                    self._base_url, place.organization_id, place.environment_id, instance_id
                )
                yield InstanceListing(instance_id, translation.facts(asset, instance), url)


def _count_instances(assets: Sequence[Payload]) -> int:
    return sum(len(payloads.rows(asset.get("apis"), "API instances")) for asset in assets)


def _asset_key(asset: Payload, place: int | None) -> str:
    """Return what tells a row of the list apart: an asset may come twice, with other instances."""
    instances = payloads.rows(asset.get("apis"), "API instances")
    own = (paging.key_of(instance, at) for at, instance in enumerate(instances))
    return f"{paging.key_of(asset, place)} with {sorted(own)}"


def _organization(row: Payload) -> Organization:
    organization_id = payloads.needed_key(row.get("id"), "an organisation")
    return Organization(organization_id, payloads.text(row.get("name")) or organization_id)


def _own_organization(user: Payload) -> Organization:
    own = user.get("organization")
    if isinstance(own, dict):
        return _organization(own)
    organization_id = payloads.needed_key(user.get("organizationId"), "the Connected App")
    members = payloads.optional_rows(user.get("memberOfOrganizations"), "organisations")
    named = (item for item in map(_organization, members) if item.id == organization_id)
    return next(named, Organization(organization_id, organization_id))


def _environment(row: Payload) -> Environment:
    environment_id = payloads.needed_key(row.get("id"), "an environment")
    assumed = "production" if row.get("isProduction") is True else "sandbox"
    return Environment(
        id=environment_id,
        name=payloads.text(row.get("name")) or environment_id,
        type=payloads.text(row.get("type")) or assumed,
    )
