"""What page tokens are good for: one person, module, page and space each, for minutes."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, select, update

from app.caller import AccountId, Door, SiteId, SpaceId
from app.store.database import DB
from app.store.encryption import Keyring
from app.store.tables import installations, page_tokens


@dataclass(frozen=True, slots=True)
class Grant:
    """What one page token is good for; `user_token` asks Confluence about this person's rights."""

    account_id: AccountId
    module_key: str
    page: str
    space_id: SpaceId
    space_key: str | None
    user_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that still holds, and where its site's Confluence is."""

    grant: Grant
    rest_base: str
    expires_at: datetime


async def keep(
    db: DB, site_id: SiteId, grant: Grant, keyring: Keyring, now: datetime, until: datetime
) -> str:
    """Keep a grant and return the id of its token; those of the site that are over go."""
    await forget(db, site_id, now)
    token_id = str(uuid4())
    await db.execute(
        page_tokens.insert().values(
            site_id=site_id,
            token_id=token_id,
            account_id=grant.account_id,
            module_key=grant.module_key,
            page=grant.page,
            space_id=grant.space_id,
            space_key=grant.space_key,
            user_token=keyring.encrypt(grant.user_token.encode(), **_place(site_id, token_id)),
            expires_at=until,
        )
    )
    return token_id


async def forget(db: DB, site_id: SiteId, now: datetime) -> None:
    """Delete the site's grants whose time is over, and with them the persons' tokens."""
    mine = page_tokens.c
    await db.execute(delete(page_tokens).where(mine.site_id == site_id, mine.expires_at <= now))


async def revoke_all(db: DB, site_id: SiteId) -> None:
    """Delete every grant of a site: it has left, and its pages must not open when it is back."""
    await db.execute(delete(page_tokens).where(page_tokens.c.site_id == site_id))


async def exchange(db: DB, site_id: SiteId, token_id: str, now: datetime) -> bool:
    """Take a handover; False for one that was taken before, or whose time is over."""
    mine = page_tokens.c
    taken = (
        update(page_tokens)
        .where(
            mine.site_id == site_id,
            mine.token_id == token_id,
            mine.exchanged_at.is_(None),
            mine.expires_at > now,
        )
        .values(exchanged_at=now)
    )
    return await db.scalar(taken.returning(mine.token_id)) is not None


async def one(
    db: DB, site_id: SiteId, token_id: str, keyring: Keyring, now: datetime
) -> Granted | None:
    """Return what a token is good for; None once its time is over or the site has left."""
    mine, home = page_tokens.c, installations.c
    found = await db.execute(
        select(page_tokens, home.base_url)
        .join(installations, home.site_id == mine.site_id)
        .where(
            mine.site_id == site_id,
            mine.token_id == token_id,
            mine.expires_at > now,
            home.door == Door.FORGE,
            home.uninstalled_at.is_(None),
        )
    )
    row = found.one_or_none()
    if row is None:
        return None
    token = keyring.decrypt(row.user_token, **_place(site_id, token_id)).decode()
    grant = Grant(
        AccountId(row.account_id),
        row.module_key,
        row.page,
        SpaceId(row.space_id),
        row.space_key,
        token,
    )
    return Granted(grant, row.base_url, row.expires_at)


def _place(site_id: SiteId, token_id: str) -> dict[str, str]:
    return {
        "site": site_id,
        "space": "",
        "table": "page_tokens",
        "field": "user_token",
        "row": token_id,
    }
