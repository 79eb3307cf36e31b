"""Questions to the job queue's tables that the queue's library does not ask."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from app.caller import SiteId, SpaceId
from app.store.database import DB


@dataclass(frozen=True, slots=True)
class SyncIds:
    """Which sync a job is about."""

    site_id: SiteId
    space_id: SpaceId
    sync_id: str


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


async def rescue(db: DB, silent_seconds: float) -> list[SyncIds]:
    """Put back the jobs of workers that were silent for so long; return those of syncs.

    In one statement, so that of two who look at once only one puts a job back. The upkeep that a
    dead worker was at is dropped: it comes again by itself.
    """
    silent = """
        status = 'doing' AND NOT EXISTS (SELECT 1 FROM procrastinate_workers w
          WHERE w.id = worker_id
            AND w.last_heartbeat >= clock_timestamp() - make_interval(secs => :seconds))
    """
    values = {"seconds": silent_seconds}
    await db.execute(
        text(f"DELETE FROM procrastinate_jobs WHERE task_name <> 'sync' AND {silent}"),  # noqa: S608 - our own constant
        values,
    )
    put_back = f"""
        UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1,
          scheduled_at = NULL, worker_id = NULL
        WHERE task_name = 'sync' AND {silent}
        RETURNING args ->> 'site_id', args ->> 'space_id', args ->> 'sync_id'
    """  # noqa: S608 - our own constant
    rows = await db.execute(text(put_back), values)
    return [SyncIds(SiteId(site), SpaceId(space), sync_id) for site, space, sync_id in rows]


async def forget_ended(db: DB, keep: timedelta) -> None:
    """Delete the jobs that ended so long ago; those that did what they should are gone already."""
    statement = """
        DELETE FROM procrastinate_jobs j WHERE j.status NOT IN ('todo', 'doing')
          AND (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id)
            < clock_timestamp() - CAST(:keep AS interval)
    """
    await db.execute(text(statement), {"keep": keep})


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
