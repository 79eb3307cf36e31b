"""Keep what was read: sections by content, instances by change.

New tables.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SECTIONS = """
CREATE TABLE sections (
    site_id uuid NOT NULL,
    digest bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (site_id, digest),
    FOREIGN KEY(site_id) REFERENCES sites (site_id) ON DELETE CASCADE
)
"""


READINGS = """
CREATE TABLE readings (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    sync_id uuid NOT NULL,
    environment_id text NOT NULL,
    instance_id bigint NOT NULL,
    api_key text NOT NULL,
    facts bytea,
    policies bytea,
    tiers bytea,
    contracts bytea,
    unread jsonb NOT NULL,
    url text,
    PRIMARY KEY (site_id, space_id, sync_id, environment_id, instance_id),
    FOREIGN KEY(site_id, space_id, sync_id) REFERENCES syncs (site_id, space_id, sync_id) ON DELETE CASCADE
)
"""


INSTANCE_VERSIONS = """
CREATE TABLE instance_versions (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    environment_id text NOT NULL,
    instance_id bigint NOT NULL,
    from_number bigint NOT NULL,
    to_number bigint NOT NULL,
    api_key text NOT NULL,
    facts bytea,
    policies bytea,
    tiers bytea,
    contracts bytea,
    unread jsonb NOT NULL,
    url text,
    PRIMARY KEY (site_id, space_id, environment_id, instance_id, from_number),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE
);
CREATE INDEX instance_versions_api ON instance_versions (site_id, space_id, api_key);
CREATE INDEX instance_versions_valid ON instance_versions (site_id, space_id, to_number)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(SECTIONS)
    op.execute(READINGS)
    op.execute(INSTANCE_VERSIONS)
    for table in ("sections", "readings", "instance_versions"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_site ON {table} USING ({OF_SITE})")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE instance_versions")
    op.execute("DROP TABLE readings")
    op.execute("DROP TABLE sections")
