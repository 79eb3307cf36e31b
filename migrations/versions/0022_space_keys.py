"""Keep the key of a connected space: Confluence says by its key, and not by its id, that it was removed.

One empty column; keys come as connections are saved.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.execute("ALTER TABLE connections ADD COLUMN space_key text")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("ALTER TABLE connections DROP COLUMN space_key")
