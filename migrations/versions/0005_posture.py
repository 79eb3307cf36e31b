"""Keep the posture row of each API and the findings, by change.

New tables.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

POSTURE_ROWS = """
CREATE TABLE posture_rows (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    api_id text NOT NULL,
    from_number bigint NOT NULL,
    to_number bigint NOT NULL,
    api_key text NOT NULL,
    name text NOT NULL,
    group_id text,
    asset_id text,
    verdict text NOT NULL,
    verdict_rank smallint NOT NULL,
    critical integer NOT NULL,
    high integer NOT NULL,
    medium integer NOT NULL,
    low integer NOT NULL,
    info integer NOT NULL,
    accepted integer NOT NULL,
    kinds text[] NOT NULL,
    severities text[] NOT NULL,
    places text[] NOT NULL,
    headline text NOT NULL,
    cells jsonb NOT NULL,
    coverage jsonb NOT NULL,
    notes jsonb NOT NULL,
    input_digest bytea NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (site_id, space_id, api_id, from_number),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE
);
CREATE INDEX posture_rows_valid ON posture_rows (site_id, space_id, to_number)
"""


FINDINGS = """
CREATE TABLE findings (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    fingerprint text NOT NULL,
    from_number bigint NOT NULL,
    to_number bigint NOT NULL,
    api_id text,
    api_key text,
    name text,
    group_id text,
    asset_id text,
    kind text NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL,
    severity_rank smallint NOT NULL,
    direction text NOT NULL,
    subject text,
    path text,
    paths jsonb NOT NULL,
    values jsonb NOT NULL,
    values_digest text NOT NULL,
    outliers jsonb NOT NULL,
    sentence text NOT NULL,
    owasp text NOT NULL,
    lane text NOT NULL,
    digest bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    reopened integer NOT NULL,
    PRIMARY KEY (site_id, space_id, fingerprint, from_number),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE
);
CREATE INDEX findings_api ON findings (site_id, space_id, api_id);
CREATE INDEX findings_valid ON findings (site_id, space_id, to_number)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(POSTURE_ROWS)
    op.execute(FINDINGS)
    for table in ("posture_rows", "findings"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_site ON {table} USING ({OF_SITE})")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE findings")
    op.execute("DROP TABLE posture_rows")
