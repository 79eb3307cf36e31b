"""Keep sites, their installations and the install tokens they spent.

The first tables: nothing is there yet.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SITES = """
CREATE TABLE sites (
    site_id uuid NOT NULL,
    fingerprint_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    purge_after timestamptz,
    PRIMARY KEY (site_id)
)
"""


INSTALLATIONS = """
CREATE TABLE installations (
    site_id uuid NOT NULL,
    door text NOT NULL,
    issuer text NOT NULL,
    base_url text NOT NULL,
    display_url text NOT NULL,
    oauth_client_id text,
    shared_secret bytea,
    installed_at timestamptz NOT NULL,
    uninstalled_at timestamptz,
    enabled boolean NOT NULL,
    PRIMARY KEY (site_id, door),
    CONSTRAINT installations_issuer_key UNIQUE (door, issuer),
    FOREIGN KEY(site_id) REFERENCES sites (site_id) ON DELETE CASCADE
)
"""


INSTALL_TOKENS = """
CREATE TABLE install_tokens (
    site_id uuid NOT NULL,
    token_digest bytea NOT NULL,
    body_digest bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, token_digest),
    FOREIGN KEY(site_id) REFERENCES sites (site_id) ON DELETE CASCADE
)
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(SITES)
    op.execute(INSTALLATIONS)
    op.execute(INSTALL_TOKENS)
    for table in ("sites", "installations", "install_tokens"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_site ON {table} USING ({OF_SITE})")
    # Read before a site is known: the one row of the issuer that a token claims.
    op.execute(
        "CREATE POLICY of_issuer ON installations FOR SELECT "
        "USING (issuer = nullif(current_setting('plumbline.installation', true), ''))"
    )


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP TABLE install_tokens")
    op.execute("DROP TABLE installations")
    op.execute("DROP TABLE sites")
