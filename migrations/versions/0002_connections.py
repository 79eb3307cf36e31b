"""Keep each space's connection to Anypoint, and when its next sync is due.

New tables. The agenda may be read whole, so that schedule and purge can walk the sites.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CONNECTIONS = """
CREATE TABLE connections (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    version integer NOT NULL,
    control_plane text NOT NULL,
    organization_id text,
    organization_name text,
    client_id text NOT NULL,
    client_secret bytea,
    secret_saved_at timestamptz,
    secret_saved_by text,
    environment_ids jsonb,
    baseline_environment_id text,
    sync_interval_hours integer NOT NULL,
    ignored_application_suffixes jsonb NOT NULL,
    group_names jsonb NOT NULL,
    published_number bigint,
    published_sync_id uuid,
    refused_at timestamptz,
    removed_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, space_id),
    FOREIGN KEY(site_id) REFERENCES sites (site_id) ON DELETE CASCADE
)
"""


CONNECTION_ENVIRONMENTS = """
CREATE TABLE connection_environments (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    environment_id text NOT NULL,
    position integer NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    PRIMARY KEY (site_id, space_id, environment_id),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE
)
"""


AGENDA = """
CREATE TABLE agenda (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    next_sync_at timestamptz,
    purge_at timestamptz,
    PRIMARY KEY (site_id, space_id),
    FOREIGN KEY(site_id) REFERENCES sites (site_id) ON DELETE CASCADE
)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(CONNECTIONS)
    op.execute(CONNECTION_ENVIRONMENTS)
    op.execute(AGENDA)
    for table in ("connections", "connection_environments", "agenda"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_site ON {table} USING ({OF_SITE})")
    op.execute("CREATE POLICY readable ON agenda FOR SELECT USING (true)")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE agenda")
    op.execute("DROP TABLE connection_environments")
    op.execute("DROP TABLE connections")
