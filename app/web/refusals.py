"""Keeping in the audit log what a person tried to change and may not."""

from collections.abc import Awaitable, Callable

from app.caller import SiteId, SpaceId
from app.store import audit
from app.store.audit import Act
from app.store.database import Database

NoteRefusal = Callable[[SiteId, SpaceId, Act], Awaitable[None]]
"""`note_refusal` with its database: site, space, what was refused."""


async def note_refusal(database: Database, site_id: SiteId, space_id: SpaceId, act: Act) -> None:
    """Keep a refused act, in a transaction of its own: nothing else was done."""
    async with database.transaction(site_id) as db:
        await audit.write_refusal(db, site_id, space_id, act)
