"""Reading one API live: what Anypoint says of it now, judged as a sync would, kept nowhere."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.anypoint.client import AnypointClient
from app.anypoint.errors import Away, CredentialsRefused
from app.caller import SiteId, SpaceId
from app.errors import Conflict, NotThere, TooSoon
from app.posture.assessment import assess_api
from app.posture.model import ApiPosture, ApiReading, Scope
from app.store import connections, sites, syncs
from app.store.connections import Connection
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.syncs import Sync
from app.sync.connecting import ClientFactory
from app.sync.known_api import KnownApi, known_api
from app.sync.live_reading import LiveReader
from app.sync.scope import scope_of

AGAIN = timedelta(seconds=15)
"""How long one API is left alone after it was read live."""

AT_ONCE = 3
"""Live readings of one space that may be under way together."""

WITHIN_SECONDS = 45.0
"""How long a person waits at most."""

MOST_REMEMBERED = 10_000

CHANGED = "The connection was changed since the last sync. Run a sync first."


@dataclass(frozen=True, slots=True)
class LiveApi:
    """One API as it was read just now, beside what the published sync knows of it."""

    known: KnownApi
    scope: Scope
    reading: ApiReading
    posture: ApiPosture
    read_at: datetime
    group_names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a live reading starts from."""

    known: KnownApi
    scope: Scope
    connection: Connection
    client: AnypointClient


class RefreshService:
    """Reads single APIs for people who wait; the pace is this process's."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        control_planes: Mapping[str, str],
        client: ClientFactory,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._control_planes = control_planes
        self._client = client
        self._now = now
        self._read_at: OrderedDict[tuple[str, str, str], datetime] = OrderedDict()
        self._under_way: dict[tuple[str, str], int] = {}

    async def refresh(self, site_id: SiteId, space_id: SpaceId, api_id: str) -> LiveApi:
        """Read an API of the published sync anew; `TooSoon` if that was done a moment ago."""
        ground = await self._ground(site_id, space_id, api_id)
        with self._turn(site_id, space_id, api_id):
            scope, reading = await _read(ground)
        read_at = self._now()
        scope = replace(scope, as_of=read_at)
        posture = await asyncio.to_thread(assess_api, scope, reading)
        return LiveApi(
            ground.known, scope, reading, posture, read_at, ground.connection.group_names
        )

    @contextmanager
    def _turn(self, site_id: SiteId, space_id: SpaceId, api_id: str) -> Iterator[None]:
        key, space = (site_id, space_id, api_id), (site_id, space_id)
        now = self._now()
        ready = self._read_at.get(key, now - AGAIN) + AGAIN
        if ready > now:
            raise TooSoon(max(1, round((ready - now).total_seconds())))
        if self._under_way.get(space, 0) >= AT_ONCE:
            raise TooSoon(1, "Other APIs of this space are being read live. Try again in a moment.")
        self._read_at[key] = now
        self._read_at.move_to_end(key)
        if len(self._read_at) > MOST_REMEMBERED:
            self._read_at.popitem(last=False)
        self._under_way[space] = self._under_way.get(space, 0) + 1
        try:
            yield
        finally:
            self._under_way[space] -= 1
            if not self._under_way[space]:
                del self._under_way[space]

    async def _ground(self, site_id: SiteId, space_id: SpaceId, api_id: str) -> _Ground:
        async with self._database.transaction(site_id) as db:
            place = (db, site_id, space_id)
            sync = await syncs.published(*place)
            connection = await connections.current(*place)
            if sync is None or connection is None:
                raise NotThere
            known = await known_api(*place, sync, api_id)
            scope = await scope_of(*place, sync, connection, self._now())
            secret = await connections.client_secret(*place, self._keyring)
            key = await sites.fingerprint_key(db, site_id, self._keyring)
        base_url = self._control_planes.get(connection.control_plane)
        if connection.refused_at is not None:
            raise CredentialsRefused
        if secret is None or base_url is None or not _is_same(connection, sync):
            raise Conflict(CHANGED)
        # The baseline that the sync was compared with: what is shown beside it has the same.
        scope = replace(scope, baseline_environment_id=sync.baseline_environment_id)
        client = self._client(base_url, connection.client_id, secret, key)
        return _Ground(known, scope, connection, client)


def _is_same(connection: Connection, sync: Sync) -> bool:
    chosen = {item.id for item in connection.environments}
    return bool(connection.organization_id) and all(item.id in chosen for item in sync.environments)


async def _read(ground: _Ground) -> tuple[Scope, ApiReading]:
    row = ground.known.row
    asset = (row.group_id, row.asset_id) if row.group_id and row.asset_id else None
    organization_id = ground.connection.organization_id or ""
    reader = LiveReader(ground.client, organization_id, row.api_key, asset)
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            return await reader.read(ground.scope)
    except TimeoutError:
        raise Away("Anypoint did not answer in time. Try again in a moment.") from None
