"""Saying what is expected to differ, and taking it back: both take effect at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from app.caller import AccountId, Origin, SiteId, SpaceId
from app.errors import BadValue, Conflict, NotThere
from app.posture.model import Json
from app.store import audit, connections, expected_differences, judging, posture_rows, syncs
from app.store.audit import Act, Action
from app.store.connections import Connection
from app.store.database import DB, Database
from app.store.expected_differences import ExpectedRow
from app.sync.assessing import assess_anew

NOT_CONNECTED = "This space is not connected to Anypoint yet."


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an administrator expects: the values that a setting may have, by environment."""

    asset_id: str
    path: str
    note: str
    allowances: Mapping[str, Mapping[str, Json]]
    api_id: str | None = None


class ExpectedAlready(Conflict):
    """Something is expected of this very field already: withdraw that first."""

    def __init__(self, existing: ExpectedRow) -> None:
        made = existing.made_at.strftime("%Y-%m-%d %H:%M UTC")
        super().__init__(
            f"This setting has an expected difference already: account {existing.made_by} made it "
            f"on {made}. Withdraw that one first."
        )
        self.existing = existing


async def expect(
    database: Database,
    site_id: SiteId,
    space_id: SpaceId,
    wanted: Expectation,
    by: AccountId,
    origin: Origin,
    now: datetime,
) -> ExpectedRow:
    """Put an expected difference in force and assess anew; `ExpectedAlready`, `BadValue`."""
    async with database.transaction(site_id) as db:
        await judging.hold(db, site_id, space_id)
        await _check_environments(db, site_id, space_id, wanted)
        api_key = await _api_key(db, site_id, space_id, wanted.api_id)
        field = (wanted.asset_id, wanted.path, wanted.api_id)
        existing = await expected_differences.of_field(db, site_id, space_id, *field)
        if existing is not None:
            raise ExpectedAlready(existing)
        made = ExpectedRow(
            id=str(uuid4()),
            asset_id=wanted.asset_id,
            path=wanted.path,
            api_id=wanted.api_id,
            api_key=api_key,
            note=wanted.note,
            allowances=wanted.allowances,
            made_by=by,
            made_at=now,
        )
        await expected_differences.make(db, site_id, space_id, made)
        act = Act(Action.EXPECTATION_MADE, by, origin, made.id)
        await audit.write(db, site_id, space_id, act)
        await assess_anew(db, site_id, space_id, now, concerned(made))
    return made


async def withdraw_expectation(
    database: Database,
    site_id: SiteId,
    space_id: SpaceId,
    expected_id: str,
    by: AccountId,
    origin: Origin,
    now: datetime,
) -> None:
    """Withdraw an expected difference and assess anew; done before, it stays; `NotThere`."""
    async with database.transaction(site_id) as db:
        await judging.hold(db, site_id, space_id)
        known = await expected_differences.one(db, site_id, space_id, expected_id)
        if known is None:
            raise NotThere
        if known.withdrawn_at is not None:
            return
        await expected_differences.withdraw(db, site_id, space_id, expected_id, by, now)
        act = Act(Action.EXPECTATION_WITHDRAWN, by, origin, expected_id)
        await audit.write(db, site_id, space_id, act)
        await assess_anew(db, site_id, space_id, now, concerned(known))


def concerned(expected: ExpectedRow) -> list[str] | None:
    """Return the APIs that may look otherwise by it, None for all."""
    return None if expected.api_id is None else [expected.api_id]


async def connected(db: DB, site_id: SiteId, space_id: SpaceId) -> Connection:
    """Return the space's connection; `Conflict` without one."""
    connection = await connections.current(db, site_id, space_id)
    if connection is None:
        raise Conflict(NOT_CONNECTED)
    return connection


async def _check_environments(
    db: DB, site_id: SiteId, space_id: SpaceId, wanted: Expectation
) -> None:
    connection = await connected(db, site_id, space_id)
    sync = await syncs.published(db, site_id, space_id)
    known = {item.id for item in connection.environments}
    known |= {item.id for item in sync.environments} if sync else set()
    if not known.issuperset(wanted.allowances):
        raise BadValue({"values": "An environment is none of this connection's."})


async def _api_key(db: DB, site_id: SiteId, space_id: SpaceId, api_id: str | None) -> str | None:
    if api_id is None:
        return None
    sync = await syncs.published(db, site_id, space_id)
    number = (sync.number if sync else None) or 0
    row = await posture_rows.one(db, site_id, space_id, number, api_id)
    if row is None:
        raise BadValue({"api_id": "There is no API of this id in the published sync."})
    return row.api_key
