"""One site with one space, joined to an Anypoint stand-in in this very process."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from app.anypoint.auth import Credentials
from app.anypoint.client import AnypointClient
from app.anypoint.limiter import Clock, Gate, Limiter
from app.caller import AccountId, SiteId, SpaceId
from app.store import connections, syncs
from app.store.connections import Connection
from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.connecting import ConnectionService
from app.sync.job import SyncJobs
from app.sync.queue import Queue
from app.sync.schedule import Schedule
from app.sync.service import SyncService
from app.sync.trying import ConnectionChange
from sandbox.anypoint import AnypointStandIn
from sandbox.estate_model import Estate

SPACE = SpaceId("65538")
ADMIN = AccountId("admin")
PLANE = "http://127.0.0.1:9"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class WorldClock(Clock):
    """Waits as long as it says, and has the date of its world."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def now(self) -> datetime:
        """Return the date as it was moved by hand."""
        return self._world.now


@dataclass
class World:
    """Everything that a sync touches; `now` is moved by hand."""

    database: Database
    keyring: Keyring
    queue: Queue
    site_id: SiteId
    estate: Estate
    standin: AnypointStandIn
    now: datetime = START
    lease_seconds: int = 30
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Join the services as `main` does."""
        planes = {"us": PLANE}
        self.syncs = SyncService(self.database, self.queue, lambda: self.now)
        self.connections = ConnectionService(
            database=self.database,
            keyring=self.keyring,
            control_planes=planes,
            client=self._client,
            syncs_service=self.syncs,
            now=lambda: self.now,
        )
        self.schedule = Schedule(self.database, self.syncs, lambda: self.now)
        self.jobs = SyncJobs(
            database=self.database,
            keyring=self.keyring,
            queue=self.queue,
            schedule=self.schedule,
            control_planes=planes,
            client=self._client,
            concurrency=8,
            lease_seconds=self.lease_seconds,
            now=lambda: self.now,
        )

    def change(self, **changes: object) -> ConnectionChange:
        """Return what an administrator types, with some of it typed otherwise."""
        typed: dict[str, object] = {
            "control_plane": "us",
            "client_id": self.estate.client_id,
            "client_secret": self.estate.client_secret,
        }
        return ConnectionChange(**(typed | changes))  # type: ignore[arg-type]

    async def connect(self, **changes: object) -> Connection:
        """Save the connection."""
        return await self.connections.save(self.site_id, SPACE, ADMIN, self.change(**changes))

    async def sync(self) -> syncs.Sync:
        """Run the sync that is queued, or a new one, and return how it ended; an hour passes."""
        self.now += timedelta(hours=1)
        queued = await self.syncs.start(self.site_id, SPACE, ADMIN)
        await self.jobs.run(self.site_id, SPACE, queued.id)
        async with self.database.transaction(self.site_id) as db:
            ended = await syncs.one(db, self.site_id, SPACE, queued.id)
        assert ended is not None
        return ended

    async def connection(self) -> Connection | None:
        """Return the connection as it is kept."""
        async with self.database.transaction(self.site_id) as db:
            return await connections.current(db, self.site_id, SPACE)

    async def close(self) -> None:
        """Give the clients back."""
        for client in self.clients:
            await client.aclose()

    def _client(
        self, base_url: str, client_id: str, client_secret: str, key: bytes
    ) -> AnypointClient:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(self.standin))
        self.clients.append(http)
        return AnypointClient(
            http,
            base_url,
            Credentials(client_id, client_secret),
            limiter=Limiter(8, Gate(WorldClock(self))),
            fingerprint_key=key,
            retry_wait_cap=2,
        )
