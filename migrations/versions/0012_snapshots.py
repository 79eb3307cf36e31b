"""Keep snapshots: append-only, for the app's role and for the owner alike.

A new table. The app's role is granted SELECT and INSERT. Rows leave through one function of the
owner: those of the current site, once that is uninstalled and its time is over.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# The key to the site does not cascade: whoever deletes a site meets the snapshots first.
SNAPSHOTS = """
CREATE TABLE snapshots (
    site_id uuid NOT NULL,
    space_id text NOT NULL,
    snapshot_id uuid NOT NULL,
    position bigint NOT NULL,
    taken_at timestamptz NOT NULL,
    taken_by text NOT NULL,
    title text NOT NULL,
    note text NOT NULL,
    sync_id uuid NOT NULL,
    filter jsonb NOT NULL,
    api_id text,
    api_count integer NOT NULL,
    command_digest bytea,
    previous_sha256 bytea,
    sha256 bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (site_id, space_id, snapshot_id),
    FOREIGN KEY(site_id) REFERENCES sites (site_id),
    CONSTRAINT snapshots_position_key UNIQUE (site_id, space_id, position),
    CONSTRAINT snapshots_command_key UNIQUE (site_id, space_id, command_digest)
)
"""

FROZEN = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a snapshot cannot be changed' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER snapshots_frozen BEFORE UPDATE ON snapshots
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
"""

# The owner is bound by the policy too, but may be a superuser's role: hence the site once more.
PURGE = f"""
CREATE FUNCTION purge_snapshots() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = plumbline, pg_temp AS $$
WITH gone AS (
    DELETE FROM snapshots WHERE {OF_SITE} AND site_id IN
        (SELECT s.site_id FROM sites s WHERE s.purge_after <= clock_timestamp())
    RETURNING 1
)
SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION purge_snapshots() FROM PUBLIC
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(SNAPSHOTS)
    op.execute("ALTER TABLE snapshots ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE snapshots FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_site ON snapshots USING ({OF_SITE})")
    op.execute(FROZEN)
    op.execute(PURGE)


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP FUNCTION purge_snapshots()")
    op.execute("DROP TABLE snapshots")
    op.execute("DROP FUNCTION refuse_change()")
