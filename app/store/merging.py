"""The statements that make what was assessed current; what says the same stays the row it was."""

from app.store import kept

KEPT_SYNCS = 8
"""For how many published syncs rows are kept that are no longer current.

A reader may hold on to a sync or two. What is older is told by findings and the daily counts, and
can be assessed again from the instances' versions: the rows are the bulk of what a sync adds.
"""

# A sync that was assessed anew has taken several numbers: the syncs are counted, not these.
FORGET_ROWS = """
DELETE FROM posture_rows WHERE site_id = CAST(:site_id AS uuid) AND space_id = :space_id
  AND to_number <= (SELECT s.number FROM syncs s
    WHERE s.site_id = CAST(:site_id AS uuid) AND s.space_id = :space_id AND s.number < :number
    ORDER BY s.number DESC OFFSET :kept - 1 LIMIT 1)
"""

MERGE_ROWS = (
    """
    UPDATE posture_rows p SET to_number = :number
    WHERE p.site_id = CAST(:site_id AS uuid) AND p.space_id = :space_id AND p.to_number = :open
      AND NOT EXISTS (SELECT 1 FROM pg_temp.kept_apis k WHERE k.api_id = p.api_id)
      AND NOT EXISTS (SELECT 1 FROM pg_temp.new_rows n
        WHERE n.api_id = p.api_id AND n.digest = p.digest)
    """,
    # The same outcome of another input: next time the new input is what is compared with.
    """
    UPDATE posture_rows p SET input_digest = n.input_digest FROM pg_temp.new_rows n
    WHERE p.site_id = CAST(:site_id AS uuid) AND p.space_id = :space_id AND p.to_number = :open
      AND n.api_id = p.api_id AND n.input_digest <> p.input_digest
    """,
    f"""
    INSERT INTO posture_rows (site_id, space_id, from_number, to_number, {kept.POSTURE_LIST})
    SELECT CAST(:site_id AS uuid), :space_id, :number, :open, n.* FROM pg_temp.new_rows n
    WHERE NOT EXISTS (SELECT 1 FROM posture_rows p
      WHERE p.site_id = CAST(:site_id AS uuid) AND p.space_id = :space_id
        AND p.api_id = n.api_id AND p.to_number = :open)
    """,  # noqa: S608 - the names are our own constants
)

NEW_WHERE_JUDGED = {
    "accepted": "CASE WHEN new_digest IS NULL THEN accepted ELSE new_accepted END",
    "digest": "coalesce(new_digest, digest)",
}
UNCONFIRMED_LIST = ", ".join(NEW_WHERE_JUDGED.get(name, name) for name in kept.FINDING_COLUMNS)

MERGE_FINDINGS = (
    """
    UPDATE findings f SET to_number = :number
    WHERE f.site_id = CAST(:site_id AS uuid) AND f.space_id = :space_id AND f.to_number = :open
      AND NOT EXISTS (SELECT 1 FROM pg_temp.kept_apis k WHERE k.api_id = f.api_id)
      AND NOT EXISTS (SELECT 1 FROM pg_temp.new_findings n
        WHERE n.fingerprint = f.fingerprint AND n.digest = f.digest AND f.last_seen_at IS NULL)
      AND NOT (f.last_seen_at IS NOT NULL
        AND f.fingerprint IN (SELECT u.fingerprint FROM pg_temp.unconfirmed u
          WHERE u.new_digest IS NULL)
        AND f.fingerprint NOT IN (SELECT n.fingerprint FROM pg_temp.new_findings n))
    """,
    # Neither confirmed nor closed: as it was, last seen when the sync before saw it. Whether it is
    # accepted may be another thing by now.
    f"""
    INSERT INTO findings (site_id, space_id, from_number, to_number, first_seen_at, last_seen_at,
      reopened, {kept.FINDING_LIST})
    SELECT f.site_id, f.space_id, :number, :open, f.first_seen_at,
      coalesce(f.last_seen_at, :seen_before), f.reopened, {UNCONFIRMED_LIST}
    FROM findings f JOIN pg_temp.unconfirmed USING (fingerprint)
    WHERE f.site_id = CAST(:site_id AS uuid) AND f.space_id = :space_id AND f.to_number = :number
      AND NOT EXISTS (SELECT 1 FROM pg_temp.new_findings n WHERE n.fingerprint = f.fingerprint)
    """,  # noqa: S608 - the names are our own constants
    # What was closed in this very publishing is a changed value, what was closed before reopens.
    f"""
    INSERT INTO findings (site_id, space_id, from_number, to_number, first_seen_at, reopened,
      {kept.FINDING_LIST})
    SELECT DISTINCT ON (n.fingerprint) CAST(:site_id AS uuid), :space_id, :number, :open,
      coalesce(old.first_seen_at, :now),
      CASE WHEN old.to_number < :number THEN old.reopened + 1 ELSE coalesce(old.reopened, 0) END,
      n.*
    FROM pg_temp.new_findings n
    LEFT JOIN (SELECT DISTINCT ON (f.fingerprint) f.fingerprint, f.first_seen_at, f.reopened,
        f.to_number
      FROM findings f JOIN pg_temp.new_findings USING (fingerprint)
      WHERE f.site_id = CAST(:site_id AS uuid) AND f.space_id = :space_id
      ORDER BY f.fingerprint, f.from_number DESC) old ON old.fingerprint = n.fingerprint
    WHERE old.to_number IS NULL OR old.to_number <= :number
    ORDER BY n.fingerprint, n.severity_rank
    """,  # noqa: S608 - the names are our own constants
)
