"""Keep what administrators expect to differ and what they accept, and let findings say so.

New tables and new columns. Findings already there are open: nobody could accept one before. No
row is ever deleted but with its space, so the app's role is granted no DELETE.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

EXPECTED_DIFFERENCES = """
CREATE TABLE expected_differences (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    expected_id uuid NOT NULL,
    asset_id text NOT NULL,
    path text NOT NULL,
    api_id text,
    api_key text,
    note text NOT NULL,
    allowances jsonb NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    PRIMARY KEY (site_id, space_id, expected_id),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX expected_differences_in_force
    ON expected_differences (site_id, space_id, asset_id, path, coalesce(api_id, ''))
    WHERE withdrawn_at IS NULL
"""

EXCEPTIONS = """
CREATE TABLE exceptions (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    exception_id uuid NOT NULL,
    fingerprint text NOT NULL,
    values_digest text NOT NULL,
    api_id text,
    api_key text,
    reason text NOT NULL,
    note text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    ended_why text,
    PRIMARY KEY (site_id, space_id, exception_id),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX exceptions_not_ended
    ON exceptions (site_id, space_id, fingerprint) WHERE ended_at IS NULL;
CREATE INDEX exceptions_fingerprint ON exceptions (site_id, space_id, fingerprint)
"""

COLUMNS = """
ALTER TABLE connections ADD COLUMN judging_version integer DEFAULT 0 NOT NULL;
ALTER TABLE agenda ADD COLUMN assess_at timestamptz;
ALTER TABLE findings ADD COLUMN accepted jsonb
"""

NO_COLUMNS = """
ALTER TABLE findings DROP COLUMN accepted;
ALTER TABLE agenda DROP COLUMN assess_at;
ALTER TABLE connections DROP COLUMN judging_version
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(EXPECTED_DIFFERENCES)
    op.execute(EXCEPTIONS)
    for table in ("expected_differences", "exceptions"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_site ON {table} USING ({OF_SITE})")
    op.execute(COLUMNS)


def downgrade() -> None:
    """Take this revision back."""
    op.execute(NO_COLUMNS)
    op.execute("DROP TABLE exceptions")
    op.execute("DROP TABLE expected_differences")
