"""Sites of the Forge door: known by their first verified call, gone by word or by silence."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.caller import Door, Origin, SiteId
from app.store import arrivals, audit
from app.store.arrivals import Arrival
from app.store.audit import Act, Action
from app.store.database import DB, enter_site
from app.store.encryption import Keyring
from app.store.tables import forge_sites, installations


@dataclass(frozen=True, slots=True)
class ForgeSite:
    """One installation as a verified call names it."""

    installation_id: str
    app_id: str
    cloud_id: str
    environment: str
    rest_base: str
    site_url: str

    def arrival(self) -> Arrival:
        """Return what every door says of a site; Forge shares no secret with us."""
        return Arrival(Door.FORGE, self.installation_id, self.rest_base, self.site_url, None, "")


async def seen(
    db: DB, site: ForgeSite, issued_at: datetime, keyring: Keyring, now: datetime
) -> SiteId | None:
    """Return the site of an installation, made at its first call; `db` is a look-up of it.

    None for a call from before the site's removal. A later one is an installation anew.
    """
    site_id = await arrivals.entered(db, site.arrival(), keyring, now)
    mine = installations.c
    row = (
        await db.execute(
            select(mine.uninstalled_at, mine.enabled, mine.base_url)
            .where(mine.site_id == site_id, mine.door == Door.FORGE)
            .with_for_update()
        )
    ).one()
    if row.uninstalled_at is not None and issued_at <= row.uninstalled_at:
        return None
    if row.uninstalled_at is not None or not row.enabled:
        action = Action.REINSTALLED if row.uninstalled_at else Action.INSTALLED
        act = Act(action, origin=Origin(Door.FORGE))
        await audit.write(db, site_id, audit.WHOLE_SITE, act)
    if row.uninstalled_at is not None or not row.enabled or row.base_url != site.rest_base:
        await arrivals.upsert_installation(db, site_id, site.arrival(), keyring, now)
    await _note(db, site_id, site, now)
    return site_id


async def known(db: DB, site: ForgeSite, since: datetime) -> SiteId | None:
    """Return the site if all of it is known and it was seen since then; `db` is a look-up of it."""
    mine = installations.c
    found = await db.scalar(
        select(mine.site_id).where(
            mine.issuer == site.installation_id,
            mine.door == Door.FORGE,
            mine.uninstalled_at.is_(None),
            mine.enabled,
            mine.base_url == site.rest_base,
        )
    )
    if found is None:
        return None
    await enter_site(db, SiteId(found))
    last = await last_seen(db, SiteId(found))
    return SiteId(found) if last and last >= since else None


async def last_seen(db: DB, site_id: SiteId) -> datetime | None:
    """Return when the site last called through the Forge door, or None if it never did."""
    return await db.scalar(
        select(forge_sites.c.last_seen_at).where(forge_sites.c.site_id == site_id)
    )


async def silent(db: DB, site_id: SiteId, since: datetime) -> bool:
    """Tell whether the site is installed at the Forge door alone and has not called since then."""
    rows = await db.execute(
        select(installations.c.door).where(
            installations.c.site_id == site_id, installations.c.uninstalled_at.is_(None)
        )
    )
    last = await last_seen(db, site_id)
    return rows.scalars().all() == [Door.FORGE] and last is not None and last < since


async def _note(db: DB, site_id: SiteId, site: ForgeSite, now: datetime) -> None:
    values = {
        "app_id": site.app_id,
        "cloud_id": site.cloud_id,
        "environment": site.environment,
        "last_seen_at": now,
    }
    row = insert(forge_sites).values(site_id=site_id, **values)
    await db.execute(row.on_conflict_do_update(index_elements=["site_id"], set_=values))
