"""Builders: a site with a connected space, and syncs of it that read and publish small things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.caller import AccountId, Door, SiteId, SpaceId
from app.posture.model import (
    ApiPosture,
    Cell,
    CellState,
    Coverage,
    Direction,
    Environment,
    Finding,
    Kind,
    Severity,
    Verdict,
)
from app.store import (
    arrivals,
    asking,
    connections,
    leases,
    marks,
    publishing,
    readings,
    sections,
)
from app.store.database import DB, Database
from app.store.encryption import Keyring
from app.store.install_tokens import Receipt
from app.store.publishing import AssessedApi, PublishedRows
from app.store.syncs import Outcome

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPACE = SpaceId("65538")
TEST = Environment("env-test", "Test", "sandbox")
PRODUCTION = Environment("env-production", "Production", "production")
ENVIRONMENTS = (TEST, PRODUCTION)


def arrival(issuer: str, **changes: Any) -> arrivals.Arrival:
    """Return what a site says when it installs the app."""
    said = {
        "door": Door.CONNECT,
        "issuer": issuer,
        "base_url": f"https://{issuer}.atlassian.net/wiki",
        "display_url": f"https://{issuer}.atlassian.net/wiki",
        "oauth_client_id": "oauth-client",
        "shared_secret": f"secret of {issuer}",
    }
    return arrivals.Arrival(**(said | changes))


def receipt(token: bytes = b"token", body: bytes = b"body") -> Receipt:
    """Return an install token's receipt."""
    return Receipt(token, body, NOW + timedelta(minutes=3))


def values(**changes: Any) -> connections.ConnectionValues:
    """Return what an administrator saves."""
    said = {"control_plane": "us", "client_id": "client", "client_secret": "s3cret"}
    return connections.ConnectionValues(**(said | changes))


async def settle(database: Database, keyring: Keyring, issuer: str) -> "Home":
    """Install a site and connect its space."""
    async with database.lookup(issuer) as db:
        site_id, _ = await arrivals.install(db, arrival(issuer), receipt(), keyring, NOW)
    async with database.transaction(site_id) as db:
        await connections.save(
            db, site_id, SPACE, values(), keyring, by=AccountId("admin"), now=NOW
        )
        await connections.keep_environments(db, site_id, SPACE, ENVIRONMENTS)
    return Home(database, site_id)


@dataclass(frozen=True, slots=True)
class Read:
    """One instance as a test wants it read; a section named in `unread` has a reason instead."""

    environment: Environment
    instance_id: int
    api_key: str
    policies: Any = field(default_factory=list)
    unread: Mapping[str, str] = field(default_factory=dict)

    def bodies(self) -> dict[str, Any]:
        """Return the sections that were read."""
        facts = {"name": self.api_key}
        every = {"facts": facts, "policies": self.policies, "tiers": [], "contracts": []}
        return {name: body for name, body in every.items() if name not in self.unread}


@dataclass(frozen=True, slots=True)
class Home:
    """A site with one connected space, and what its syncs do."""

    database: Database
    site_id: SiteId
    space_id: SpaceId = SPACE

    async def begun(self, now: datetime = NOW) -> tuple[str, int]:
        """Ask for a sync and begin it."""
        async with self.database.transaction(self.site_id) as db:
            sync, _ = await asking.request(db, self.site_id, self.space_id, None, now)
            attempt = await leases.begin(db, self.site_id, self.space_id, sync.id, 30)
            assert attempt is not None
            await marks.save_environments(
                db, self.site_id, self.space_id, sync.id, attempt, ENVIRONMENTS
            )
        return sync.id, attempt

    async def read(
        self,
        sync_id: str,
        attempt: int,
        found: Sequence[Read],
        *,
        failed: Sequence[Environment] = (),
        now: datetime = NOW,
    ) -> None:
        """Write what was read, and both environments' marks."""
        async with self.database.transaction(self.site_id) as db:
            await self._save(db, sync_id, attempt, found)
            for environment in ENVIRONMENTS:
                is_failed = environment in failed
                await marks.finish_environment(
                    db,
                    self.site_id,
                    self.space_id,
                    sync_id,
                    attempt,
                    environment.id,
                    outcome=Outcome.FAILED if is_failed else Outcome.OK,
                    reason="It answered 403." if is_failed else None,
                    read_at=None if is_failed else now,
                    instances=sum(item.environment == environment for item in found),
                )

    async def published(
        self,
        found: Sequence[Read] = (),
        rows: PublishedRows | None = None,
        *,
        failed: Sequence[Environment] = (),
        now: datetime = NOW,
    ) -> int:
        """Run one whole sync and return its number."""
        sync_id, attempt = await self.begun(now)
        await self.read(sync_id, attempt, found, failed=failed, now=now)
        return await self.publish(sync_id, attempt, rows or PublishedRows(()), now)

    async def publish(
        self, sync_id: str, attempt: int, rows: PublishedRows, now: datetime = NOW
    ) -> int:
        """Publish a sync."""
        async with self.database.transaction(self.site_id) as db:
            return await publishing.publish(
                db, self.site_id, self.space_id, sync_id, attempt, rows, now
            )

    async def _save(self, db: DB, sync_id: str, attempt: int, found: Sequence[Read]) -> None:
        bodies: dict[bytes, bytes] = {}
        staged = []
        for item in found:
            written = {name: sections.canonical(body) for name, body in item.bodies().items()}
            digests = {name: sections.digest_of(body) for name, body in written.items()}
            bodies |= {digests[name]: body for name, body in written.items()}
            staged.append(
                readings.Reading(
                    environment_id=item.environment.id,
                    instance_id=item.instance_id,
                    api_key=item.api_key,
                    digests=sections.Digests(**digests),
                    unread=item.unread,
                    url=None,
                )
            )
        await sections.save(db, self.site_id, bodies)
        await readings.save(db, self.site_id, self.space_id, sync_id, attempt, staged)


def make_finding(fingerprint: str = "f1", **changes: Any) -> Finding:
    """Return a finding of high severity."""
    said: dict[str, Any] = {
        "fingerprint": fingerprint,
        "values_digest": "v1",
        "kind": Kind.POLICY_CONFIG,
        "rule": "D04",
        "severity": Severity.HIGH,
        "direction": Direction.WEAKER_IN_PRODUCTION,
        "subject": "jwt-validation",
        "path": "jwksUrl",
        "paths": ("jwksUrl",),
        "values": {TEST.id: "a", PRODUCTION.id: "b"},
        "outliers": (PRODUCTION.id,),
        "sentence": "JWT validation differs.",
        "owasp": "API2",
    }
    return Finding(**(said | changes))


def make_posture(key: str = "group/orders", *findings: Finding, **changes: Any) -> ApiPosture:
    """Return an API's posture, deployed everywhere."""
    group, _, asset = key.partition("/")
    said: dict[str, Any] = {
        "key": key,
        "name": asset.replace("-", " ").title(),
        "group_id": group,
        "asset_id": asset,
        "verdict": Verdict.THREAT if findings else Verdict.ALIGNED,
        "headline": findings[0].sentence if findings else "Same in 2 environments",
        "findings": findings,
        "notes": (),
        "coverage": Coverage(8, 8, (), 0, "8 of 8 parts read"),
        "cells": {e.id: Cell(CellState.DEPLOYED, policies=2) for e in ENVIRONMENTS},
    }
    return ApiPosture(**(said | changes))


def rows_of(*postures: ApiPosture, **changes: Any) -> PublishedRows:
    """Return what a sync publishes, every API assessed anew."""
    return PublishedRows([AssessedApi(item, item.key.encode()) for item in postures], **changes)
