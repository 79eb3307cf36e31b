"""Whole filtered results for exports: counted and hashed at once, then streamed in batches."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, Select, column, func, literal, select, text
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from app.caller import SiteId, SpaceId
from app.posture.model import SectionName
from app.store import findings, posture_rows
from app.store.bulk import join_by_hashing
from app.store.database import DB
from app.store.findings import FindingRow
from app.store.posture_rows import Filter, PostureRow
from app.store.syncs import Outcome, SyncEnvironment
from app.store.tables import findings as finding_table
from app.store.tables import posture_rows as posture_table

BATCH_ROWS = 500
DOWNLOAD_SECONDS = 900
OF_ENVIRONMENTS = ("instances", SectionName.AUTOMATED.value)
"""Parts that are read once per environment, though every row needs them."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """How many rows a filter lets through, and the SHA-256 over their digests in order."""

    row_count: int
    sha256: str


async def prepare(db: DB) -> None:
    """Let the rest of this transaction last as long as a slow download takes, and plan for one."""
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        await db.execute(text(f"SET LOCAL {limit} = '{DOWNLOAD_SECONDS}s'"))
    await join_by_hashing(db)
    # Both cost more than they give where every row is another one.
    for waste in ("jit", "enable_memoize"):
        await db.execute(text(f"SET LOCAL {waste} = off"))


async def hashed_apis(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, wanted: Filter
) -> Hashed:
    """Return the number and hash of the APIs that a filter lets through, in its order."""
    chosen = (posture_rows.valid(site_id, space_id, number), *posture_rows.matching(wanted))
    order = posture_rows.in_order(wanted.sort)
    return await _hashed(db, _question(posture_table.c.digest, order).where(*chosen))


async def hashed_findings(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, wanted: Filter
) -> Hashed:
    """Return the number and hash of the findings that a filter lets through, worst first."""
    which = findings.matching(site_id, space_id, number, wanted)
    question = _question(finding_table.c.digest, findings.WORST_FIRST)
    return await _hashed(db, question.where(which))


def _question(digest: Any, order: Sequence[Any]) -> Select[Any]:
    nothing = literal(b"", LargeBinary)
    joined = func.string_agg(digest, aggregate_order_by(nothing, *order))
    hashed = func.sha256(func.coalesce(joined, nothing))
    return select(func.count(), func.encode(hashed, "hex"))


async def _hashed(db: DB, question: Select[Any]) -> Hashed:
    row_count, sha256 = (await db.execute(question)).one()
    return Hashed(row_count, sha256)


async def read_errors(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    number: int,
    wanted: Filter,
    environments: Sequence[SyncEnvironment],
) -> int:
    """Return how many parts could not be read: of a whole environment, and of the filtered APIs.

    An environment whose list was not read counts once, whatever it would have held.
    """
    failed = [item.id for item in environments if item.outcome is Outcome.FAILED]
    automated = sum(
        item.automated_unread is not None and item.id not in failed for item in environments
    )
    not_read = func.jsonb_array_elements(posture_table.c.coverage["not_read"])
    part = not_read.table_valued(column("value", JSONB), joins_implicitly=True).c.value
    of_instances = (
        select(func.count())
        .select_from(posture_table)
        .where(
            posture_rows.valid(site_id, space_id, number),
            *posture_rows.matching(wanted),
            part["section"].astext.not_in(OF_ENVIRONMENTS),
            part["environment_id"].astext.not_in(failed),
        )
    )
    return len(failed) + automated + (await db.scalar(of_instances) or 0)


async def api_batches(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, wanted: Filter
) -> AsyncIterator[list[PostureRow]]:
    """Stream the APIs that a filter lets through, in its order."""
    chosen = (posture_rows.valid(site_id, space_id, number), *posture_rows.matching(wanted))
    question = select(posture_table).where(*chosen)
    async for batch in _batches(db, question.order_by(*posture_rows.in_order(wanted.sort))):
        yield [posture_rows.row_of(row) for row in batch]


async def finding_batches(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, wanted: Filter
) -> AsyncIterator[list[FindingRow]]:
    """Stream the findings that a filter lets through, worst first."""
    which = findings.matching(site_id, space_id, number, wanted)
    async for batch in _batches(db, findings.ordered(site_id, space_id, number, which)):
        yield [findings.row_of(row) for row in batch]


async def _batches(db: DB, question: Select[Any]) -> AsyncIterator[Sequence[Any]]:
    rows = await db.stream(question, execution_options={"yield_per": BATCH_ROWS})
    try:
        async for batch in rows.partitions():
            yield batch
    finally:
        await rows.close()
