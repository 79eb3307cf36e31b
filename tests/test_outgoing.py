"""The outbound client: which places it reaches, and what it lets back in."""

import asyncio
import datetime
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app import outgoing
from app.outgoing import AnswerTooLarge, is_public

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    async def write(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)

    return write


@asynccontextmanager
async def serving(
    reply: Answer, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on loopback that answers everything alike, with the requests it saw."""
    seen: list[bytes] = []
    open_calls: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            await reply(writer)
            await writer.drain()
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_calls.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], seen
        for call in open_calls:
            call.cancel()
        await asyncio.gather(*open_calls, return_exceptions=True)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """The machine's resolver: what a name leads to, at each question in turn."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host, port, *args, **kwargs):
        text = host.decode() if isinstance(host, bytes) else host
        if text not in known:
            return real(host, port, *args, **kwargs)
        addresses = known[text].pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "104.192.141.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"]
)
def test_addresses_of_the_public_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "127.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:a00:1::",
        "2001:0:4136:e378::1",
        "2001:db8::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "no address",
    ],
)
def test_addresses_of_networks_inside_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
    ],
)
async def test_a_place_inside_is_never_connected_to(url):
    async with outgoing.client(timeout=20) as http:
        with pytest.raises(httpx.ConnectError, match="not public"):
            await http.get(url)


async def test_plain_http_is_refused_before_anything_is_resolved(names):
    names["plane.example"] = []
    async with outgoing.client(timeout=20) as http:
        with pytest.raises(httpx.UnsupportedProtocol):
            await http.get("http://plane.example/")


async def test_one_private_address_among_public_ones_refuses_the_name(names):
    names["plane.example"] = [["8.8.8.8", "10.0.0.1"]]
    async with outgoing.client(timeout=20) as http:
        with pytest.raises(httpx.ConnectError, match="not public"):
            await http.get("https://plane.example/")


async def test_a_loopback_origin_that_the_operator_wrote_out_is_reached():
    async with serving(answer(b"hello")) as (port, _):
        origin = f"http://127.0.0.1:{port}"
        async with outgoing.client(timeout=20, operator_origins=[origin]) as http:
            assert (await http.get(origin + "/")).text == "hello"


async def test_another_port_or_scheme_than_the_operator_wrote_is_refused():
    async with serving(answer(b"hello")) as (port, seen):
        origins = ["http://127.0.0.1:1", f"https://127.0.0.1:{port}", "http://*.example"]
        async with outgoing.client(timeout=20, operator_origins=origins) as http:
            with pytest.raises(httpx.UnsupportedProtocol):
                await http.get(f"http://127.0.0.1:{port}/")
        assert seen == []


async def test_a_name_is_resolved_once_and_the_host_header_stays_the_name(names):
    names["plane.test"] = [["127.0.0.1"]]
    async with serving(answer(b"hello")) as (port, seen):
        origin = f"http://plane.test:{port}"
        async with outgoing.client(timeout=20, operator_origins=[origin]) as http:
            assert (await http.get(origin + "/")).text == "hello"
    assert f"Host: plane.test:{port}".encode() in seen[0]
    assert names["plane.test"] == []


async def test_the_next_address_is_tried_when_the_first_does_not_answer(names):
    names["plane.test"] = [["127.0.0.2", "127.0.0.1"]]
    async with serving(answer(b"hello")) as (port, _):
        origin = f"http://plane.test:{port}"
        async with outgoing.client(timeout=20, operator_origins=[origin]) as http:
            assert (await http.get(origin + "/")).text == "hello"


async def test_a_name_that_nobody_knows_is_a_connection_error(names):
    names["nowhere.test"] = [[]]
    async with outgoing.client(timeout=20) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("https://nowhere.test/")


async def test_the_certificate_is_asked_for_and_checked_by_name(names, tmp_path):
    names["plane.test"] = [["127.0.0.1"]]
    names["other.test"] = [["127.0.0.1"]]
    server_side, client_side = certificate(tmp_path, "plane.test")
    asked: list[str] = []
    server_side.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with serving(answer(b"hello"), server_side) as (port, _):
        origins = [f"https://plane.test:{port}", f"https://other.test:{port}"]
        async with outgoing.client(
            timeout=2, operator_origins=origins, ssl_context=client_side
        ) as http:
            assert (await http.get(origins[0])).text == "hello"
            with pytest.raises(httpx.ConnectError):
                await http.get(origins[1])
    assert asked == ["plane.test", "other.test"]


@asynccontextmanager
async def asking(reply: Answer, *, seconds: float = 2, max_bytes: int = 1000):
    async with serving(reply) as (port, _):
        origin = f"http://127.0.0.1:{port}"
        async with outgoing.client(
            timeout=seconds, operator_origins=[origin], max_bytes=max_bytes
        ) as http:
            yield http, origin


async def test_a_redirect_is_an_answer_and_is_not_followed():
    reply = answer(b"", "Location: https://elsewhere.example/", status="302 Found")
    async with asking(reply) as (http, origin):
        assert (await http.get(origin)).status_code == 302


async def test_a_cookie_of_one_answer_goes_with_no_later_request():
    async with serving(answer(b"hello", "Set-Cookie: session=of-somebody; Path=/")) as (port, seen):
        origin = f"http://127.0.0.1:{port}"
        async with outgoing.client(timeout=20, operator_origins=[origin]) as http:
            await http.get(origin + "/")
            await http.get(origin + "/")
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


async def test_proxies_of_the_environment_are_ignored(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with asking(answer(b"hello")) as (http, origin):
        assert (await http.get(origin)).text == "hello"


async def test_a_packed_answer_is_unpacked():
    async with asking(answer(gzip.compress(b"hello"), "Content-Encoding: gzip")) as (http, origin):
        assert (await http.get(origin)).text == "hello"


async def test_an_answer_above_the_cap_is_stopped():
    async with asking(answer(b"x" * 1001)) as (http, origin):
        with pytest.raises(AnswerTooLarge):
            await http.get(origin)


async def test_a_small_answer_that_unpacks_to_a_large_one_is_stopped():
    bomb = gzip.compress(b"x" * 900_000)
    async with asking(answer(bomb, "Content-Encoding: gzip"), max_bytes=1000) as (http, origin):
        with pytest.raises(AnswerTooLarge):
            await http.get(origin)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"hello", mtime=0)[:-4], "gzip"),
        (gzip.compress(b"hello", mtime=0) + b"more", "gzip"),
        (b"not packed at all", "gzip"),
        (b"hello", "br"),
    ],
)
async def test_a_damaged_or_unasked_encoding_is_refused(body, encoding):
    async with asking(answer(body, f"Content-Encoding: {encoding}")) as (http, origin):
        with pytest.raises(httpx.DecodingError):
            await http.get(origin)


async def test_an_answer_without_a_body_may_claim_to_be_packed():
    async with asking(answer(b"", "Content-Encoding: gzip")) as (http, origin):
        assert (await http.get(origin)).content == b""


async def test_a_body_that_trickles_is_stopped_at_the_limit_of_the_whole_call():
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with asking(trickle, seconds=0.3) as (http, origin):
        started = asyncio.get_running_loop().time()
        with pytest.raises(httpx.ReadTimeout):
            await http.get(origin)
        assert asyncio.get_running_loop().time() - started < 1


async def test_headers_that_trickle_are_stopped_too():
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100):
            writer.write(f"X-{number}: x\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0.05)

    async with asking(trickle, seconds=0.3) as (http, origin):
        with pytest.raises(httpx.ReadTimeout):
            await http.get(origin)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side and a client's side that trust one new certificate for `name`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    whole = folder / "server.pem"
    public = built.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    whole.write_bytes(public + private)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(whole)
    return server_side, ssl.create_default_context(cadata=public.decode())
