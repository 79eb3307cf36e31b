"""Reading one API from Anypoint now: its instances in every environment, into memory alone."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from app.anypoint.client import AnypointClient, InstanceListing
from app.anypoint.errors import CouldNotRead, Gone, Throttled
from app.posture.matching import api_key
from app.posture.model import (
    ApiReading,
    Environment,
    EnvironmentReading,
    InstanceReading,
    Json,
    Scope,
    Section,
)
from app.store import sections
from app.sync.together import together


class LiveReader:
    """Reads one API of one organisation; `asset` is its group and asset id if it has them."""

    def __init__(
        self,
        client: AnypointClient,
        organization_id: str,
        key: str,
        asset: tuple[str, str] | None,
    ) -> None:
        self._client = client
        self._organization_id = organization_id
        self._key = key
        self._asset = asset

    async def read(self, scope: Scope) -> tuple[Scope, ApiReading]:
        """Read all environments of a scope side by side; raise what concerns them all."""
        async with together() as group:
            tasks = [
                group.create_task(self._environment(position, item.environment))
                for position, item in enumerate(scope.environments)
            ]
        read = [task.result() for task in tasks]
        instances = tuple(instance for _, held in read for instance in held)
        environments = tuple(environment for environment, _ in read)
        return replace(scope, environments=environments), ApiReading(self._key, instances)

    async def _environment(
        self, position: int, environment: Environment
    ) -> tuple[EnvironmentReading, list[InstanceReading]]:
        """Return what an environment holds of the API, or why that could not be read."""
        automated = await _automated(
            self._client.automated_policies(self._organization_id, environment, priority=position)
        )
        try:
            found = await self._instances(position, environment)
        except Throttled:
            raise
        except CouldNotRead as error:
            return EnvironmentReading(environment, error.message, automated), []
        return EnvironmentReading(environment, None, automated), found

    async def _instances(self, position: int, environment: Environment) -> list[InstanceReading]:
        pages = self._client.instances(
            self._organization_id, environment, priority=position, asset=self._asset
        )
        listed = [item async for page in pages for item in page if api_key(item.facts) == self._key]
        read = await asyncio.gather(
            *(self._instance(position, environment, item) for item in listed)
        )
        return [reading for reading in read if reading is not None]

    async def _instance(
        self, position: int, environment: Environment, listing: InstanceListing
    ) -> InstanceReading | None:
        """Return an instance, or None if it vanished after it was listed."""
        where = (self._organization_id, environment, listing.instance_id)
        active = listing.facts["active_contracts"]
        try:
            policies, tiers, contracts = await asyncio.gather(
                _part(self._client.policies(*where, priority=position)),
                _part(self._client.tiers(*where, priority=position)),
                _part(self._client.contracts(*where, active_contracts=active, priority=position)),
            )
        except Gone:
            return None
        facts = _as_section(listing.facts)
        return InstanceReading(
            environment.id, listing.instance_id, facts, policies, tiers, contracts, listing.url
        )


async def _part(reading: Awaitable[Json]) -> Section:
    """Return a part of an instance, or why it was not read; raise `Gone` if the instance is."""
    try:
        return _as_section(await reading)
    except (Gone, Throttled):
        raise
    except CouldNotRead as error:
        return Section(not_read=error.message)


async def _automated(reading: Awaitable[Json]) -> Section:
    """Return an environment's automated policies, or why they were not read."""
    try:
        return await _part(reading)
    except Gone as error:
        return Section(not_read=error.message)


def _as_section(body: Json) -> Section:
    return Section(body, sections.digest(body))
