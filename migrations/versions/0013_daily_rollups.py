"""Keep how many APIs and findings there were on each day, for the trend.

A new table. Days before this revision stay gaps: nobody counted them.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DAILY_ROLLUPS = """
CREATE TABLE daily_rollups (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    day date NOT NULL,
    sync_id uuid NOT NULL,
    verdicts jsonb NOT NULL,
    severities jsonb NOT NULL,
    PRIMARY KEY (site_id, space_id, day),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE
)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(DAILY_ROLLUPS)
    op.execute("ALTER TABLE daily_rollups ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE daily_rollups FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_site ON daily_rollups USING ({OF_SITE})")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE daily_rollups")
