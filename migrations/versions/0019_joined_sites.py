"""Let a Connect installation name the Forge installation of the same site.

One more column, filled from now on, and one more way to look up an installation before its site is
known: by the Forge installation that it names.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.execute("ALTER TABLE installations ADD COLUMN forge_installation_id text")
    op.execute(
        "CREATE UNIQUE INDEX installations_forge_key ON installations (forge_installation_id)"
    )
    op.execute(
        "CREATE POLICY of_named_installation ON installations FOR SELECT USING "
        "(forge_installation_id = nullif(current_setting('plumbline.installation', true), ''))"
    )


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP POLICY of_named_installation ON installations")
    op.execute("ALTER TABLE installations DROP COLUMN forge_installation_id")
