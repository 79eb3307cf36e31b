"""Keep the tokens with which pipelines read a space's readiness: by their digest alone.

A new table; the app's role has its usual rights on it.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

PIPELINE_TOKENS = """
CREATE TABLE pipeline_tokens (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    token_id uuid NOT NULL,
    digest bytea NOT NULL,
    name text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (site_id, space_id, token_id),
    FOREIGN KEY(site_id, space_id) REFERENCES connections (site_id, space_id) ON DELETE CASCADE,
    CONSTRAINT pipeline_tokens_digest_key UNIQUE (site_id, digest)
)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(PIPELINE_TOKENS)
    op.execute("ALTER TABLE pipeline_tokens ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE pipeline_tokens FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_site ON pipeline_tokens USING ({OF_SITE})")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE pipeline_tokens")
