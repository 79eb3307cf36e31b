"""The authentication step alone, in this process: our door against the straightforward five steps."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import httpx
import jwt
from starlette.requests import Request

from app.caller import SiteId
from app.connect import known_sites
from app.connect.door import ConnectDoor
from app.errors import NotAuthenticated
from app.forge.page_token import LIFE, PAGE, Named, PageTokens
from app.store.database import Database
from app.store.encryption import Keyring
from bench.harness import Line, side_by_side
from bench.peers.servers import KEY, SITES, secret, signed, tampered
from tests.postgres import FreshDatabase

ROUNDS = 9
STEPS = 2000
LEEWAY = 60


class Refused(Exception):
    """The straightforward steps let nobody in."""


def scope_of(address: str) -> dict[str, Any]:
    """Return the part of a request that the server has read by then."""
    parts = urlsplit(address)
    return {
        "type": "http",
        "method": "GET",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(b"host", b"127.0.0.1"), (b"accept", b"text/html")],
    }


def five_steps(scope: dict[str, Any], known: dict[str, str]) -> str:
    """Find the token, read its issuer, verify it, hash the query, sign a token for the answer."""
    query = scope["query_string"].decode()
    token = parse_qs(query)["jwt"][0]
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    shared = known[issuer]
    required: jwt.types.Options = {"require": ["exp", "iat", "iss", "qsh"], "verify_aud": False}
    claims = jwt.decode(token, shared, algorithms=["HS256"], leeway=LEEWAY, options=required)
    if not hmac.compare_digest(claims["qsh"], plain_hash(scope, query)):
        raise Refused
    now = datetime.now(UTC)
    answer = {
        "iss": "plumbline",
        "sub": claims["sub"],
        "aud": [issuer],
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=15)).timestamp()),
    }
    return jwt.encode(answer, shared, algorithm="HS256")


def plain_hash(scope: dict[str, Any], query: str) -> str:
    """Return the query's hash as the documentation describes it."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "jwt":
            values.setdefault(quote(name, safe="-._~"), []).append(value)
    fields = "&".join(
        f"{name}={','.join(quote(value, safe='-._~') for value in sorted(values[name]))}"
        for name in sorted(values)
    )
    path = scope["raw_path"].decode().rstrip("/") or "/"
    return hashlib.sha256(f"{scope['method']}&{path}&{fields}".encode()).hexdigest()


async def lines(addresses: FreshDatabase) -> list[Line]:
    """Measure goal 4, without a token of ours and with one."""
    # The peer's dictionary forgets nothing either.
    known_sites.LIFE_SECONDS = 3600.0
    database, known = Database(addresses.app_url), {site: secret(site) for site in SITES}
    async with httpx.AsyncClient() as http:
        door = ConnectDoor(
            database=database,
            keyring=Keyring({"bench": KEY}),
            http=http,
            base_url="https://plumbline.example.com",
            install_keys_url="https://keys.example.com",
            oauth_url="https://oauth.example.com",
        )
        with door.known_sites.kept():
            scopes = [scope_of(signed(site)) for site in SITES]
            for scope in scopes:
                await door.url(Request(scope))
            await agreed(door, known)
            measured = both(door, known, scopes * (STEPS // len(SITES)))
    await database.close()
    return measured


async def agreed(door: ConnectDoor, known: dict[str, str]) -> None:
    """Have both refuse a query that was changed after it was signed."""
    changed = scope_of(tampered(SITES[0]))
    try:
        five_steps(changed, known)
    except Refused:
        pass
    else:
        raise SystemExit("the straightforward steps let a tampered query in")
    try:
        await door.url(Request(changed))
    except NotAuthenticated:
        return
    raise SystemExit("a tampered query was let in")


def both(door: ConnectDoor, known: dict[str, str], scopes: list[dict[str, Any]]) -> list[Line]:
    """Return a line for the door alone and one for the door with a page token signed after it."""
    tokens, life = PageTokens({"bench": KEY}), LIFE

    def entered() -> None:
        for scope in scopes:
            at_once(door.url(Request(scope)))

    def entered_with_token() -> None:
        for scope in scopes:
            caller = at_once(door.url(Request(scope)))
            now = datetime.now(UTC)
            tokens.signed(Named(SiteId(caller.site_id), "a-token-of-a-page", now + life), PAGE, now)

    def straightforward() -> None:
        for scope in scopes:
            five_steps(scope, known)

    what = "authentication alone, full verification"
    return [
        stepped("4", what, entered, straightforward, 0.65),
        stepped("4t", f"{what}, a page token signed", entered_with_token, straightforward, 0.8),
    ]


def stepped(
    number: str, what: str, ours: Callable[[], None], peer: Callable[[], None], goal: float
) -> Line:
    """Return the line of one step, in microseconds each."""
    mine, peers = side_by_side(ROUNDS, ours, peer)
    each = 1_000_000 / STEPS
    proof = "same requests; a tampered query is refused by both"
    return Line(
        number, what, [t * each for t in mine], [t * each for t in peers], goal, "µs", proof
    )


def at_once(step: Any) -> Any:
    """Return the result of a coroutine that waits for nothing: the site is in memory."""
    try:
        step.send(None)
    except StopIteration as done:
        return done.value
    raise SystemExit("the site was not in memory")


def in_process(addresses: FreshDatabase) -> list[Line]:
    """Measure goal 4."""
    return asyncio.run(lines(addresses))
