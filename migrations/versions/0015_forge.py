"""Keep what the Forge door needs: how a site was installed there, and what its page tokens are good for.

New tables. Sites that came through the other door have no row in the first; the second's rows live
for minutes.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FORGE_SITES = """
CREATE TABLE forge_sites (
    site_id uuid NOT NULL,
    app_id text NOT NULL,
    cloud_id text NOT NULL,
    environment text NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (site_id),
    FOREIGN KEY(site_id) REFERENCES sites (site_id) ON DELETE CASCADE
)
"""

PAGE_TOKENS = """
CREATE TABLE page_tokens (
    site_id uuid NOT NULL,
    token_id uuid NOT NULL,
    account_id text NOT NULL,
    module_key text NOT NULL,
    page text NOT NULL,
    space_id text NOT NULL,
    space_key text,
    user_token bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    exchanged_at timestamptz,
    PRIMARY KEY (site_id, token_id),
    FOREIGN KEY(site_id) REFERENCES sites (site_id) ON DELETE CASCADE
)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(FORGE_SITES)
    op.execute(PAGE_TOKENS)
    for table in ("forge_sites", "page_tokens"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_site ON {table} USING ({OF_SITE})")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE page_tokens")
    op.execute("DROP TABLE forge_sites")
