"""Remember the answers of commands that came with an idempotency key.

A new table; a key is kept as a digest, since people may put anything into it.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COMMANDS = """
CREATE TABLE commands (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    key_digest bytea NOT NULL,
    answer jsonb NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, space_id, key_digest),
    FOREIGN KEY(site_id) REFERENCES sites (site_id) ON DELETE CASCADE
)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(COMMANDS)
    op.execute("ALTER TABLE commands ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE commands FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_site ON commands USING ({OF_SITE})")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE commands")
