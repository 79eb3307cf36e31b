"""CSV straight from the database: COPY over named columns, formulas neutralised on the way."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects import postgresql

from app.caller import SiteId, SpaceId
from app.store import findings, posture_rows
from app.store.database import DB, driver_connection
from app.store.posture_rows import Filter
from app.store.syncs import SyncEnvironment
from app.store.tables import posture_rows as posture_table

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sheet:
    """Which columns, in their order: of the query, or the same text in every row.

    `formula` is the pattern of a cell that gets an apostrophe; `constants` are neutral already.
    """

    columns: Sequence[str]
    constants: Mapping[str, str]
    formula: str


POSTURE_NUMBERS = frozenset(
    "policies contracts critical high medium low info accepted policies_switched_off "
    "automated_policies tier_count".split()
)

# A cell per environment, in the connection's order. A lateral join keeps the order of the APIs,
# and its cells are made once each, whatever is asked of them outside: hence the OFFSETs.
POSTURE = """
SELECT api.*, place.*,
  api.coverage ->> 'sentence' AS coverage_sentence
FROM ({rows}) api, LATERAL (
  SELECT environment.name AS environment, environment.id AS environment_id,
    environment.type AS environment_type, environment.outcome AS environment_outcome,
    environment.read_at AS environment_read_at, instance.*,
    coalesce(cell.state, 'not_deployed') AS state, cell.policies, cell.contracts,
    CASE WHEN cell.state <> 'not_deployed' THEN
      coalesce((SELECT coalesce(string_agg(name, '; '), 'none')
        FROM jsonb_array_elements_text(cell.tiers) name WHERE cell.tiers IS NOT NULL
        HAVING cell.tiers IS NOT NULL), 'could not read') END AS tiers,
    jsonb_array_length(cell.tiers) AS tier_count, cell.reason AS not_read,
    CASE WHEN cell.is_outlier THEN 'true' ELSE 'false' END AS differs,
    CASE WHEN cell.policies IS NOT NULL THEN cell.switched_off END AS policies_switched_off,
    CASE WHEN cell.policies IS NOT NULL THEN cell.automated END AS automated_policies
  FROM (VALUES {environments}) environment(position, id, name, type, outcome, read_at),
    LATERAL jsonb_to_record(api.cells -> environment.id) cell(state text, policies integer,
      switched_off integer, automated integer, tiers jsonb, contracts integer, is_outlier boolean,
      reason text, instances jsonb),
    LATERAL (SELECT string_agg(item ->> 'instance_id', '; ') AS instance_ids,
        string_agg(coalesce(item ->> 'product_version', ''), '; ') AS product_versions,
        string_agg(coalesce(item ->> 'asset_version', ''), '; ') AS asset_versions,
        string_agg(coalesce(item ->> 'label', ''), '; ') AS instance_labels,
        string_agg(coalesce(item ->> 'status', ''), '; ') AS instance_statuses
      FROM jsonb_array_elements(cell.instances) item) instance
  ORDER BY environment.position OFFSET 0
) place OFFSET 0
"""

FINDINGS = """
SELECT found.severity, found.name, found.group_id, found.asset_id, found.sentence, found.kind,
  found.rule, found.owasp, found.direction, found.subject, found.path, found.fingerprint,
  found.api_id, CAST(found.values AS text) AS "values",
  (SELECT string_agg(path, '; ') FROM jsonb_array_elements_text(found.paths) path) AS paths,
  (SELECT string_agg(environment.name, '; ' ORDER BY environment.position)
    FROM (VALUES {environments}) environment(position, id, name, type, outcome, read_at)
    WHERE found.outliers ? environment.id) AS outliers,
  to_char(found.first_seen_at AT TIME ZONE 'UTC', {time}) AS first_seen_at,
  to_char(coalesce(found.last_seen_at, found.published_at) AT TIME ZONE 'UTC', {time})
    AS last_seen_at,
  CASE WHEN found.last_seen_at IS NULL THEN 'true' ELSE 'false' END AS is_confirmed
FROM ({rows}) found OFFSET 0
"""

TIME = """'YYYY-MM-DD"T"HH24:MI:SS"Z"'"""
