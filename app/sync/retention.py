"""Retention: what is deleted by its age, space by space and site by site, each under its own policy."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from app.caller import SiteId, SpaceId
from app.errors import Unavailable
from app.store import agenda, audit, jobs, page_tokens, purging
from app.store.database import Database

log = logging.getLogger(__name__)

ENDED_JOBS = timedelta(days=7)
"""How long the queue keeps a job that failed, for whoever looks after it."""

AskGone = Callable[[SiteId, SpaceId], Awaitable[bool]]
"""Whether Confluence has no such space any more; raises `Unavailable` where it says nothing."""


async def nobody_says(site_id: SiteId, space_id: SpaceId) -> bool:
    """Answer for a process that cannot ask: nothing is gone, so nothing is deleted."""
    del site_id, space_id
    return False


class Retention:
    """The agenda's third reader: it starts nothing, it deletes."""

    def __init__(
        self,
        database: Database,
        keep: timedelta,
        now: Callable[[], datetime],
        is_gone: AskGone = nobody_says,
    ) -> None:
        """Keep history for so long; `is_gone` is asked again before a space's data is deleted."""
        self._database = database
        self._is_gone = is_gone
        self._keep = keep
        self._now = now

    async def purge(self) -> None:
        """Delete what is over; a site that cannot be served now keeps no other one back."""
        async with self._database.agenda() as db:
            due = await agenda.due_purges(db, self._now())
            every = await agenda.all_sites(db)
        for site_id in every:
            try:
                await self._purge_site(site_id, is_due=site_id in due)
            except Unavailable as error:
                log.warning("site %s: not purged this time: %s", site_id, error)
        async with self._database.agenda() as db:
            removed = await agenda.due_space_purges(db, self._now())
        for site_id, space_id in removed:
            try:
                await self._purge_space(site_id, space_id)
            except Unavailable as error:
                # The date stays: whether the space is there is asked again.
                log.warning("site %s: space %s not purged this time: %s", site_id, space_id, error)
        async with self._database.agenda() as db:
            await jobs.forget_ended(db, ENDED_JOBS)

    async def _purge_space(self, site_id: SiteId, space_id: SpaceId) -> None:
        is_gone = await self._is_gone(site_id, space_id)
        async with self._database.transaction(site_id) as db:
            if is_gone:
                is_over = await purging.forget_space(db, site_id, space_id)
                said = "deleted" if is_over else "not deleted yet"
            else:
                await agenda.purge_space_at(db, site_id, space_id, None)
                said = "is there"
        log.info("site %s: space %s %s", site_id, space_id, said)

    async def _purge_site(self, site_id: SiteId, *, is_due: bool) -> None:
        if is_due:
            async with self._database.transaction(site_id) as db:
                is_gone = await purging.forget_site(db, site_id)
            if is_gone:
                log.info("site %s: all of its data is deleted", site_id)
                return
        async with self._database.transaction(site_id) as db:
            spaces = await purging.spaces(db, site_id)
        for space_id in spaces:
            async with self._database.transaction(site_id) as db:
                await purging.forget_history(db, site_id, space_id, self._now() - self._keep)
        async with self._database.transaction(site_id) as db:
            await purging.forget_sections(db, site_id)
            await page_tokens.forget(db, site_id, self._now())
            await audit.purge(db, site_id, self._keep)
