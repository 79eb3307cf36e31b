"""Bringing the schema to this release, and granting the app's role what it needs of it."""

import logging
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import InsufficientPrivilege, UndefinedObject
from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.errors import BadConfiguration, Unavailable
from app.store import server_words
from app.store.tables import metadata

log = logging.getLogger(__name__)

LOCK = 7_205_617
"""The advisory lock of all migrating, held to the end of the transaction."""

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
ALL_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"


@cache
def head() -> str:
    """Return the revision that this release works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def is_newer(revision: str) -> bool:
    """Tell whether a later release has moved the schema on; what it added does not disturb this one."""
    return revision > head()


def upgrade(owner_url: str, app_role: str) -> None:
    """Bring the schema to `head` and grant `app_role` its rights; safe to run twice at once.

    A schema of a later release is left as it is, with a warning: its rights are granted already.
    """
    migrate(owner_url, "head", app_role)


def migrate(owner_url: str, revision: str, app_role: str | None = None) -> None:
    """Move the schema to a revision, forwards or back, in one transaction."""
    options = "-csearch_path=plumbline,jobs -clock_timeout=30000 -ctimezone=UTC"
    engine = create_engine(
        make_url(owner_url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"options": options, "connect_timeout": 5},
    )
    try:
        with engine.begin() as connection:
            if _is_ahead(connection):
                return
            _move(connection, revision)
            if app_role:
                _grant(connection, app_role)
    except OperationalError as error:
        why = server_words.reason(error)
        raise Unavailable(f"The database cannot be migrated now: {why}") from error
    except ProgrammingError as error:
        raise _named(error) or error from None
    finally:
        engine.dispose()


def _named(error: ProgrammingError) -> BadConfiguration | None:
    """Return what an operator named wrongly, or None for a fault of ours."""
    if isinstance(error.orig, InsufficientPrivilege):
        return BadConfiguration(
            "PLUMBLINE_MIGRATION_DATABASE_URL: this role may not change the schema; "
            "name the one that owns the database"
        )
    if isinstance(error.orig, UndefinedObject):
        return BadConfiguration("PLUMBLINE_DATABASE_URL: the database has no such role")
    return None


def _is_ahead(connection: Connection) -> bool:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    found = MigrationContext.configure(connection).get_current_revision() or ""
    if is_newer(found):
        log.warning(
            "the schema is %s, of a later release; %s is what this one needs", found, head()
        )
    return is_newer(found)


def _move(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    is_back = revision == "base" or revision.startswith("-")
    (command.downgrade if is_back else command.upgrade)(config, revision)


def check(owner_url: str) -> None:
    """Raise alembic's CommandError if tables.py and the migrations say different things."""
    engine = create_engine(
        make_url(owner_url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"options": "-csearch_path=plumbline,jobs"},
    )
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.check(config)
    engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _grant(connection: Connection, role: str) -> None:
    """Grant the rows of our tables and of the job queue; owning stays with the owner."""
    name = connection.dialect.identifier_preparer.quote(role)
    database = connection.dialect.identifier_preparer.quote(connection.engine.url.database or "")
    statements = [
        f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {name}",
        f"GRANT USAGE ON SCHEMA plumbline, jobs TO {name}",
        f"GRANT SELECT ON plumbline.alembic_version TO {name}",
        f"GRANT {ALL_RIGHTS} ON ALL TABLES IN SCHEMA jobs TO {name}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO {name}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA plumbline, jobs TO {name}",
    ]
    for table in metadata.sorted_tables:
        rights = table.info.get("rights", ALL_RIGHTS)
        statements.append(f"GRANT {rights} ON plumbline.{table.name} TO {name}")
    for statement in statements:
        connection.execute(text(statement))
