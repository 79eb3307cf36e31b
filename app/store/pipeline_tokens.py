"""Tokens with which a pipeline reads one space's readiness and nothing else.

A token names its site, so that the site's own rows can be asked for its digest. The token itself is
kept nowhere.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, and_, delete, exists, func, or_, select, update

from app.caller import AccountId, Door, SiteId, SpaceId
from app.errors import Conflict
from app.store.database import DB
from app.store.tables import agenda, connections, installations, pipeline_tokens

PREFIX = "plumbline_"
MOST_TOKENS = 50
"""Tokens of one space; whoever needs more revokes some."""

_SITE_BYTES = 16
_SECRET_BYTES = 32
_TOKEN = re.compile(re.escape(PREFIX) + "([A-Za-z0-9_-]{64})")


@dataclass(frozen=True, slots=True)
class PipelineToken:
    """A token as an administrator sees it; `last_used_at` is exact to the day."""

    id: str
    name: str
    made_by: AccountId
    made_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a text says before anything is looked up: the site it names, and its digest."""

    site_id: SiteId
    digest: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """What a token is good for, and the door through which its site has the app."""

    token_id: str
    space_id: SpaceId
    door: Door


def proof_of(text: str) -> Proof | None:
    """Return what a token says, or None for what cannot be one."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    site = base64.urlsafe_b64decode(found[1])[:_SITE_BYTES]
    return Proof(SiteId(str(UUID(bytes=site))), hashlib.sha256(text.encode()).digest())


async def make(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    *,
    name: str,
    by: AccountId,
    expires_at: datetime | None,
    now: datetime,
) -> tuple[PipelineToken, str]:
    """Keep a new token and return it with its text, which nobody can see again.

    `Conflict` for a space that was never connected, and for one that has too many.
    """
    mine = connections.c
    space = select(mine.space_id).where(mine.site_id == site_id, mine.space_id == space_id)
    # Held until the end, so that two at once count each other; who publishes goes on meanwhile.
    if await db.scalar(space.with_for_update(key_share=True)) is None:
        raise Conflict("Connect this space to Anypoint before you make a token.")
    if await _counted(db, site_id, space_id) >= MOST_TOKENS:
        raise Conflict(f"A space may have {MOST_TOKENS} tokens. Revoke one that is not used.")
    secret = UUID(site_id).bytes + secrets.token_bytes(_SECRET_BYTES)
    token = PREFIX + base64.urlsafe_b64encode(secret).decode()
    made = PipelineToken(str(uuid4()), name, by, now, expires_at, None)
    await db.execute(
        pipeline_tokens.insert().values(
            site_id=site_id,
            space_id=space_id,
            token_id=made.id,
            digest=hashlib.sha256(token.encode()).digest(),
            name=name,
            made_by=by,
            made_at=now,
            expires_at=expires_at,
        )
    )
    return made, token


async def listed(
    db: DB, site_id: SiteId, space_id: SpaceId, page: int = 1, size: int = 50
) -> tuple[tuple[PipelineToken, ...], int]:
    """Return a page of the space's tokens, newest first, expired ones too, and how many there are."""
    mine = pipeline_tokens.c
    rows = await db.execute(
        select(pipeline_tokens)
        .where(mine.site_id == site_id, mine.space_id == space_id)
        .order_by(mine.made_at.desc(), mine.token_id)
        .limit(size)
        .offset((page - 1) * size)
    )
    return tuple(_token(row) for row in rows), await _counted(db, site_id, space_id)


async def revoke(db: DB, site_id: SiteId, space_id: SpaceId, token_id: str) -> bool:
    """Delete a token; False if the space has none of that id."""
    mine = pipeline_tokens.c
    done = await db.execute(
        delete(pipeline_tokens).where(
            mine.site_id == site_id, mine.space_id == space_id, mine.token_id == token_id
        )
    )
    return done.rowcount == 1


async def revoke_all(db: DB, site_id: SiteId) -> None:
    """Delete every token of a site: it has left, and must not find them again when it is back."""
    await db.execute(delete(pipeline_tokens).where(pipeline_tokens.c.site_id == site_id))


async def opened(db: DB, site_id: SiteId, digest: bytes, now: datetime) -> Opened | None:
    """Return what a token is good for, and note the day of its use.

    None for an unknown, revoked or expired one, and where its site or its space has left.
    """
    mine, home, due = pipeline_tokens.c, installations.c, agenda.c
    leaves = exists().where(
        due.site_id == site_id,
        or_(due.space_id == mine.space_id, due.space_id == ""),
        due.purge_at.is_not(None),
    )
    found = await db.execute(
        select(mine.token_id, mine.space_id, mine.last_used_at, home.door)
        .join(installations, and_(home.site_id == mine.site_id, home.uninstalled_at.is_(None)))
        .where(
            mine.site_id == site_id,
            mine.digest == digest,
            or_(mine.expires_at.is_(None), mine.expires_at > now),
            ~leaves,
        )
        .limit(1)
    )
    row = found.one_or_none()
    if row is None:
        return None
    space_id = SpaceId(row.space_id)
    await _note_use(db, site_id, digest, row.last_used_at, now)
    return Opened(row.token_id, space_id, Door(row.door))


async def _note_use(
    db: DB, site_id: SiteId, digest: bytes, before: datetime | None, now: datetime
) -> None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if before is not None and before >= today:
        return
    mine = pipeline_tokens.c
    await db.execute(
        update(pipeline_tokens)
        .where(mine.site_id == site_id, mine.digest == digest)
        .values(last_used_at=today)
    )


async def _counted(db: DB, site_id: SiteId, space_id: SpaceId) -> int:
    mine = pipeline_tokens.c
    question = select(func.count()).select_from(pipeline_tokens)
    which = (mine.site_id == site_id, mine.space_id == space_id)
    return await db.scalar(question.where(*which)) or 0


def _token(row: Row[Any]) -> PipelineToken:
    return PipelineToken(
        id=row.token_id,
        name=row.name,
        made_by=AccountId(row.made_by),
        made_at=row.made_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
