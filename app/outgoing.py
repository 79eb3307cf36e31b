"""The one way out: an HTTP client that cannot be sent to a place nobody meant.

Names are resolved once and every address checked before the connection is made to just that
address, so a name that answers differently the second time gains nothing.
"""

import asyncio
import ipaddress
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable

import anyio
import httpcore
import httpx

from app.pool import Pool

MEGABYTE = 1024 * 1024
MAX_ANSWER_BYTES = 32 * MEGABYTE
MAX_CONNECTIONS = 128
MAX_ADDRESSES = 4
DEFAULT_PORTS = {"http": 80, "https": 443}

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Origin = tuple[str, str, int]


class AnswerTooLarge(httpx.RequestError):
    """The answer is larger than anything we would keep: reading it again will not help."""


def client(
    *,
    timeout: float,
    operator_origins: Iterable[str] = (),
    max_bytes: int = MAX_ANSWER_BYTES,
    ssl_context: ssl.SSLContext | None = None,
) -> httpx.AsyncClient:
    """Return the outbound client; `timeout` limits a whole call, its body included.

    `operator_origins` are those written out in full by the operator: they alone may be http,
    loopback or private. A pattern with `*` gives no such right.
    """
    origins = frozenset(_origin(httpx.URL(url)) for url in operator_origins if "*" not in url)
    context = ssl_context or httpx.create_ssl_context(trust_env=False)
    return _Client(
        transport=_GuardedTransport(origins, max_bytes, context),
        timeout=timeout,
        trust_env=False,
        follow_redirects=False,
        headers={"Accept-Encoding": "gzip", "User-Agent": "Plumbline"},
    )


def is_public(address: str) -> bool:
    """Tell whether an IP address, and any IPv4 address inside it, is on the public internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and not ip.is_reserved
    inner = _embedded(ip)
    if inner is not None:
        return is_public(str(inner))
    return ip in GLOBAL_UNICAST and ip.is_global and not ip.is_multicast


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme, 0)


class _NoCookies(httpx.Cookies):
    """Takes no cookie: one client asks for all sites and people, and none may ride along with another."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave an answer's cookies where they are."""


class _Client(httpx.AsyncClient):
    @property  # type: ignore[misc]  # nobody sets another one
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES


_NO_COOKIES = _NoCookies()


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """Lets out https and what the operator wrote; lets in answers of bounded size and time."""

    def __init__(self, origins: frozenset[Origin], max_bytes: int, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        self._origins = origins
        self._max_bytes = max_bytes
        # httpx has no parameter for the network backend, which is where addresses are pinned.
        self._pool = Pool(
            context,
            _PinnedBackend(frozenset(origin[1:] for origin in origins)),
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=30,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https" and _origin(request.url) not in self._origins:
            raise httpx.UnsupportedProtocol("only https is allowed to this place")
        deadline = asyncio.get_running_loop().time() + _longest(request)
        try:
            async with asyncio.timeout_at(deadline):
                answer = await super().handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout("the call took too long") from None
        return await _bounded(answer, deadline, self._max_bytes)


def _longest(request: httpx.Request) -> float:
    limits = request.extensions.get("timeout", {}).values()
    return max((limit for limit in limits if limit is not None), default=float("inf"))


async def _bounded(answer: httpx.Response, deadline: float, max_bytes: int) -> httpx.Response:
    encoding = answer.headers.pop("content-encoding", "identity").strip().lower()
    assert isinstance(answer.stream, httpx.AsyncByteStream)
    stream: httpx.AsyncByteStream = _InTime(answer.stream, deadline, max_bytes)
    if encoding in {"gzip", "x-gzip"}:
        answer.headers.pop("content-length", None)
        stream = _Unpacked(stream, max_bytes)
    elif encoding != "identity":
        await stream.aclose()
        raise httpx.DecodingError("the answer has an encoding that was not asked for")
    return httpx.Response(
        answer.status_code, headers=answer.headers, stream=stream, extensions=answer.extensions
    )


class _InTime(httpx.AsyncByteStream):
    """A body as it came over the wire, until it is too long or too late."""

    def __init__(self, stream: httpx.AsyncByteStream, deadline: float, max_bytes: int) -> None:
        self._stream = stream
        self._deadline = deadline
        self._left = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = aiter(self._stream)
        while (part := await self._next(parts)) is not None:
            self._left -= len(part)
            if self._left < 0:
                raise AnswerTooLarge("the answer is too large")
            yield part

    async def _next(self, parts: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await anext(parts, None)
        except TimeoutError:
            raise httpx.ReadTimeout("the call took too long") from None

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Unpacked(httpx.AsyncByteStream):
    """A gzip body unpacked; a small body that would fill the memory is stopped at the cap."""

    def __init__(self, stream: httpx.AsyncByteStream, max_bytes: int) -> None:
        self._stream = stream
        self._left = max_bytes
        self._unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        begun = False
        async for part in self._stream:
            begun = True
            yield self._unpack(part)
        if begun and (not self._unpacker.eof or self._unpacker.unused_data):
            raise httpx.DecodingError("the packed answer is not whole")

    def _unpack(self, part: bytes) -> bytes:
        try:
            unpacked = self._unpacker.decompress(part, self._left + 1)
        except zlib.error:
            raise httpx.DecodingError("the packed answer is damaged") from None
        self._left -= len(unpacked)
        if self._left < 0 or self._unpacker.unconsumed_tail:
            raise AnswerTooLarge("the unpacked answer is too large")
        return unpacked

    async def aclose(self) -> None:
        await self._stream.aclose()


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to an address that was checked, never to a name."""

    def __init__(self, exempt: frozenset[tuple[str, int]]) -> None:
        self._exempt = exempt
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = (await self._checked(host, port, timeout))[:MAX_ADDRESSES]
        share = timeout and timeout / len(addresses)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(
            addresses[-1], port, share, local_address, socket_options
        )

    async def _checked(self, host: str, port: int, limit: float | None) -> list[str]:
        addresses = await _resolved(host, port, limit)
        if (host, port) in self._exempt:
            return addresses
        # One private address among public ones is how a name is made to lead inside.
        if not all(is_public(address) for address in addresses):
            raise httpcore.ConnectError("the name leads to an address that is not public")
        return addresses

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


async def _resolved(host: str, port: int, limit: float | None) -> list[str]:
    try:
        with anyio.fail_after(limit):
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise httpcore.ConnectTimeout("the name was not resolved in time") from None
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("the name is not known") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise httpcore.ConnectError("the name is not known")
    return addresses
