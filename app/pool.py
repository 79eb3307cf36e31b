"""Kept-alive connections for many calls at once, at a fraction of httpcore's own bookkeeping.

httpcore's pool looks at every connection, sockets included, twice per call: with sixteen calls in
flight that is most of a call's price. Here a call takes the connection that was free last.
"""

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator

import httpcore


class Pool(httpcore.AsyncConnectionPool):
    """Connections over HTTP/1.1; at most `max_connections` calls are under way."""

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        network_backend: httpcore.AsyncNetworkBackend,
        *,
        max_connections: int,
        keepalive_expiry: float,
    ) -> None:
        super().__init__(ssl_context=ssl_context, network_backend=network_backend)
        self._context = ssl_context
        self._backend = network_backend
        self._expiry = keepalive_expiry
        self._room = asyncio.Semaphore(max_connections)
        self._free: list[httpcore.AsyncHTTPConnection] = []

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request on a free connection or a new one; return the answer, its body unread."""
        await self._room.acquire()
        try:
            connection = await self._connection(request.url.origin)
            answer = await self._sent(connection, request)
        except BaseException:
            self._room.release()
            raise
        assert isinstance(answer.stream, AsyncIterable)
        body = _Body(answer.stream, connection, self)
        return httpcore.Response(
            answer.status, headers=answer.headers, content=body, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close all connections that no call is using."""
        free, self._free = self._free, []
        for connection in free:
            await connection.aclose()

    async def give_back(self, connection: httpcore.AsyncHTTPConnection) -> None:
        """Take a connection back after its answer; one that was left halfway is closed."""
        self._room.release()
        if connection.is_idle():
            self._free.append(connection)
        elif not connection.is_closed():
            await connection.aclose()

    async def _connection(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        while (connection := self._taken(origin)) is not None:
            if not connection.has_expired():
                return connection
            await connection.aclose()
        await self._close_expired()
        return httpcore.AsyncHTTPConnection(
            origin=origin,
            ssl_context=self._context,
            keepalive_expiry=self._expiry,
            network_backend=self._backend,
        )

    def _taken(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection | None:
        for place in reversed(range(len(self._free))):
            if self._free[place].can_handle_request(origin):
                return self._free.pop(place)
        return None

    async def _close_expired(self) -> None:
        expired = [connection for connection in self._free if connection.has_expired()]
        self._free = [connection for connection in self._free if connection not in expired]
        for connection in expired:
            await connection.aclose()

    async def _sent(
        self, connection: httpcore.AsyncHTTPConnection, request: httpcore.Request
    ) -> httpcore.Response:
        try:
            return await connection.handle_async_request(request)
        except BaseException:
            await connection.aclose()
            raise


class _Body:
    """The body of an answer; closing it frees the connection for the next call."""

    def __init__(
        self,
        stream: AsyncIterable[bytes],
        connection: httpcore.AsyncHTTPConnection,
        pool: Pool,
    ) -> None:
        self._stream = stream
        self._connection = connection
        self._pool = pool
        self._is_open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        try:
            if hasattr(self._stream, "aclose"):
                await self._stream.aclose()
        finally:
            await self._pool.give_back(self._connection)
