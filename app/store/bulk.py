"""Many rows at once: COPY into a temporary table, from where one statement takes them.

COPY straight into a table with row-level security is refused by Postgres; this way the policy holds.
"""

from collections.abc import Iterable, Mapping, Sequence

import orjson
from sqlalchemy import text

from app.posture.model import Json
from app.store.database import DB, driver_connection


async def copy_rows(
    db: DB, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]
) -> None:
    """Fill a new temporary table, gone with the transaction; `columns` are names and SQL types."""
    await db.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    await db.execute(text(f"CREATE TEMPORARY TABLE {table} ({typed}) ON COMMIT DROP"))
    connection = await driver_connection(db)
    statement = f"COPY pg_temp.{table} ({', '.join(columns)}) FROM STDIN"
    async with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            await copy.write_row(row)
    await db.execute(text(f"ANALYZE pg_temp.{table}"))


async def join_by_hashing(db: DB) -> None:
    """Keep the rest of this transaction from joining row by row.

    Right after a large publishing the planner still believes that the tables are empty, and would
    compare every row with every other: minutes instead of milliseconds.
    """
    await db.execute(text("SET LOCAL enable_nestloop = off"))


def json_text(value: Json) -> str:
    """Return a value as JSON text, keys sorted, for a column of type jsonb."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
