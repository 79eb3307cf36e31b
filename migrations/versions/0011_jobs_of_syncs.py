"""Find the jobs of a sync and of a site without reading the whole queue.

Two indexes over jobs that are not over; those already there are covered at once.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SYNC = """
CREATE INDEX jobs_of_sync ON jobs.procrastinate_jobs ((args ->> 'sync_id'))
WHERE status IN ('todo', 'doing') AND task_name = 'sync'
"""
SITE = """
CREATE INDEX jobs_of_site ON jobs.procrastinate_jobs ((args ->> 'site_id'))
WHERE status IN ('todo', 'doing') AND task_name = 'sync'
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(SYNC)
    op.execute(SITE)


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP INDEX jobs.jobs_of_sync")
    op.execute("DROP INDEX jobs.jobs_of_site")
