"""Let a space that Confluence no longer has be deleted, snapshots and audit log included.

One more function of the owner: it deletes of the current site and of a space whose time on the
agenda is over.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

OVER = f"""
{OF_SITE} AND space_id = space AND space <> '' AND EXISTS (
    SELECT 1 FROM agenda a WHERE a.{OF_SITE} AND a.space_id = space
    AND a.purge_at <= clock_timestamp())
"""

PURGE = f"""
CREATE FUNCTION purge_space(space text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = plumbline, pg_temp AS $$
WITH frozen AS (DELETE FROM snapshots WHERE {OVER} RETURNING 1),
     noted AS (DELETE FROM audit WHERE {OVER} RETURNING 1)
SELECT (SELECT count(*) FROM frozen) + (SELECT count(*) FROM noted)
$$;
REVOKE ALL ON FUNCTION purge_space(text) FROM PUBLIC
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(PURGE)


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP FUNCTION purge_space(text)")
