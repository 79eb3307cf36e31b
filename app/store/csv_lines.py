"""CSV straight from the database: COPY over named columns, formulas neutralised on the way."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.abc import PQGen
from psycopg.generators import copy_from
from psycopg.pq.abc import PGconn
from sqlalchemy import Select, String, literal_column, select

from app.caller import SiteId, SpaceId
from app.store import findings, posture_rows
from app.store.database import DB, driver_connection
from app.store.posture_rows import Filter
from app.store.syncs import SyncEnvironment
from app.store.tables import posture_rows as table

CHUNK_BYTES = 64 * 1024

Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Which columns of a query, in their order, and what ends every line.

    `formula` is the pattern of a cell that gets an apostrophe.
    """

    columns: Sequence[str]
    end_of_line: bytes
    formula: str
    environments: Sequence[SyncEnvironment]


NEUTRAL_COLUMNS = frozenset(
    # Numbers stay numbers, and words of our own are no formulas.
    (
        *("policies", "policies_switched_off", "automated_policies", "tier_count", "contracts"),
        *("critical", "high", "medium", "low", "info", "accepted"),
        *("verdict", "state", "differs", "coverage", "instance_ids", "api_id"),
        *("environment_outcome", "environment_read_at"),
        *("severity", "kind", "rule", "owasp", "direction", "values", "fingerprint"),
        *("first_seen_at", "last_seen_at", "is_confirmed", "accepted_reason", "accepted_until"),
    )
)


def joined(field: str) -> str:
    """Return the SQL of one field of all instances; most cells have one, which is quickly told."""
    return (  # the names are our own constants
        f"CASE WHEN jsonb_array_length(place.instances) = 1 "  # noqa: S608
        f"THEN place.instances #>> '{{{{0,{field}}}}}' "
        f"ELSE (SELECT string_agg(coalesce(item ->> '{field}', ''), '; ') "
        f"FROM jsonb_array_elements(place.instances) item) END"
    )


PLACE = literal_column(f"{table.name}.ctid", String).label("ctid")

# Sorted without the cells, with which a sort of many APIs would not fit into memory: they are
# fetched by the place of the row, which one statement can rely on. Lateral joins keep the order,
# and each OFFSET keeps what is below it from being made twice.
POSTURE = f"""
  SELECT api.*, place.environment, place.environment_id, place.environment_type,
    place.environment_outcome, place.environment_read_at,
    {joined("instance_id")} AS instance_ids, {joined("product_version")} AS product_versions,
    {joined("asset_version")} AS asset_versions, {joined("label")} AS instance_labels,
    {joined("status")} AS instance_statuses,
    place.cell ->> 'state' AS state, place.cell ->> 'policies' AS policies,
    place.cell ->> 'contracts' AS contracts, place.cell ->> 'reason' AS not_read,
    place.cell ->> 'is_outlier' AS differs,
    CASE WHEN place.cell ->> 'policies' IS NOT NULL THEN place.cell ->> 'switched_off' END
      AS policies_switched_off,
    CASE WHEN place.cell ->> 'policies' IS NOT NULL THEN place.cell ->> 'automated' END
      AS automated_policies,
    CASE WHEN jsonb_typeof(place.tiers) = 'array' THEN jsonb_array_length(place.tiers) END
      AS tier_count,
    CASE WHEN jsonb_typeof(place.tiers) = 'array' THEN coalesce((SELECT string_agg(tier, '; ')
        FROM jsonb_array_elements_text(place.tiers) tier), 'none')
      WHEN place.cell ->> 'state' <> 'not_deployed' THEN 'could not read' END AS tiers
  FROM ({{rows}} OFFSET 0) ordered,
  LATERAL (SELECT p.name, p.group_id, p.asset_id, p.api_id, p.verdict, p.headline, p.critical,
      p.high, p.medium, p.low, p.info, p.accepted, p.coverage ->> 'sentence' AS coverage, p.cells
    FROM posture_rows p WHERE p.ctid = ordered.ctid OFFSET 0) api,
  LATERAL (SELECT environment.name AS environment, environment.id AS environment_id,
      environment.type AS environment_type, environment.outcome AS environment_outcome,
      environment.read_at AS environment_read_at, held.cell, held.cell -> 'tiers' AS tiers,
      held.cell -> 'instances' AS instances
    FROM (VALUES {{environments}}) environment(position, id, name, type, outcome, read_at),
      LATERAL (SELECT api.cells -> environment.id AS cell OFFSET 0) held OFFSET 0) place
  OFFSET 0
"""  # noqa: S608 - the names are our own constants

FINDINGS = """
  SELECT found.severity, found.name, found.group_id, found.asset_id, found.sentence, found.kind,
    found.rule, found.owasp, found.direction, found.subject, found.path,
    (SELECT string_agg(item, '; ') FROM jsonb_array_elements_text(found.paths) item) AS paths,
    (SELECT string_agg(environment.name, '; ' ORDER BY environment.position)
      FROM (VALUES {environments}) environment(position, id, name, type, outcome, read_at)
      WHERE found.outliers ? environment.id) AS outliers,
    CAST(found."values" AS text) AS "values",
    to_char(found.first_seen_at AT TIME ZONE 'UTC', %(sheet_time)s) AS first_seen_at,
    to_char(coalesce(found.last_seen_at, found.published_at) AT TIME ZONE 'UTC', %(sheet_time)s)
      AS last_seen_at,
    CAST(found.last_seen_at IS NULL AS text) AS is_confirmed, found.fingerprint, found.api_id,
    found.accepted ->> 'reason' AS accepted_reason, found.accepted ->> 'by' AS accepted_by,
    found.accepted ->> 'note' AS accepted_note,
    to_char(CAST(found.accepted ->> 'until' AS timestamptz) AT TIME ZONE 'UTC', %(sheet_time)s)
      AS accepted_until
  FROM ({rows} OFFSET 0) found OFFSET 0
"""

TIME = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'

# Most cells begin with a letter or digit and need no look at the pattern.
NEUTRAL = (
    "CASE WHEN ascii({0}) BETWEEN 65 AND 122 OR ascii({0}) BETWEEN 48 AND 57 THEN {0} "
    "WHEN {0} ~ %(sheet_formula)s THEN '''' || {0} ELSE {0} END"
)


async def posture_lines(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, wanted: Filter, sheet: Sheet
) -> AsyncIterator[bytes]:
    """Stream a line per API that a filter lets through and environment of the sheet."""
    if not sheet.environments:
        return
    chosen = (posture_rows.valid(site_id, space_id, number), *posture_rows.matching(wanted))
    rows = select(PLACE).where(*chosen).order_by(*posture_rows.in_order(wanted.sort))
    async for chunk in _copied(db, sheet, *statement(db, POSTURE, rows, sheet)):
        yield chunk


async def finding_lines(
    db: DB, site_id: SiteId, space_id: SpaceId, number: int, wanted: Filter, sheet: Sheet
) -> AsyncIterator[bytes]:
    """Stream a line per finding that a filter lets through, worst first."""
    which = findings.matching(site_id, space_id, number, wanted)
    rows = findings.ordered(site_id, space_id, number, which)
    async for chunk in _copied(db, sheet, *statement(db, FINDINGS, rows, sheet)):
        yield chunk


def statement(db: DB, query: str, rows: Select[Any], sheet: Sheet) -> tuple[str, Values]:
    """Return the COPY and its values; a column that the query does not know fails there."""
    lines, values = question(db, query, rows, sheet)
    cells = ", ".join(map(_cell, sheet.columns))
    return f"COPY (SELECT {cells} FROM ({lines}) line) TO STDOUT (FORMAT csv)", values  # noqa: S608


def question(db: DB, query: str, rows: Select[Any], sheet: Sheet) -> tuple[str, Values]:
    """Return the question for the cells as they are kept, and its values."""
    compiled = rows.compile(dialect=db.dialect, compile_kwargs={"render_postcompile": True})
    asked = query.format(rows=compiled, environments=_places(len(sheet.environments)))
    return asked, dict(compiled.params) | _values(sheet)


def _cell(name: str) -> str:
    column = f'line."{name}"'
    return column if name in NEUTRAL_COLUMNS else NEUTRAL.format(column)


def _places(count: int) -> str:
    fields = ("id", "name", "type", "outcome", "read_at")
    rows = (
        f"({place}, {', '.join(f'%(sheet_{field}_{place})s' for field in fields)})"
        for place in range(count)
    )
    return ", ".join(rows) or "(0, '', '', '', '', '')"


def _values(sheet: Sheet) -> Values:
    values: Values = {"sheet_formula": sheet.formula, "sheet_time": TIME}
    for place, item in enumerate(sheet.environments):
        told = {"id": item.id, "name": item.name, "type": item.type, "outcome": item.outcome.value}
        told["read_at"] = _time(item.read_at)
        values |= {f"sheet_{field}_{place}": text for field, text in told.items()}
    return values


def _time(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _copied(db: DB, sheet: Sheet, copy: str, values: Values) -> AsyncIterator[bytes]:
    connection = await driver_connection(db)
    async with connection.cursor() as cursor, cursor.copy(copy.encode(), values):
        is_over = False
        while not is_over:
            lines, is_over = await connection.wait(_arrived(connection.pgconn))
            if lines:
                yield sheet.end_of_line.join((*lines, b""))


def _arrived(pgconn: PGconn) -> PQGen[tuple[list[memoryview], bool]]:
    """Return about a chunk of lines, and whether they are the last.

    The driver's own loop asks for line by line, each time through the event loop's machinery.
    """
    lines: list[memoryview] = []
    size = 0
    while size < CHUNK_BYTES:
        line = yield from copy_from(pgconn)
        if not isinstance(line, memoryview):
            return lines, True
        lines.append(line[:-1])  # the server ends lines as its own system does
        size += len(line)
    return lines, False
