"""Install tokens: each is good for one body, because the signature does not cover the body."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.caller import SiteId
from app.store.database import DB
from app.store.tables import install_tokens


class Spent(StrEnum):
    """What became of an install token."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"
    LATE = "late"  # new, but the site has said something else since it was signed


@dataclass(frozen=True, slots=True)
class Receipt:
    """The digests of an install token and of the body it came with."""

    token_digest: bytes
    body_digest: bytes
    expires_at: datetime


async def spend(db: DB, site_id: SiteId, receipt: Receipt, now: datetime) -> Spent:
    """Record a token with its body; tell whether it is new, a repetition, or used for another."""
    mine = install_tokens.c
    await db.execute(delete(install_tokens).where(mine.site_id == site_id, mine.expires_at < now))
    recorded = insert(install_tokens).values(
        site_id=site_id,
        token_digest=receipt.token_digest,
        body_digest=receipt.body_digest,
        expires_at=receipt.expires_at,
    )
    # RETURNING, not rowcount: an INSERT's is -1 here, whatever happened.
    if await db.scalar(recorded.on_conflict_do_nothing().returning(mine.site_id)):
        return Spent.NEW
    body = await db.scalar(
        select(mine.body_digest).where(
            mine.site_id == site_id, mine.token_digest == receipt.token_digest
        )
    )
    return Spent.SAME if body == receipt.body_digest else Spent.OTHER
