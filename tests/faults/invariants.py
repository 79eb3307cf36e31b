"""What must be true after every fault, whatever it was."""

from tests.faults.machines import Machines, eventually

OVERLAPS = """
SELECT count(*) AS n FROM {table} a JOIN {table} b
  ON a.site_id = b.site_id AND a.space_id = b.space_id AND {same} AND a.ctid <> b.ctid
  AND a.from_number < b.to_number AND b.from_number < a.to_number
"""

KEYS = {
    "instance_versions": ("environment_id", "instance_id"),
    "posture_rows": ("api_id",),
    "findings": ("fingerprint",),
}


async def check(machines: Machines, *, apis: int | None = None) -> None:
    """Fail unless all work is over, whole, and written once."""
    await eventually(lambda: waiting(machines), lambda jobs: not jobs, "an empty queue", 30)
    assert machines.rows("SELECT 1 FROM syncs WHERE state IN ('queued', 'running')") == []
    assert machines.rows("SELECT 1 FROM procrastinate_jobs WHERE status = 'failed'") == []
    assert machines.rows("SELECT 1 FROM readings") == []
    assert published_pending(machines) == []
    assert numbers_with_gaps(machines) == []
    for table, keys in KEYS.items():
        same = " AND ".join(f"a.{key} = b.{key}" for key in keys)
        assert machines.rows(OVERLAPS.format(table=table, same=same)) == [{"n": 0}]
    if apis is not None:
        current = "SELECT count(*) AS n FROM posture_rows WHERE to_number = 9223372036854775807"
        assert machines.rows(current) == [{"n": apis}]


async def waiting(machines: Machines) -> list[dict[str, object]]:
    """Return the jobs of syncs that are not over."""
    return machines.rows(
        "SELECT id, status, attempts, scheduled_at, worker_id FROM procrastinate_jobs"
        " WHERE task_name = 'sync' AND status IN ('todo', 'doing')"
    )


def published_pending(machines: Machines) -> list[dict[str, object]]:
    """Return the environments of published syncs that were never finished."""
    return machines.rows(
        "SELECT e.name FROM sync_environments e JOIN syncs s USING (site_id, space_id, sync_id)"
        " WHERE s.state = 'published' AND (NOT e.finished OR e.outcome = 'pending')"
    )


def numbers_with_gaps(machines: Machines) -> list[dict[str, object]]:
    """Return the spaces whose published numbers are not 1, 2, 3… up to the connection's pointer."""
    return machines.rows(
        "SELECT c.space_id FROM connections c LEFT JOIN syncs s USING (site_id, space_id)"
        " GROUP BY c.site_id, c.space_id, c.published_number"
        " HAVING count(s.number) <> coalesce(c.published_number, 0)"
        " OR coalesce(max(s.number), 0) <> coalesce(c.published_number, 0)"
    )
