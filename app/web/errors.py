"""Which error gets which answer: one table, one shape; a small readable page for pages."""

import html
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg.errors
import sqlalchemy.exc
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.anypoint.errors import CouldNotRead, CredentialsRefused
from app.errors import (
    AlreadyThere,
    AppError,
    BadValue,
    Conflict,
    NotAuthenticated,
    NotPermitted,
    NotThere,
    TooSoon,
    Unavailable,
)
from app.web import value_words
from app.web.request_log import record_of, where
from app.web.routing import protected_routes, speakable

logger = logging.getLogger("plumbline.errors")

STATUS: dict[type[AppError], int] = {
    NotAuthenticated: 401,
    NotPermitted: 403,
    NotThere: 404,
    Conflict: 409,
    BadValue: 422,
    TooSoon: 429,
    CredentialsRefused: 409,
    CouldNotRead: 502,
    Unavailable: 503,
    AppError: 500,
}

SHELL_ASKS = "x-plumbline-refusals"
"""The header with which Forge's shell wants refusals as successful answers."""

UPSTREAM_SECONDS = "30"
"""When to ask again for what Anypoint did not give."""

HTTP_WORDS = {
    400: ("bad_request", "The request cannot be understood."),
    405: ("method_not_allowed", "This cannot be done here."),
    408: ("timed_out", "The request took too long to arrive. Send it again."),
    413: ("too_large", "The request is too large."),
    414: ("too_long", "The address is too long."),
    415: ("unsupported_media_type", "A body must be application/json."),
    431: ("headers_too_large", "The headers are too large."),
}

INTERNAL = (
    "Something went wrong on our side. Try again; if it happens again, report the request id."
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What a person or a script is told when a request was refused."""

    status: int
    code: str
    message: str
    request_id: str
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    existing: object = None

    def body(self) -> bytes:
        """Return the JSON of the contract."""
        error: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "request_id": self.request_id,
        }
        if self.status == BAD_VALUE:
            error["fields"] = self.fields
        if self.existing is not None:
            error["existing"] = self.existing
        return json.dumps({"error": error}).encode()


BAD_VALUE = 422


def status_of(error: AppError) -> int:
    """Return the status of an error: that of its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def fault_of(error: AppError, request_id: str) -> Fault:
    """Return what is told about an error raised on purpose."""
    headers = {}
    if isinstance(error, TooSoon | Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, CouldNotRead):
        headers["Retry-After"] = UPSTREAM_SECONDS
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "JWT"
    fields = error.fields if isinstance(error, BadValue) else {}
    existing = error.existing if isinstance(error, AlreadyThere) else None
    return Fault(status_of(error), error.code, error.message, request_id, fields, headers, existing)


def http_fault(status: int, request_id: str, headers: Mapping[str, str] | None = None) -> Fault:
    """Return what is told about a fault of HTTP itself; an unknown path is simply not there."""
    if status == STATUS[NotThere]:
        return fault_of(NotThere(), request_id)
    code, message = HTTP_WORDS.get(status, HTTP_WORDS[400])
    return Fault(status, code, message, request_id, {}, headers or {})


def _status_told(request: Request, fault: Fault, route: str) -> int:
    """Return 200 for Forge's shell: Forge's proxy keeps everything of another answer from it."""
    is_asked_for = request.headers.get(SHELL_ASKS) == "in-body" and route == "/forge/open"
    return 200 if is_asked_for and fault.status != STATUS[NotAuthenticated] else fault.status


def answer(request: Request, fault: Fault) -> Response:
    """Return a fault as the route's callers read it: a page for pages, else JSON."""
    record = record_of(request)
    record.error = fault.code
    if record.is_page:
        shown = request.app.state.error_page(fault, record.route)
        return HTMLResponse(shown, fault.status, dict(fault.headers))
    status = _status_told(request, fault, record.route)
    return Response(fault.body(), status, dict(fault.headers), "application/json")


def plain_page(fault: Fault, _: str = "") -> str:
    """Return a page that needs nothing but itself."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Plumbline</title></head>'
        f"<body><h1>{html.escape(fault.message)}</h1>"
        f"<p>Request {html.escape(fault.request_id)}</p></body></html>"
    )


async def _app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    record = record_of(request)
    if isinstance(error, NotAuthenticated):
        record.reason = error.reason
    fault = fault_of(error, record.request_id)
    if fault.status == STATUS[AppError]:
        return await _crash(request, error)
    return answer(request, fault)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {}
    if error.status_code == 405:
        headers["Allow"] = ", ".join(allowed_methods(request))
    return answer(request, http_fault(error.status_code, record_of(request).request_id, headers))


def allowed_methods(request: Request) -> list[str]:
    """Return every method that the path of a request knows, HEAD included."""
    methods: set[str] = set()
    for route in protected_routes(request.app):
        _, matched = route.matches(request.scope)
        methods |= (route.methods or set()) if matched else set()
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = {_place(item["loc"]): _sentence(item) for item in error.errors()}
    return answer(request, fault_of(BadValue(fields), record_of(request).request_id))


def _place(location: tuple[object, ...]) -> str:
    parts = [part for part in location[1:] if not isinstance(part, int)]
    return ".".join(speakable(str(part)) for part in parts) or str(location[0])


def _sentence(item: Mapping[str, Any]) -> str:
    """Say what is wrong with a value in words that hold nothing of the value."""
    return value_words.sentence(item["type"], item.get("ctx", {}), item["msg"])


async def _database_error(request: Request, error: Exception) -> Response:
    # The last net under bad input: what a column cannot hold. A database that is away is
    # `Unavailable` long before.
    assert isinstance(error, sqlalchemy.exc.DBAPIError)
    if isinstance(error.orig, psycopg.errors.DataError):
        return answer(request, fault_of(BadValue({}), record_of(request).request_id))
    return await _crash(request, error)


async def _crash(request: Request, error: Exception) -> Response:
    record = record_of(request)
    logger.error("crash", extra={"fields": {"request_id": record.request_id, "at": where(error)}})
    return answer(request, Fault(500, "internal", INTERNAL, record.request_id))


def install_error_handlers(app: FastAPI, page: Callable[[Fault, str], str] = plain_page) -> None:
    """Give every error its answer; nothing falls through to the framework's own."""
    app.state.error_page = page
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(sqlalchemy.exc.DBAPIError, _database_error)
    app.add_exception_handler(Exception, _crash)
