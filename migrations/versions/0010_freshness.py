"""Let the agenda tell how old each space's published data is.

Null for spaces before this revision until their next sync is published.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.execute("ALTER TABLE agenda ADD COLUMN published_at timestamptz")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("ALTER TABLE agenda DROP COLUMN published_at")
