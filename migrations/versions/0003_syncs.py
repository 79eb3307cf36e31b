"""Keep syncs and what became of each environment.

New tables. At most one sync runs and one waits per space, by unique indexes.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SYNCS = """
CREATE TABLE syncs (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    sync_id uuid NOT NULL,
    number bigint,
    state text NOT NULL,
    attempt integer NOT NULL,
    lease_until timestamptz,
    connection_version integer NOT NULL,
    baseline_environment_id text,
    requested_by text,
    requested_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    done integer NOT NULL,
    total integer,
    reason text,
    requests integer NOT NULL,
    PRIMARY KEY (site_id, space_id, sync_id),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE,
    CONSTRAINT syncs_number_key UNIQUE (site_id, space_id, number)
);
CREATE INDEX syncs_newest ON syncs (site_id, space_id, requested_at);
CREATE UNIQUE INDEX syncs_one_queued ON syncs (site_id, space_id) WHERE state = 'queued';
CREATE UNIQUE INDEX syncs_one_running ON syncs (site_id, space_id) WHERE state = 'running'
"""


SYNC_ENVIRONMENTS = """
CREATE TABLE sync_environments (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    sync_id uuid NOT NULL,
    environment_id text NOT NULL,
    position integer NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    outcome text NOT NULL,
    reason text,
    read_at timestamptz,
    instances integer NOT NULL,
    automated_digest bytea,
    automated_unread text,
    finished boolean NOT NULL,
    PRIMARY KEY (site_id, space_id, sync_id, environment_id),
    FOREIGN KEY(site_id, space_id, sync_id) REFERENCES syncs (site_id, space_id, sync_id) ON DELETE CASCADE
)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(SYNCS)
    op.execute(SYNC_ENVIRONMENTS)
    for table in ("syncs", "sync_environments"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_site ON {table} USING ({OF_SITE})")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE sync_environments")
    op.execute("DROP TABLE syncs")
