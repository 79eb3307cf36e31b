"""How connections to the database are made: our schemas, limits on waiting, a bounded pool."""

import orjson
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.store.pinging import ping_when_in_doubt
from app.store.silence import WATCHED

SEARCH_PATH = "plumbline,jobs"


def driver_url(url: str) -> URL:
    """Return the URL with our driver in it; operators write `postgresql://`."""
    return make_url(url).set(drivername="postgresql+psycopg")


def connection_options(
    statement_seconds: float = 30.0, lock_seconds: float = 4.0, idle_seconds: float = 60.0
) -> str:
    """Return libpq's `options`: our schemas, UTC, and limits so that nobody waits for ever."""
    settings = {
        "search_path": SEARCH_PATH,
        "timezone": "UTC",
        "statement_timeout": int(statement_seconds * 1000),
        "lock_timeout": int(lock_seconds * 1000),
        "idle_in_transaction_session_timeout": int(idle_seconds * 1000),
    }
    return " ".join(f"-c{name}={value}" for name, value in settings.items())


def pooled_engine(url: str, options: str, *, pool_size: int, pool_timeout: float) -> AsyncEngine:
    """Return an engine with a bounded pool; nothing is connected before its first use."""
    engine = create_async_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "options": options,
            **WATCHED,
            "application_name": "plumbline",
        },
    )
    ping_when_in_doubt(engine)
    return engine
