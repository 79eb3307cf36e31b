"""Connecting a space to Anypoint: the commands that try credentials, save them, remove them."""

from collections.abc import Callable, Mapping
from datetime import datetime

from app.anypoint.client import AnypointClient
from app.caller import INSIDE, AccountId, Origin, SiteId, SpaceId
from app.errors import BadValue, Conflict, NotThere
from app.store import agenda, asking, audit, connections, holding
from app.store.audit import Act, Action
from app.store.connections import Connection, ConnectionValues
from app.store.database import DB, Database
from app.store.encryption import Keyring
from app.sync.recording import record_saving, trial
from app.sync.schedule import next_date
from app.sync.service import SyncService
from app.sync.trying import (
    ConnectionChange,
    ConnectionTest,
    Discovery,
    check_bounds,
    discovered,
    tried,
)

ClientFactory = Callable[[str, str, str, bytes], AnypointClient]
"""Base URL, client id, client secret, fingerprint key → a client of its own."""


class ConnectionService:
    """The commands of the settings page."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        control_planes: Mapping[str, str],
        client: ClientFactory,
        syncs_service: SyncService,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._control_planes = control_planes
        self._client = client
        self._syncs = syncs_service
        self._now = now

    async def test(
        self,
        site_id: SiteId,
        space_id: SpaceId,
        change: ConnectionChange | None,
        account_id: AccountId | None = None,
        origin: Origin = INSIDE,
    ) -> ConnectionTest:
        """Try the given or else the stored values; store nothing but that it was done."""
        found = await self._tried(site_id, space_id, change)
        async with self._database.transaction(site_id) as db:
            act = trial(ok=found.ok, by=account_id, origin=origin)
            await audit.write(db, site_id, space_id, act)
        return found

    async def _tried(
        self, site_id: SiteId, space_id: SpaceId, change: ConnectionChange | None
    ) -> ConnectionTest:
        change = change or await self._stored_change(site_id, space_id)
        secret = await self._secret(site_id, space_id, change)
        return await tried(self._client_for(change, secret), change)

    async def save(
        self,
        site_id: SiteId,
        space_id: SpaceId,
        account_id: AccountId | None,
        change: ConnectionChange,
        origin: Origin = INSIDE,
    ) -> Connection:
        """Check the values with Anypoint, store them and start a sync; Anypoint away: stored too."""
        check_bounds(change)
        secret = await self._secret(site_id, space_id, change)
        discovery = await discovered(self._client_for(change, secret), change)
        async with self._database.transaction(site_id) as db:
            await holding.saving(db, site_id, space_id)
            before = await connections.current(db, site_id, space_id)
            _check_seen(change, before)
            values = _values(change, discovery)
            saved = await connections.save(
                db,
                site_id,
                space_id,
                values,
                self._keyring,
                by=account_id,
                now=self._now(),
                seen_version=change.seen_version,
            )
            await record_saving(
                db,
                site_id,
                space_id,
                before,
                saved,
                new_secret=change.client_secret is not None,
                by=account_id,
                origin=origin,
            )
            if discovery.environments or (before and _is_elsewhere(before, values)):
                await connections.keep_environments(db, site_id, space_id, discovery.environments)
            if before:
                await asking.cancel_all(db, site_id, space_id, "The connection was changed.")
            await self._syncs.request(db, site_id, space_id, account_id, origin)
            await self._schedule_next(db, site_id, space_id, change)
            current = await connections.current(db, site_id, space_id)
        return current or saved

    async def _schedule_next(
        self, db: DB, site_id: SiteId, space_id: SpaceId, change: ConnectionChange
    ) -> None:
        """Set when the next sync is due, whatever becomes of the one that was just asked for."""
        following = next_date(self._now(), change.sync_interval_hours)
        await agenda.schedule(db, site_id, space_id, following)

    async def remove(
        self,
        site_id: SiteId,
        space_id: SpaceId,
        account_id: AccountId | None = None,
        origin: Origin = INSIDE,
    ) -> None:
        """Destroy the credentials and stop the syncs; the history stays."""
        async with self._database.transaction(site_id) as db:
            if not await connections.remove(db, site_id, space_id, self._now()):
                raise NotThere
            await asking.cancel_all(db, site_id, space_id, "The connection was removed.")
            act = Act(Action.CONNECTION_REMOVED, account_id, origin)
            await audit.write(db, site_id, space_id, act)

    async def _stored_change(self, site_id: SiteId, space_id: SpaceId) -> ConnectionChange:
        async with self._database.transaction(site_id) as db:
            stored = await connections.current(db, site_id, space_id)
        if stored is None:
            raise NotThere
        return ConnectionChange(
            control_plane=stored.control_plane,
            client_id=stored.client_id,
            organization_id=stored.organization_id,
            environment_ids=stored.environment_ids,
        )

    async def _secret(self, site_id: SiteId, space_id: SpaceId, change: ConnectionChange) -> str:
        """Return the secret as typed, or the stored one if it belongs to the same app and plane."""
        if change.client_secret is not None:
            return change.client_secret
        async with self._database.transaction(site_id) as db:
            stored = await connections.current(db, site_id, space_id)
            secret = await connections.client_secret(db, site_id, space_id, self._keyring)
        same = stored and (stored.control_plane, stored.client_id) == (
            change.control_plane,
            change.client_id,
        )
        # A stored secret is never sent to a place, or in a name, that it was not given for.
        if secret is None or not same:
            raise BadValue({"client_secret": "Enter the client secret of this Connected App."})
        return secret

    def _client_for(self, change: ConnectionChange, secret: str) -> AnypointClient:
        base_url = self._control_planes.get(change.control_plane)
        if base_url is None:
            raise BadValue({"control_plane": "Choose one of the listed control planes."})
        # Nothing that is sealed is kept from here, so no site's key is needed.
        return self._client(base_url, change.client_id, secret, b"")


def _values(change: ConnectionChange, discovery: Discovery) -> ConnectionValues:
    organization = discovery.organization
    return ConnectionValues(
        control_plane=change.control_plane,
        client_id=change.client_id,
        client_secret=change.client_secret,
        organization_id=organization.id if organization else change.organization_id,
        organization_name=organization.name if organization else None,
        environment_ids=change.environment_ids,
        baseline_environment_id=change.baseline_environment_id,
        sync_interval_hours=change.sync_interval_hours,
        ignored_application_suffixes=change.ignored_application_suffixes,
    )


def _check_seen(change: ConnectionChange, before: Connection | None) -> None:
    seen = change.seen_version
    if seen is not None and (before is None or before.version != seen):
        raise Conflict(connections.SAVED_MEANWHILE)


def _is_elsewhere(before: Connection, values: ConnectionValues) -> bool:
    return (before.control_plane, before.client_id, before.organization_id) != (
        values.control_plane,
        values.client_id,
        values.organization_id,
    )
