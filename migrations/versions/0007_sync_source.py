"""Keep which organisation a published sync read.

Null for syncs before this revision: the connection may have been pointed elsewhere since.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = ("control_plane", "organization_id", "organization_name")


def upgrade() -> None:
    """Apply this revision."""
    for column in COLUMNS:
        op.execute(f"ALTER TABLE syncs ADD COLUMN {column} text")


def downgrade() -> None:
    """Take this revision back."""
    for column in COLUMNS:
        op.execute(f"ALTER TABLE syncs DROP COLUMN {column}")
