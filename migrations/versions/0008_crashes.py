"""Count how often the process that held a sync fell silent.

Zero for syncs before this revision: nobody counted.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.execute("ALTER TABLE syncs ADD COLUMN crashes integer NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("ALTER TABLE syncs DROP COLUMN crashes")
