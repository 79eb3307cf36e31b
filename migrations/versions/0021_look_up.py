"""Look up an installation with one question instead of four: the way to one site's row as a function.

A function with its caller's own rights; nothing is locked, and no row is touched.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# One after the other in this order: the row is seen by the policy of its issuer, and by nothing else.
INSTALLATION_OF = """
CREATE FUNCTION installation_of(claimed text, at_door text) RETURNS SETOF installations
LANGUAGE plpgsql SECURITY INVOKER ROWS 1 AS $$
BEGIN
    PERFORM set_config('plumbline.installation', claimed, true);
    RETURN QUERY SELECT * FROM plumbline.installations WHERE issuer = claimed AND door = at_door;
END
$$
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(INSTALLATION_OF)


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP FUNCTION installation_of(text, text)")
