"""Sites of the Forge door come by their first verified call and go by word or by silence."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.caller import Door, Origin, SiteId
from app.errors import NotAuthenticated, Unavailable
from app.forge.invocation import Invocation
from app.store import agenda, audit, forge_sites, sites
from app.store.audit import Act, Action
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.forge_sites import ForgeSite

log = logging.getLogger(__name__)

NOTED_EVERY = timedelta(minutes=50)
LISTENED_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ForgeLifecycle:
    """What becomes of a site, each time on the word of a verified call."""

    database: Database
    keyring: Keyring
    uninstall_retention: timedelta
    silence: timedelta
    began_at: datetime
    clock: Callable[[], datetime]

    async def site_of(self, invocation: Invocation) -> SiteId:
        """Return the calling site, made at its first call; refuse a call from before its removal."""
        site, now = _site(invocation), self.clock()
        issued_at = datetime.fromtimestamp(invocation.issued_at, UTC)
        async with self.database.lookup(site.installation_id) as db:
            known = await forge_sites.known(db, site, now - NOTED_EVERY)
            if known:
                return known
            found = await forge_sites.seen(db, site, issued_at, self.keyring, now)
        if found is None:
            raise NotAuthenticated("the site has left")
        return found

    async def gone(self, site_id: SiteId) -> None:
        """End the site's tokens at once and put its purge on the agenda."""
        now = self.clock()
        async with self.database.transaction(site_id) as db:
            if await sites.is_installed(db, site_id, Door.FORGE):
                until = now + self.uninstall_retention
                await sites.uninstall(db, site_id, now, until, Door.FORGE)
                act = Act(Action.UNINSTALLED, origin=Origin(Door.FORGE))
                await audit.write(db, site_id, audit.WHOLE_SITE, act)
        log.info("site %s: uninstalled at the Forge door", site_id)

    async def end_silent(self) -> None:
        """Treat sites as gone that said nothing for very long; their hourly sign of life has ended.

        Nobody is called silent by a process that has not listened for a day itself.
        """
        now = self.clock()
        if now - self.began_at < LISTENED_FOR:
            return
        async with self.database.agenda() as db:
            every = await agenda.all_sites(db)
        for site_id in every:
            try:
                await self._end_if_silent(site_id, now - self.silence)
            except Unavailable as error:
                log.warning("site %s: not looked at this time: %s", site_id, error)

    async def _end_if_silent(self, site_id: SiteId, since: datetime) -> None:
        async with self.database.transaction(site_id) as db:
            is_silent = await forge_sites.silent(db, site_id, since)
        if is_silent:
            await self.gone(site_id)


def _site(invocation: Invocation) -> ForgeSite:
    return ForgeSite(
        installation_id=invocation.installation_id,
        app_id=invocation.app_id,
        cloud_id=invocation.cloud_id,
        environment=invocation.environment,
        rest_base=rest_base(invocation),
        site_url=invocation.site_url,
    )


def rest_base(invocation: Invocation) -> str:
    """Return where the site's REST API is, without a trailing slash; `/api/v2/…` goes behind it."""
    return f"{invocation.api_base_url}/wiki"
