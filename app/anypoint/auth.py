"""Signing in to Anypoint: one token for all calls of a connection, renewed by one of them."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.anypoint.answers import is_worth_another_try
from app.anypoint.errors import BadAnswer, CredentialsRefused
from app.anypoint.limiter import Clock
from app.anypoint.payloads import mapping, parsed, whole_number

TOKEN_PATH = "/accounts/api/v2/oauth2/token"  # noqa: S105 -- a path
DEFAULT_LIFE_SECONDS = 3600
RENEWED_AT = 0.8
REFUSALS = frozenset({400, 401, 403})


@dataclass(frozen=True, slots=True)
class Credentials:
    """A Connected App's id and secret; the secret is never printed."""

    client_id: str
    client_secret: str = field(repr=False)

    @property
    def digest(self) -> str:
        """Return what those alone have in common who know the secret; it does not tell it."""
        known = f"{len(self.client_id)} {self.client_id}{self.client_secret}"
        return hashlib.sha256(known.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the moment, on the clock's seconds, to ask for the next one."""

    value: str = field(repr=False)
    renew_at: float


class TokenAuth(httpx.Auth):
    """Signs each request; after a 401 once more with a new token.

    While the token endpoint itself is away or throttled its answer takes the place of the
    request's own, so that waiting and trying again stay in one place.
    """

    def __init__(self, base_url: str, credentials: Credentials, clock: Clock) -> None:
        self._url = base_url + TOKEN_PATH
        self._credentials = credentials
        self._clock = clock
        self._token: Token | None = None
        self._renewing = asyncio.Lock()
        # Others who wait for the token must not try refused credentials again, one by one.
        self._refused = False

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request with a token, fetching one first where there is none or it is old."""
        async with self._renewing:
            if self._is_due(self._token):
                granted = yield self._question(request)
                if not await self._accept(granted):
                    return
        used = self._sign(request)
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        async with self._renewing:
            if self._token is used:
                granted = yield self._question(request)
                if not await self._accept(granted):
                    return
        self._sign(request)
        yield request

    def _is_due(self, token: Token | None) -> bool:
        return token is None or self._clock.seconds() >= token.renew_at

    def _sign(self, request: httpx.Request) -> Token | None:
        token = self._token
        request.headers["Authorization"] = f"Bearer {token.value if token else ''}"
        return token

    def _question(self, request: httpx.Request) -> httpx.Request:
        if self._refused:
            raise CredentialsRefused
        return httpx.Request(
            "POST",
            self._url,
            headers={"Accept": "application/json"},
            json={
                "grant_type": "client_credentials",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
            },
            extensions=request.extensions,
        )

    async def _accept(self, response: httpx.Response) -> bool:
        """Keep the token; tell whether there was one, or the endpoint is only away for now."""
        if response.status_code in REFUSALS:
            self._refused = True
            raise CredentialsRefused
        if is_worth_another_try(response.status_code):
            return False
        if response.status_code != httpx.codes.OK:
            raise BadAnswer("Anypoint's sign-in is not where it should be on this control plane.")
        self._token = self._granted(await response.aread())
        return True

    def _granted(self, body: bytes) -> Token:
        try:
            answer: Any = mapping(parsed(body), "an access token")
        except (ValueError, BadAnswer):
            raise httpx.DecodingError("the token endpoint's answer is not JSON") from None
        value = answer.get("access_token")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise httpx.DecodingError("the token endpoint's answer holds no token")
        life = whole_number(answer.get("expires_in")) or DEFAULT_LIFE_SECONDS
        return Token(value, self._clock.seconds() + life * RENEWED_AT)
