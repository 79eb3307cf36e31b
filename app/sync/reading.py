"""Everything that one attempt reads: the organisation, its environments, and all that is in them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import datetime

from app.anypoint.client import AnypointClient
from app.anypoint.errors import BadAnswer, CouldNotRead, Throttled
from app.posture.model import Environment
from app.store import connections, holding, leases, marks, sections, syncs
from app.store.connections import Connection
from app.store.database import Database
from app.sync.collect import Reader
from app.sync.journal import Journal
from app.sync.lease import Hold
from app.sync.trying import DESIGN

log = logging.getLogger(__name__)

Ground = tuple[str, tuple[Environment, ...]]
"""The organisation's id, and the environments to read in their order."""


class SyncReading:
    """Reads what the sync has not read yet, and writes it down as it comes."""

    def __init__(
        self,
        database: Database,
        hold: Hold,
        connection: Connection,
        client: AnypointClient,
        *,
        concurrency: int,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._hold = hold
        self._connection = connection
        self._client = client
        self._concurrency = concurrency
        self._now = now
        self._journal = Journal(database, hold, lambda: client.requests)
        self._known: set[bytes] = set()

    async def run(self) -> None:
        """Read all environments; raise what ends the whole sync.

        What is kept of organisation and environments is confirmed beside the reading: the answers
        cost a round trip each.
        """
        confirming = asyncio.create_task(self._confirmed())
        try:
            await self._prepare()
            kept = self._kept()
            if kept is not None:
                await self._read(*kept)
            confirmed = await self._word(confirming)
        finally:
            confirming.cancel()
            await asyncio.gather(confirming, return_exceptions=True)
        if confirmed is not None and (kept is None or set(confirmed[1]) - set(kept[1])):
            await self._read(*confirmed)

    async def _prepare(self) -> None:
        hold = self._hold
        async with self._database.transaction(hold.site_id) as db:
            current = await sections.known_digests(db, hold.site_id, hold.space_id)
        self._known |= {
            name for digests in current.values() for name in astuple(digests) if name is not None
        }

    def _kept(self) -> Ground | None:
        connection = self._connection
        if connection.organization_id and connection.environments:
            return connection.organization_id, connection.environments
        return None

    async def _word(self, confirming: "asyncio.Task[Ground]") -> Ground | None:
        """Return Anypoint's own word; None where it gave none and we could read all the same."""
        try:
            return await confirming
        except Throttled:
            raise
        except CouldNotRead as error:
            if not self._journal.has_read_anything:
                raise
            log.info("sync %s: environments not confirmed: %s", self._hold.sync_id, error.kind)
            return None

    async def _read(self, organization_id: str, environments: tuple[Environment, ...]) -> None:
        """Read the sync's environments that nobody has finished, those of earlier attempts too."""
        hold = self._hold
        async with self._database.transaction(hold.site_id) as db:
            await marks.save_environments(db, *hold.fence, environments)
            sync = await syncs.one(db, *hold.sync)
        assert sync is not None
        self._journal.resume(sync)
        reader = Reader(
            client=self._client,
            organization_id=organization_id,
            journal=self._journal,
            known=self._known,
            now=self._now,
            concurrency=self._concurrency,
        )
        await reader.read(
            {
                position: Environment(item.id, item.name, item.type)
                for position, item in enumerate(sync.environments)
                if not item.finished
            },
            is_first=hold.attempt == 1,
        )

    async def _confirmed(self) -> Ground:
        """Ask Anypoint for organisations and environments, and keep what it says."""
        connection, hold = self._connection, self._hold
        organizations = await self._client.organizations(connection.organization_id)
        organization_id = connection.organization_id or organizations[0].id
        listed = await self._client.environments(organization_id)
        chosen = chosen_environments(connection.environment_ids, listed, connection.environments)
        if not chosen:
            raise BadAnswer("Anypoint lists no environment that can be compared.")
        names = {item.id: item.name for item in organizations}
        name = names.get(organization_id, organization_id)
        async with self._database.transaction(hold.site_id) as db:
            where = (db, hold.site_id, hold.space_id)
            await holding.connection(*where)
            await leases.fence(db, *hold.fence)
            await connections.keep_environments(*where, chosen)
            await connections.keep_group_names(*where, names)
            await connections.keep_organization(*where, organization_id, name)
        return organization_id, chosen


def chosen_environments(
    ids: tuple[str, ...] | None, listed: Sequence[Environment], before: Sequence[Environment] = ()
) -> tuple[Environment, ...]:
    """Return the chosen environments; without a choice all but `design`.

    A chosen one that is not listed any more stays as it was: its reading says why it is unknown.
    """
    if ids is None:
        return tuple(item for item in listed if item.type != DESIGN)
    found = {item.id: item for item in (*before, *listed)}
    return tuple(found[id_] for id_ in ids if id_ in found)
