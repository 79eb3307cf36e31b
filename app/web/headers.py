"""The security headers that stand on every answer, errors included."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.request_log import RECORD, RequestRecord

Header = tuple[bytes, bytes]

DESIGN_CDN = "https://ds-cdn.prod-east.frontend.public.atl-paas.net"
"""Serves the font and the style sheet that the host's newer theming loads."""

ALWAYS: tuple[Header, ...] = (
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"permissions-policy", b""),
)
NEVER_KEPT: Header = (b"cache-control", b"no-cache, no-store")
NOTHING: Header = (
    b"content-security-policy",
    b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9.-]+(:[0-9]{1,5})?", re.IGNORECASE)


def origin_of(url: str) -> str:
    """Return the origin of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class PagePolicy:
    """The content security policy of pages, for the frames that may hold them."""

    def __init__(self, connect_script_url: str, confluence_origins: Iterable[str]) -> None:
        self._script = origin_of(connect_script_url)
        self._frames = tuple(confluence_origins)
        self.of = lru_cache(maxsize=1024)(self._of)

    def _of(self, frame_origins: tuple[str, ...]) -> Header:
        """Return the header; without a known site its frames are all the configured ones."""
        origins = [item for item in frame_origins if ORIGIN.fullmatch(item)]
        frames = " ".join(dict.fromkeys(origins or self._frames)) or "'none'"
        policy = (
            f"default-src 'none'; script-src 'self' {self._script}; "
            f"style-src 'self' {self._script} {DESIGN_CDN}; img-src 'self' data:; "
            f"font-src 'self' {DESIGN_CDN}; connect-src 'self'; form-action 'none'; "
            f"base-uri 'none'; frame-ancestors {frames}"
        )
        return (b"content-security-policy", policy.encode())


class SecurityHeaders:
    """A wrapper around the whole app; an answer's own header of the same name stays."""

    def __init__(self, app: ASGIApp, policy: PagePolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request with the headers on its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._completed(message["headers"], scope["state"][RECORD])
            await send(message)

        await self._app(scope, receive, with_headers)

    def _completed(self, given: Iterable[Header], record: RequestRecord) -> list[Header]:
        headers = [(name.lower(), value) for name, value in given]
        names = dict(headers)
        is_html = names.get(b"content-type", b"").startswith(b"text/html")
        policy = self._policy.of(record.frame_origins) if is_html else NOTHING
        request_id = (b"x-request-id", record.request_id.encode())
        ours = (*ALWAYS, NEVER_KEPT, policy, request_id)
        return headers + [header for header in ours if header[0] not in names]
