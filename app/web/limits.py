"""What is refused before any route is looked for: odd spellings of a path, and too much of anything."""

import asyncio
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.errors import http_fault
from app.web.request_log import RECORD, RequestRecord

MOST_BODY = 64 * 1024
MOST_QUERY = 16 * 1024
MOST_HEADERS = 16 * 1024
MOST_FIELDS = 200
BODY_SECONDS = 15.0


class Limits:
    """A wrapper that refuses early, serves HEAD like GET, and takes off the base URL's own path."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self._app = app
        self._base_path = urlsplit(base_url).path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer with the contract's error."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = refused(scope)
        if status:
            await _refusal(scope["state"][RECORD], status)(scope, receive, send)
            return
        # A copy: the server looks into its own scope again when it sends the answer.
        inner = {**scope, "root_path": self._base_path} if self._base_path else dict(scope)
        if scope["method"] == "HEAD":
            inner["method"], send = "GET", without_body(send)
        await self._app(inner, limited(receive), send)


def refused(scope: Scope) -> int:
    """Return the status with which a request is refused unseen, or 0."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    query: bytes = scope["query_string"]
    # Every path of ours is plain: an escape in it is another spelling of a route or of nothing.
    if b"%" in (scope.get("raw_path") or b""):
        return 404
    if len(query) > MOST_QUERY:
        return 414
    if query.count(b"&") >= MOST_FIELDS or not is_text(query):
        return 400
    if sum(len(name) + len(value) for name, value in headers) > MOST_HEADERS:
        return 431
    return 413 if announced_length(headers) > MOST_BODY else 0


def is_text(query: bytes) -> bool:
    """Tell whether a query is UTF-8 once it is decoded: no door and no route could read another one."""
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return True


def announced_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the greatest length that a request says it has; 0 without a word about it."""
    lengths = [value for name, value in headers if name.lower() == b"content-length"]
    return max((int(value) for value in lengths if value.isdigit() and len(value) < 20), default=0)


def limited(receive: Receive) -> Receive:
    """Return a `receive` that ends a body which is too large (413) or too slow (408)."""
    seen = 0
    is_whole = False
    until: float | None = None

    async def counted() -> Message:
        nonlocal seen, is_whole, until
        if is_whole:
            return await receive()
        until = until or asyncio.get_running_loop().time() + BODY_SECONDS
        message = await _received(receive, until)
        seen += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if seen > MOST_BODY:
            raise HTTPException(413)
        return message

    return counted


async def _received(receive: Receive, until: float) -> Message:
    try:
        async with asyncio.timeout_at(until):
            return await receive()
    except TimeoutError:
        raise HTTPException(408) from None


def without_body(send: Send) -> Send:
    """Return a `send` that leaves the body out, as HEAD asks."""

    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return headers_only


def _refusal(record: RequestRecord, status: int) -> Response:
    fault = http_fault(status, record.request_id)
    record.error = fault.code
    return Response(fault.body(), status, media_type="application/json")
