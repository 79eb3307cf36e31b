"""How migrations run: on the connection that they are given, under one lock, all or nothing."""

from alembic import context
from sqlalchemy import Connection, create_engine, text

from app.store.migrating import LOCK
from app.store.tables import metadata


def migrate(connection: Connection) -> None:
    """Run what was asked for inside the connection's transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    for schema in ("plumbline", "jobs"):
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=is_ours,
    )
    context.run_migrations()


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """Tell whether `alembic check` compares this: the queue's tables are procrastinate's own."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    # By hand: alembic -x url=postgresql+psycopg://owner… revision|check|history
    url = context.get_x_argument(as_dictionary=True)["url"]
    options = {"options": "-csearch_path=plumbline,jobs"}
    with create_engine(url, connect_args=options).begin() as opened:
        migrate(opened)
