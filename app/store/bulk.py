"""Many rows at once: COPY into a temporary table, from where one statement takes them.

COPY straight into a table with row-level security is refused by Postgres; this way the policy holds.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Column, ColumnElement, all_, any_, literal, text
from sqlalchemy.dialects.postgresql import ARRAY

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


def recordset(columns: Mapping[str, str]) -> str:
    """Return SQL for the rows of `:rows`, written by `rows_json`, called `n`: for a small batch.

    A temporary table costs more to make than fifty rows to write, and leaves its traces in the
    catalogue.
    """
    read = (
        f"{READ_AS[kind].format(name)} AS {name}" if kind in READ_AS else name
        for name, kind in columns.items()
    )
    sent = (f"{name} {'text' if kind in READ_AS else kind}" for name, kind in columns.items())
    source = f"json_to_recordset(CAST(:rows AS json)) AS sent({', '.join(sent)})"
    return f"(SELECT {', '.join(read)} FROM {source}) AS n"  # noqa: S608 - our own constants


def among(column: Column[Any], values: Collection[object]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of these, however many: they are one parameter.

    A statement takes 65,535, and `in_` makes one of each.
    """
    return column == any_(literal(list(values), ARRAY(column.type)))


def none_of(column: Column[Any], values: Collection[object]) -> ColumnElement[bool]:
    """Return the condition that a column holds none of these, however many, in the same way."""
    return column != all_(literal(list(values), ARRAY(column.type)))


READ_AS = {"bytea": "decode({0}, 'hex')", "jsonb": "CAST({0} AS jsonb)"}
"""How a type is read that JSON has none of, or none as it is meant."""


def rows_json(columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as the parameter of `recordset`; what is of type jsonb is written down already."""
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return orjson.dumps(named, default=bytes.hex).decode()


async def wait_for_no_disk(db: DB) -> None:
    """Let this transaction end before it is on the disk: for what is only read again if lost.

    A later transaction that waits for the disk takes it along.
    """
    await db.execute(text("SET LOCAL synchronous_commit = off"))


async def join_by_hashing(db: DB) -> None:
    """Keep the rest of this transaction from joining row by row.

    Right after a large publishing the planner still believes that the tables are empty, and would
    compare every row with every other: minutes instead of milliseconds.
    """
    await db.execute(text("SET LOCAL enable_nestloop = off"))


def json_text(value: Json) -> str:
    """Return a value as JSON text, keys sorted, for a column of type jsonb."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
