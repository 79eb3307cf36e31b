"""Acting as a user: bearer tokens that Atlassian grants to the app for one person."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import httpx
import orjson

from app.caller import AccountId, SiteId
from app.connect.tokens import sign
from app.errors import NotPermitted, Unavailable

log = logging.getLogger(__name__)

SCOPE = "READ"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFE = timedelta(seconds=60)
MAX_TOKEN_LIFE_SECONDS = 3600
MAX_TOKEN_LENGTH = 8192
RENEW_AT = 0.8
MAX_TOKENS = 10_000
GRANT_SECONDS = 5.0
REFUSALS = frozenset({400, 401, 403})


class ImpersonationRefused(NotPermitted):
    """Atlassian grants no token for this person, so nothing is known of their rights."""


@dataclass(frozen=True, slots=True)
class User:
    """One person of one installation; a new secret or client id makes another user."""

    site_id: SiteId
    account_id: AccountId
    oauth_client_id: str
    base_url: str
    shared_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Granted:
    token: str = field(repr=False)
    renew_at: datetime


class UserTokens:
    """The users' tokens, in memory only; dropped when a site is installed anew or uninstalled."""

    def __init__(self, http: httpx.AsyncClient, url: str, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._clock = clock
        self._granted: OrderedDict[User, _Granted] = OrderedDict()
        self._locks: WeakValueDictionary[User, asyncio.Lock] = WeakValueDictionary()

    def auth(self, user: User) -> httpx.Auth:
        """Return what makes a request this person's own."""
        return UserAuth(self, user)

    def drop(self, site_id: SiteId) -> None:
        """Forget every token of a site."""
        for user in [user for user in self._granted if user.site_id == site_id]:
            del self._granted[user]

    async def token(self, user: User, *, refused: str | None = None) -> str:
        """Return a token for this person other than the `refused` one, asking at most once."""
        lock = self._locks.setdefault(user, asyncio.Lock())
        async with lock:
            held = self._granted.get(user)
            if held and held.token != refused and self._clock() < held.renew_at:
                return held.token
            granted = await self._grant(user)
            self._granted[user] = granted
            self._granted.move_to_end(user)
            if len(self._granted) > MAX_TOKENS:
                self._granted.popitem(last=False)
            return granted.token

    async def _grant(self, user: User) -> _Granted:
        asked_at = self._clock()
        try:
            async with asyncio.timeout(GRANT_SECONDS):
                answer = await self._http.post(
                    f"{self._url}/oauth2/token",
                    data=self._form(user, asked_at),
                    timeout=GRANT_SECONDS,
                )
        except (httpx.HTTPError, TimeoutError):
            raise Unavailable from None
        if answer.status_code in REFUSALS:
            log.warning("site %s: no token is granted for a user", user.site_id)
            raise ImpersonationRefused
        if answer.status_code != httpx.codes.OK:
            raise Unavailable
        return _read_grant(answer.content, asked_at)

    def _form(self, user: User, now: datetime) -> dict[str, str]:
        claims = {
            "iss": f"urn:atlassian:connect:clientid:{user.oauth_client_id}",
            "sub": f"urn:atlassian:connect:useraccountid:{user.account_id}",
            "tnt": user.base_url,
            "aud": self._url,
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        assertion = sign(claims, user.shared_secret)
        return {"grant_type": GRANT_TYPE, "assertion": assertion, "scope": SCOPE}


def _read_grant(content: bytes, asked_at: datetime) -> _Granted:
    try:
        grant = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise Unavailable from None
    if not isinstance(grant, dict) or str(grant.get("token_type")).lower() != "bearer":
        raise Unavailable
    token, life = grant.get("access_token"), grant.get("expires_in")
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_LENGTH or not _is_plain(token):
        raise Unavailable
    if isinstance(life, bool) or not isinstance(life, int | float) or not life > 0:
        raise Unavailable
    kept = min(life, MAX_TOKEN_LIFE_SECONDS) * RENEW_AT
    return _Granted(token, asked_at + timedelta(seconds=kept))


def _is_plain(token: str) -> bool:
    return token.isascii() and token.isprintable() and " " not in token


class UserAuth(httpx.Auth):
    """Signs requests as one person; asks for one new token after a 401."""

    def __init__(self, tokens: UserTokens, user: User) -> None:
        self._tokens = tokens
        self._user = user

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request with a token; once more with another one after a 401."""
        token = await self._tokens.token(self._user)
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            token = await self._tokens.token(self._user, refused=token)
            request.headers["Authorization"] = f"Bearer {token}"
            yield request
