"""Answers of commands that came with an idempotency key: the same key has the same answer."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.caller import AccountId, SiteId, SpaceId
from app.posture.model import Json
from app.store.database import DB
from app.store.tables import commands

KEPT_FOR = timedelta(days=1)

Answer = Mapping[str, Json]


def key_digest(command: str, account_id: AccountId | None, key: str) -> bytes:
    """Return under what the answer of one person's command is kept; a key may be anything."""
    place = "\0".join((command, account_id or "", key))
    return hashlib.blake2b(place.encode(), digest_size=16).digest()


async def answered(
    db: DB, site_id: SiteId, space_id: SpaceId, digest: bytes, now: datetime
) -> Answer | None:
    """Return the earlier answer or None; who comes with the same key waits until this one ends."""
    number = int.from_bytes(digest[:8], "big", signed=True)
    await db.execute(select(func.pg_advisory_xact_lock(number)))
    mine = commands.c
    return await db.scalar(
        select(mine.answer).where(
            mine.site_id == site_id,
            mine.space_id == space_id,
            mine.key_digest == digest,
            mine.expires_at > now,
        )
    )


async def remember(
    db: DB, site_id: SiteId, space_id: SpaceId, digest: bytes, answer: Answer, now: datetime
) -> None:
    """Keep an answer for a day, in the transaction that made it true; forget those of old."""
    mine = commands.c
    is_over = (mine.site_id == site_id, mine.space_id == space_id, mine.expires_at <= now)
    await db.execute(delete(commands).where(*is_over))
    await db.execute(
        insert(commands).values(
            site_id=site_id,
            space_id=space_id,
            key_digest=digest,
            answer=dict(answer),
            expires_at=now + KEPT_FOR,
        )
    )
