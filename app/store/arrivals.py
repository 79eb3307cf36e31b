"""Sites that arrive: installed for the first time, again, or beside what is at the other door."""

import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.caller import Door, SiteId
from app.errors import Conflict
from app.store import joined_sites
from app.store.agenda import purge_site_at
from app.store.database import DB, enter_issuer, enter_site
from app.store.encryption import Keyring
from app.store.install_tokens import Receipt, Spent, spend
from app.store.site_news import announce
from app.store.sites import key_place, of_issuer, purge, secret_place
from app.store.tables import installations, sites

log = logging.getLogger(__name__)

FINGERPRINT_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a site says of itself when it installs the app.

    `forge_installation_id`: the Forge installation that a Connect one names as its own.
    `said_at`: when it said so by its own clock; without one, now.
    """

    door: Door
    issuer: str
    base_url: str
    display_url: str
    oauth_client_id: str | None
    shared_secret: str = field(repr=False)
    forge_installation_id: str | None = None
    said_at: datetime | None = None


async def install(
    db: DB, arrival: Arrival, receipt: Receipt, keyring: Keyring, now: datetime
) -> tuple[SiteId, Spent]:
    """Install or re-install a site in its one row; nothing changes unless the token is `NEW`.

    `db` is a look-up of the issuer. Parallel installs leave one site.
    """
    site_id = await entered(db, arrival, keyring, now)
    spent = await spend(db, site_id, receipt, now)
    if spent is Spent.NEW and await _is_late(db, site_id, arrival):
        return site_id, Spent.LATE
    if spent is Spent.NEW:
        await upsert_installation(db, site_id, arrival, keyring, now)
        await _join(db, site_id, arrival, now)
    return site_id, spent


async def _is_late(db: DB, site_id: SiteId, arrival: Arrival) -> bool:
    """Tell whether the site has said something since, and hold its row until the end."""
    mine = installations.c
    held = select(mine.installed_at, mine.uninstalled_at).where(
        mine.site_id == site_id, mine.door == arrival.door
    )
    row = (await db.execute(held.with_for_update())).one()
    last = max(row.installed_at, row.uninstalled_at or row.installed_at)
    return arrival.said_at is not None and arrival.said_at < last


async def _join(db: DB, site_id: SiteId, arrival: Arrival, now: datetime) -> None:
    named = arrival.forge_installation_id
    if named and not await joined_sites.join(db, site_id, arrival.issuer, named, now):
        log.warning("site %s: stays apart from the Forge installation that it names", site_id)


async def entered(db: DB, arrival: Arrival, keyring: Keyring, now: datetime) -> SiteId:
    """Let the transaction see the issuer's site and return it, made if there was none.

    `db` is a look-up of the issuer.
    """
    row = await of_issuer(db, arrival.issuer, arrival.door)
    if row is not None:
        site_id = SiteId(row.site_id)
    else:
        site_id = await _beside(db, arrival, now) or await _new_site(db, arrival, keyring, now)
    await enter_site(db, site_id)
    return site_id


async def _beside(db: DB, arrival: Arrival, now: datetime) -> SiteId | None:
    """Return the site that is installed at the other door already, joined there; else None."""
    site_id, named = None, arrival.forge_installation_id
    if arrival.door is Door.FORGE:
        site_id = await joined_sites.named_by_connect(db, arrival.issuer)
    elif named is not None:
        await enter_issuer(db, named)
        site_id = await joined_sites.of_forge(db, named)
        await enter_issuer(db, arrival.issuer)
    if site_id is None:
        return None
    await enter_site(db, site_id)
    return site_id if await _first_row(db, site_id, arrival, now) else None


async def upsert_installation(
    db: DB, site_id: SiteId, arrival: Arrival, keyring: Keyring, now: datetime
) -> None:
    """Overwrite the site's secret and addresses, also of an uninstalled one."""
    values = {
        "issuer": arrival.issuer,
        "base_url": arrival.base_url,
        "display_url": arrival.display_url,
        "oauth_client_id": arrival.oauth_client_id,
        "shared_secret": _sealed_secret(arrival, site_id, keyring),
        "installed_at": arrival.said_at or now,
        "uninstalled_at": None,
        "enabled": True,
    }
    statement = insert(installations).values(site_id=site_id, door=arrival.door, **values)
    await db.execute(
        statement.on_conflict_do_update(index_elements=["site_id", "door"], set_=values)
    )
    await announce(db, site_id)
    await purge_site_at(db, site_id, None)


async def _new_site(db: DB, arrival: Arrival, keyring: Keyring, now: datetime) -> SiteId:
    """Make a site for an unknown issuer, or return the one that a parallel install has made."""
    site_id = SiteId(str(uuid4()))
    await enter_site(db, site_id)
    key = keyring.encrypt(secrets.token_bytes(FINGERPRINT_KEY_BYTES), **key_place(site_id))
    await db.execute(insert(sites).values(site_id=site_id, fingerprint_key=key, created_at=now))
    if await _first_row(db, site_id, arrival, now):
        return site_id
    await purge(db, site_id)
    other = await of_issuer(db, arrival.issuer, arrival.door)
    if other is None:
        raise Conflict("This site is being installed. Try again in a moment.")
    return SiteId(other.site_id)


async def _first_row(db: DB, site_id: SiteId, arrival: Arrival, now: datetime) -> bool:
    """Claim the issuer for a site; False if a parallel call has claimed it."""
    first = insert(installations).values(
        site_id=site_id,
        door=arrival.door,
        issuer=arrival.issuer,
        base_url=arrival.base_url,
        display_url=arrival.display_url,
        installed_at=arrival.said_at or now,
        enabled=False,
    )
    made = first.on_conflict_do_nothing().returning(installations.c.site_id)
    return await db.scalar(made) is not None


def _sealed_secret(arrival: Arrival, site_id: SiteId, keyring: Keyring) -> bytes:
    return keyring.encrypt(arrival.shared_secret.encode(), **secret_place(site_id, arrival.door))
