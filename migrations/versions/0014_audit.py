"""Keep the app's own audit log: append-only, for the app's role and for the owner alike.

A new table. The app's role is granted SELECT and INSERT. Rows leave through one function of the
owner: those of the current site that are older than asked for, or all once its time is over.
"""

from alembic import op

# Without a site the setting is NULL on a new connection and '' on a used one: neither is access.
OF_SITE = "site_id = nullif(current_setting('plumbline.site', true), '')::uuid"

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# The key to the site does not cascade: whoever deletes a site meets its log first.
AUDIT = """
CREATE TABLE audit (
    site_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    space_id text NOT NULL,
    at timestamptz DEFAULT clock_timestamp() NOT NULL,
    account_id text,
    door text,
    action text NOT NULL,
    object_id text,
    fields text[] NOT NULL,
    outcome text NOT NULL,
    request_id text,
    PRIMARY KEY (site_id, entry_id),
    FOREIGN KEY(site_id) REFERENCES sites (site_id)
);
CREATE INDEX audit_newest ON audit (site_id, space_id, at)
"""

FROZEN = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log cannot be changed'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER audit_frozen BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()
"""

# The owner is bound by the policy too, but may be a superuser's role: hence the site once more.
# A day is the least that is kept, whatever is asked for.
PURGE = f"""
CREATE FUNCTION purge_audit(keep interval) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = plumbline, pg_temp AS $$
WITH gone AS (
    DELETE FROM audit WHERE {OF_SITE} AND (
        at < clock_timestamp() - greatest(keep, interval '1 day')
        OR site_id IN (SELECT s.site_id FROM sites s WHERE s.purge_after <= clock_timestamp())
    )
    RETURNING 1
)
SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION purge_audit(interval) FROM PUBLIC
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(AUDIT)
    op.execute("ALTER TABLE audit ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_site ON audit USING ({OF_SITE})")
    op.execute(FROZEN)
    op.execute(PURGE)


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP FUNCTION purge_audit(interval)")
    op.execute("DROP TABLE audit")
    op.execute("DROP FUNCTION refuse_rewriting()")
