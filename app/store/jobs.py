"""Questions to the job queue's tables that the queue's library does not ask."""

from datetime import datetime

from sqlalchemy import func, select, text

from app.caller import SiteId
from app.store.database import DB


async def database_time(db: DB) -> datetime:
    """Return the time by the database's clock, the one that all workers share."""
    now: datetime = (await db.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def has_one(db: DB, site_id: SiteId, sync_id: str) -> bool:
    """Tell whether a job of this sync waits or runs."""
    question = """
        SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE task_name = 'sync'
          AND status IN ('todo', 'doing') AND args ->> 'sync_id' = :sync_id
          AND args ->> 'site_id' = :site_id)
    """
    return bool(await db.scalar(text(question), {"sync_id": sync_id, "site_id": site_id}))


async def waits(db: DB, site_id: SiteId, sync_id: str) -> bool:
    """Tell whether a job of this sync waits: a running one may have lost its worker."""
    question = """
        SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE task_name = 'sync'
          AND status = 'todo' AND args ->> 'sync_id' = :sync_id
          AND args ->> 'site_id' = :site_id)
    """
    return bool(await db.scalar(text(question), {"sync_id": sync_id, "site_id": site_id}))


async def of_site(db: DB, site_id: SiteId) -> int:
    """Return how many syncs of the site wait or run: the next one goes behind so many others."""
    question = """
        SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'sync'
          AND status IN ('todo', 'doing') AND args ->> 'site_id' = :site_id
    """
    return await db.scalar(text(question), {"site_id": site_id}) or 0


async def give_turns(db: DB) -> None:
    """Rank what is due so that sites take turns: a site's second sync goes after all first ones."""
    statement = """
        WITH busy AS (
          SELECT args ->> 'site_id' AS site, count(*) AS jobs FROM procrastinate_jobs
          WHERE task_name = 'sync' AND status = 'doing' GROUP BY 1
        ), ranked AS (
          SELECT j.id, coalesce(b.jobs, 0) - 1
            + row_number() OVER (PARTITION BY j.args ->> 'site_id' ORDER BY j.id) AS place
          FROM procrastinate_jobs j LEFT JOIN busy b ON b.site = j.args ->> 'site_id'
          WHERE j.task_name = 'sync' AND j.status = 'todo'
            AND (j.scheduled_at IS NULL OR j.scheduled_at <= clock_timestamp())
        ), moved AS (
          SELECT j.id, r.place FROM procrastinate_jobs j JOIN ranked r ON r.id = j.id
          WHERE j.priority <> -r.place FOR UPDATE OF j SKIP LOCKED
        )
        UPDATE procrastinate_jobs j SET priority = -m.place FROM moved m
        WHERE m.id = j.id AND j.status = 'todo'
    """
    await db.execute(text(statement))


async def depth(db: DB) -> tuple[int, float]:
    """Return how many syncs are due and not begun, and for how many seconds the oldest has been."""
    question = """
        SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(
            coalesce(j.scheduled_at, e.at))), 0)
        FROM procrastinate_jobs j
        LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
        WHERE j.task_name = 'sync' AND j.status = 'todo'
          AND (j.scheduled_at IS NULL OR j.scheduled_at <= clock_timestamp())
    """
    count, age = (await db.execute(text(question))).one()
    return count, max(0.0, float(age))
