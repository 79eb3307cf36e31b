"""TCP and TLS for httpcore on the event loop itself, without a clock around every read and write.

Whoever makes a call limits the whole of it; time-outs per read and write are a fifth of its price.
"""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore

MOST_UNREAD_BYTES = 256 * 1024
"""So much may arrive that nobody has read yet; then the sender is kept waiting."""


class LoopBackend(httpcore.AsyncNetworkBackend):
    """Connects through the running event loop."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to the first address that answers."""
        from_where = (local_address, 0) if local_address else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                transport, wire = await loop.create_connection(
                    Wire, host, port, local_addr=from_where
                )
        except TimeoutError:
            raise httpcore.ConnectTimeout("no connection was made in time") from None
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return Stream(transport, wire)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Wire(asyncio.Protocol):
    """What has arrived and was not read yet; one reader and one writer at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.has_ended = False
        self._error: Exception | None = None
        self._unread = bytearray()
        self._is_paused = False
        self._arrival: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    @property
    def is_readable(self) -> bool:
        """Whether a read would not wait: for a connection at rest it means that it is over."""
        return self.has_ended or bool(self._unread)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; TLS puts another one in its place."""
        # The faster loop's transports are of no common class, so this cannot be asserted.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what has arrived, and wake up the reader."""
        self._unread += data
        if len(self._unread) > MOST_UNREAD_BYTES and not self._is_paused and self.transport:
            self._is_paused = True
            self.transport.pause_reading()
        _wake(self._arrival)

    def eof_received(self) -> None:
        """Take note that nothing more will come."""
        self.has_ended = True
        _wake(self._arrival)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone, and why."""
        self.has_ended, self._error = True, exc
        _wake(self._arrival)
        _wake(self._room)

    def pause_writing(self) -> None:
        """Let the writer wait for the network."""
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let the writer go on."""
        _wake(self._room)
        self._room = None

    async def read(self, max_bytes: int) -> bytes:
        """Return what has arrived, or wait for some; nothing at the connection's end."""
        while not self._unread and not self.has_ended:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        if self._error is not None and not self._unread:
            raise httpcore.ReadError(str(self._error)) from self._error
        taken = bytes(self._unread[:max_bytes])
        del self._unread[:max_bytes]
        if self._is_paused and not self._unread:
            self._is_paused = False
            if self.transport and not self.transport.is_closing():
                self.transport.resume_reading()
        return taken

    async def drained(self) -> None:
        """Wait until the network takes more; `WriteError` when it never will."""
        if self._room is not None:
            await self._room
        if self.has_ended:
            raise httpcore.WriteError("the other side has closed") from self._error


class Stream(httpcore.AsyncNetworkStream):
    """One connection as httpcore takes it; its time-outs are the caller's business."""

    def __init__(self, transport: asyncio.Transport, wire: Wire) -> None:
        self._transport = transport
        self._wire = wire

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        """Return some bytes, or none at the end."""
        return await self._wire.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Send all bytes."""
        if buffer:
            # The faster loop raises an error of its own at a transport that has just closed.
            if self._transport.is_closing():
                raise httpcore.WriteError("the other side has closed")
            self._transport.write(buffer)
            await self._wire.drained()

    async def aclose(self) -> None:
        """Close at once; nobody waits for a farewell."""
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's own signature
    ) -> httpcore.AsyncNetworkStream:
        """Return the same connection with TLS; `ConnectError` without a good certificate."""
        loop = asyncio.get_running_loop()
        if self._transport.is_closing():
            raise httpcore.ConnectError("the other side has closed")
        try:
            async with asyncio.timeout(timeout):
                secured = await loop.start_tls(
                    self._transport, self._wire, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError:
            self._transport.abort()
            raise httpcore.ConnectTimeout("TLS was not agreed upon in time") from None
        except (OSError, ssl.SSLError) as error:
            self._transport.abort()
            raise httpcore.ConnectError(str(error)) from error
        if secured is None:
            raise httpcore.ConnectError("the connection ended before TLS was agreed upon")
        self._wire.connection_made(secured)
        return Stream(secured, self._wire)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks for: the TLS object, the addresses, whether it can be read."""
        names = {"client_addr": "sockname", "server_addr": "peername"}
        if info == "is_readable":
            return self._wire.is_readable
        return self._transport.get_extra_info(names.get(info, info))


def _wake(waiting: "asyncio.Future[None] | None") -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
