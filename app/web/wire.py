"""The server's end of a connection: what uvicorn leaves unbounded, and what it answers by itself."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.headers import ALWAYS, NEVER_KEPT, NOTHING

MOST_HEAD_BYTES = 64 * 1024
"""Of a request line with its headers, while they are not whole; the app's own limit is lower."""

HEAD_SECONDS = 15.0
"""How long a connection may take for a whole request line with its headers."""

OWN_HEADERS = b"".join(
    name + b": " + value + b"\r\n" for name, value in (*ALWAYS, NEVER_KEPT, NOTHING)
)


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 with heads bounded in size and time, and our headers on a refusal of what is no HTTP."""

    _head_bytes = 0
    _is_whole = False
    _head_limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; who connects and says nothing is waited for no longer than anybody else."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; give up on a head that goes on and on."""
        super().data_received(data)
        if self._is_whole:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Note that its head is whole."""
        self._is_whole = True
        self._stop_waiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, with the headers that stand on every answer; then close."""
        body = msg.encode("ascii")
        head = (
            b"HTTP/1.1 400 Bad Request\r\n"
            b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
            b"content-length: %d\r\n" % len(body)
        )
        self.transport.write(head + OWN_HEADERS + b"\r\n" + body)
        self.transport.close()

    def _expect_head(self) -> None:
        self._head_bytes, self._is_whole = 0, False
        self._stop_waiting()
        self._head_limit = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_limit is not None:
            self._head_limit.cancel()
            self._head_limit = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
