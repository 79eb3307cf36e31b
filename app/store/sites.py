"""Sites: their installations, the secrets they share with us, their fingerprint key."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from app.caller import Door, SiteId
from app.errors import Conflict
from app.store import asking, connections, page_tokens, pipeline_tokens
from app.store.agenda import purge_site_at
from app.store.database import DB
from app.store.encryption import Keyring
from app.store.site_news import announce
from app.store.tables import agenda, installations, sites


@dataclass(frozen=True, slots=True)
class Installation:
    """One site's installation; the secret is '' once it is uninstalled."""

    site_id: SiteId
    door: Door
    issuer: str
    base_url: str
    display_url: str
    oauth_client_id: str | None
    shared_secret: str = field(repr=False)
    installed: bool
    enabled: bool


def opened(row: Any, keyring: Keyring) -> Installation:
    """Return an installation from its row as it is kept; `CannotDecrypt` where its key is missing."""
    secret = ""
    if row.shared_secret is not None:
        secret = keyring.decrypt(row.shared_secret, **secret_place(row.site_id, row.door)).decode()
    return Installation(
        site_id=SiteId(row.site_id),
        door=Door(row.door),
        issuer=row.issuer,
        base_url=row.base_url,
        display_url=row.display_url,
        oauth_client_id=row.oauth_client_id,
        shared_secret=secret,
        installed=row.uninstalled_at is None,
        enabled=row.enabled,
    )


async def site_of(db: DB, issuer: str, door: Door = Door.CONNECT) -> SiteId | None:
    """Return the site of an issuer, or None; its secret is not opened, so no key can be missing."""
    row = await of_issuer(db, issuer, door)
    return None if row is None else SiteId(row.site_id)


async def is_installed(db: DB, site_id: SiteId, door: Door = Door.CONNECT) -> bool:
    """Tell whether the site is installed, and hold its row until the end of the transaction."""
    return await installed_since(db, site_id, door) is not None


async def installed_since(db: DB, site_id: SiteId, door: Door = Door.CONNECT) -> datetime | None:
    """Return when the site said last that it is installed, None where it is not; hold its row."""
    mine = installations.c
    row = select(mine.installed_at).where(
        mine.site_id == site_id, mine.door == door, mine.uninstalled_at.is_(None)
    )
    since: datetime | None = await db.scalar(row.with_for_update())
    return since


async def uninstall(
    db: DB, site_id: SiteId, now: datetime, purge_after: datetime, door: Door = Door.CONNECT
) -> None:
    """Destroy the site's secrets at once, stop its syncs, and put its purge on the agenda.

    A site that is still installed at its other door loses this installation and nothing else.
    """
    # All of the site's rows are held, or two doors that close at once would each see the other open.
    mine = installations.c
    held = select(mine.door, mine.uninstalled_at).where(mine.site_id == site_id).with_for_update()
    doors = (await db.execute(held.order_by(mine.door))).all()
    await db.execute(
        update(installations)
        .where(mine.site_id == site_id, mine.door == door)
        .values(shared_secret=None, uninstalled_at=now, enabled=False)
    )
    await announce(db, site_id)
    if door is Door.FORGE:
        await page_tokens.revoke_all(db, site_id)
    if any(row.door != door and row.uninstalled_at is None for row in doors):
        return
    await connections.remove_all(db, site_id, now)
    await pipeline_tokens.revoke_all(db, site_id)
    await asking.cancel_site(db, site_id, "The app was uninstalled.")
    await db.execute(update(agenda).where(agenda.c.site_id == site_id).values(next_sync_at=None))
    await purge_site_at(db, site_id, purge_after)


async def set_enabled(db: DB, site_id: SiteId, *, enabled: bool, door: Door = Door.CONNECT) -> None:
    """Note that the site switched the app on or off; an uninstalled one stays off."""
    await db.execute(
        update(installations)
        .where(
            installations.c.site_id == site_id,
            installations.c.door == door,
            installations.c.uninstalled_at.is_(None),
        )
        .values(enabled=enabled)
    )
    await announce(db, site_id)


async def fingerprint_key(db: DB, site_id: SiteId, keyring: Keyring) -> bytes:
    """Return the key of this site's secret fingerprints; it lives as long as the site."""
    sealed = await db.scalar(select(sites.c.fingerprint_key).where(sites.c.site_id == site_id))
    if sealed is None:
        raise Conflict("This site is not installed.")
    return keyring.decrypt(sealed, **key_place(site_id))


async def installation(
    db: DB, site_id: SiteId, keyring: Keyring, door: Door = Door.CONNECT
) -> Installation | None:
    """Return the site's own installation at a door, or None: for jobs, which know the site."""
    row = (
        await db.execute(
            select(installations).where(
                installations.c.site_id == site_id, installations.c.door == door
            )
        )
    ).one_or_none()
    return None if row is None else opened(row, keyring)


async def purge(db: DB, site_id: SiteId) -> None:
    """Delete every row of the site; all tables follow their foreign keys."""
    await announce(db, site_id)
    await db.execute(delete(sites).where(sites.c.site_id == site_id))


async def of_issuer(db: DB, issuer: str, door: Door) -> Row[Any] | None:
    """Return the installation's row as it is kept, nothing opened; None where nobody has this name."""
    found = await db.execute(
        select(installations).where(installations.c.issuer == issuer, installations.c.door == door)
    )
    return found.one_or_none()


def secret_place(site_id: str, door: str) -> dict[str, str]:
    """Return where an installation's secret is kept: it is sealed for this place alone."""
    return {
        "site": site_id,
        "space": "",
        "table": "installations",
        "field": "shared_secret",
        "row": door,
    }


def key_place(site_id: str) -> dict[str, str]:
    """Return where a site's fingerprint key is kept: it is sealed for this place alone."""
    return {
        "site": site_id,
        "space": "",
        "table": "sites",
        "field": "fingerprint_key",
        "row": site_id,
    }
