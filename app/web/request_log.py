"""What is remembered of a request while it runs, and the one record that is logged of it."""

import json
import logging
import re
import secrets
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import orjson
from prometheus_client import Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import metrics
from app.caller import TokenKind

logger = logging.getLogger("plumbline.request")

RECORD = "plumbline_record"
SECRETS = re.compile(
    # A word is looked through once, not from each of its beginnings: it may be very long.
    r"((?<![\w-])(?=[\w-]*eyJ)[\w-]++\.[\w-]++\.[\w-]*)"
    r"|((?<=\?)[^\s\"']+)|((?:JWT|Bearer)\s+\S+)|(plumbline_[\w-]{64})",
    re.I,
)
"""Tokens, query strings and authorization values, wherever a library may have put them."""

SHORT_WORD = re.compile(r"[\w/:{}-]{0,64}", re.ASCII)
"""None of them: each has a full stop, a question mark or a space, or is longer."""


@dataclass(slots=True)
class RequestRecord:
    """What the wrappers, the route and the error handlers say about one request."""

    request_id: str
    method: str
    route: str = "-"
    token: str = TokenKind.NONE.value
    is_page: bool = False
    status: int = 0
    site_id: str | None = None
    door: str | None = None
    error: str | None = None
    reason: str | None = None
    frame_origins: tuple[str, ...] = ()

    def fields(self, seconds: float) -> dict[str, object]:
        """Return what is logged; what is unknown is left out."""
        said = {
            "request_id": self.request_id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "ms": round(seconds * 1000, 1),
            "site": self.site_id,
            "door": self.door,
            "error": self.error,
            "token": self.token if self.error else None,
            "reason": self.reason,
        }
        return {name: value for name, value in said.items() if value is not None}


def record_of(request: Request) -> RequestRecord:
    """Return the record of a request; every request has one, the outermost wrapper makes it."""
    record: RequestRecord = request.scope["state"][RECORD]
    return record


class RequestLog:
    """The outermost wrapper: gives a request its record, logs it, and lets no error pass on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and log it; what is not HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RequestRecord(secrets.token_hex(16), method_word(scope["method"]))
        scope.setdefault("state", {})[RECORD] = record
        started = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:  # noqa: BLE001 - the edge: the answer was sent, the record remains
            record.error, record.reason = "internal", where(error)
        finally:
            seconds = time.perf_counter() - started
            counted(record, seconds)
            logged(record, seconds)


def logged(record: RequestRecord, seconds: float) -> None:
    """Log a request, without the search for the place in our code that `logger.info` begins with."""
    if logger.isEnabledFor(logging.INFO):
        head = {"name": logger.name, "levelno": logging.INFO, "levelname": "INFO"}
        said = {"msg": "request", "fields": record.fields(seconds)}
        logger.handle(logging.makeLogRecord(head | said))


def counted(record: RequestRecord, seconds: float) -> None:
    """Count a request for the operator: by its route's template, never by who asked for what."""
    _clock_of(record.route, record.status).observe(seconds)
    if record.status in {401, 403}:
        metrics.REFUSALS.labels(record.status, record.reason or record.error or "-").inc()


@lru_cache(maxsize=1024)
def _clock_of(route: str, status: int) -> Histogram:
    return metrics.REQUEST_SECONDS.labels(route, status)


def method_word(method: str) -> str:
    """Return a method as it may be logged: a sender may invent any word."""
    return method if method.isascii() and method.isalpha() and len(method) <= 16 else "?"


def where(error: BaseException) -> str:
    """Return an error's type and the last places it came through, without its words: they may hold values."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} in {places}"


class RecordFormatter(logging.Formatter):
    """One line per record, as JSON or text; no line break, query, token or error text gets through."""

    def __init__(self, form: Literal["json", "text"]) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrubbed(record.getMessage()),
            **self._extra(record),
        }
        if self._form == "json":
            return _json(fields)
        words = [f"{name}={_word(value)}" for name, value in fields.items() if name not in LEADING]
        return " ".join(
            [str(fields["time"]), str(fields["level"]), _line(fields["message"]), *words]
        )

    def _extra(self, record: logging.LogRecord) -> dict[str, object]:
        given: Mapping[str, object] = record.__dict__.get("fields", {})
        extra = {name: _plain(value) for name, value in given.items()}
        if record.exc_info and record.exc_info[1]:
            extra["crash"] = where(record.exc_info[1])
        return extra


LEADING = frozenset({"time", "level", "message"})


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | bool) else scrubbed(str(value))


def _json(fields: Mapping[str, object]) -> str:
    try:
        line = orjson.dumps(fields).decode()
    except orjson.JSONEncodeError:  # half of a surrogate pair, a number without end
        return json.dumps(fields)
    # orjson leaves other alphabets as they are, and with them the line breaks of Unicode.
    return line if line.isascii() else json.dumps(fields)


def _line(value: object) -> str:
    return json.dumps(str(value))[1:-1]


def _word(value: object) -> str:
    text = str(value)
    return text if re.fullmatch(r"[\w./:{}-]+", text, re.ASCII) else json.dumps(text)


def scrubbed(text: str) -> str:
    """Return a text without tokens, query strings and authorization values."""
    return text if SHORT_WORD.fullmatch(text) else SECRETS.sub("…", text)


def configure_logging(form: Literal["json", "text"], *, level: int = logging.INFO) -> None:
    """Send every record to standard error in one form; uvicorn's own access log stays off."""
    handler = logging.StreamHandler()
    handler.setFormatter(RecordFormatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The first three print addresses with their queries at INFO, then each tick of a clock, each part.
    noisy = ("httpx", "httpcore", "uvicorn.access", "procrastinate", "alembic.runtime.plugins")
    for name in noisy:
        logging.getLogger(name).setLevel(logging.WARNING)
