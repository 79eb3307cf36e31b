"""The Connect door: a request with the right kind of token becomes a `Caller`, or is refused."""

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from starlette.requests import Request

from app.caller import AccountId, Caller, Door, SpaceId
from app.connect import carried, tokens
from app.connect.impersonation import User, UserTokens
from app.connect.keys import InstallKeys
from app.connect.known_sites import KnownSites
from app.connect.origins import frame_origins
from app.connect.query_hash import Fields
from app.errors import NotAuthenticated
from app.hs256 import Key
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.looking_up import LookingUp
from app.store.sites import Installation

log = logging.getLogger(__name__)

Place = tuple[SpaceId | None, str | None]


@dataclass(frozen=True, slots=True)
class InstallToken:
    """A verified install token; its issuer must still be the one that the body names."""

    issuer: str
    digest: bytes
    issued_at: datetime
    expires_at: datetime


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


class ConnectDoor:
    """One method for each kind of token; which one is asked is the route's choice alone."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        http: httpx.AsyncClient,
        base_url: str,
        install_keys_url: str,
        oauth_url: str,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._base_url = base_url
        self._base_path = urlsplit(base_url).path
        self._clock = clock
        self._nobodys_key = Key(secrets.token_hex(32))
        self.known_sites = KnownSites(LookingUp(database, keyring).find)
        self.install_keys = InstallKeys(http, install_keys_url, clock)
        self.user_tokens = UserTokens(http, oauth_url, clock)

    async def url(self, request: Request) -> Caller:
        """Return who loads a page, by the token in its signed URL."""
        fields = carried.fields_of(request)
        return await self._signed(request, fields, carried.token_in_query(request, fields))

    async def callback(self, request: Request) -> Caller:
        """Return which site calls, by a token in the header bound to this very request."""
        fields = carried.fields_of(request)
        return await self._signed(request, fields, carried.token_in_header(request, fields))

    async def context(self, request: Request) -> Caller:
        """Return who sits before a page of ours, by the token its script got from the host."""
        token = carried.token_in_header(request, carried.fields_of(request))
        installation, claims = await self._verified(token)
        tokens.require_hash(claims, tokens.CONTEXT_HASH)
        return self._caller(installation, claims.account_id, (claims.space_id, claims.space_key))

    async def install(self, request: Request) -> InstallToken:
        """Return Atlassian's word for an installation; the body has not been looked at."""
        fields = carried.fields_of(request)
        token = carried.token_in_header(request, fields)
        key = await self.install_keys.key(tokens.rs256_key_id(token))
        claims = tokens.verify_rs256(token, key, self._base_url, self._clock())
        tokens.require_hash(claims, carried.request_hash(request, fields, self._base_path))
        lasts_until = claims.expires_at + tokens.LEEWAY_SECONDS
        return InstallToken(
            issuer=claims.issuer,
            digest=hashlib.sha256(token.encode()).digest(),
            issued_at=datetime.fromtimestamp(claims.issued_at, UTC),
            expires_at=datetime.fromtimestamp(lasts_until, UTC),
        )

    async def _signed(self, request: Request, fields: Fields, token: str) -> Caller:
        installation, claims = await self._verified(token)
        tokens.require_hash(claims, carried.request_hash(request, fields, self._base_path))
        return self._caller(installation, claims.account_id, carried.signed_space(fields))

    async def _verified(self, token: str) -> tuple[Installation, tokens.Claims]:
        issuer = tokens.hs256_issuer(token)
        site = await self.known_sites.installed(issuer)
        # An unknown site takes as long as a known one and gets the same answer.
        key = site.key if site else self._nobodys_key
        claims = tokens.verify_hs256(token, key, self._clock())
        if site is None or claims.issuer != site.installation.issuer:
            raise NotAuthenticated("no such site")
        return site.installation, claims

    def _caller(
        self, installation: Installation, account_id: AccountId | None, place: Place
    ) -> Caller:
        return Caller(
            site_id=installation.site_id,
            door=Door.CONNECT,
            account_id=account_id,
            space_id=place[0],
            space_key=place[1],
            frame_origins=frame_origins(installation.base_url, installation.display_url),
            rest_base=installation.base_url,
            rest_auth=self._auth(installation, account_id),
        )

    def _auth(self, installation: Installation, account_id: AccountId | None) -> httpx.Auth | None:
        if account_id is None:
            return None
        if installation.oauth_client_id is None:
            log.warning("site %s must be installed again: no client id", installation.site_id)
            return None
        return self.user_tokens.auth(
            User(
                site_id=installation.site_id,
                account_id=account_id,
                oauth_client_id=installation.oauth_client_id,
                base_url=installation.base_url,
                shared_secret=installation.shared_secret,
            )
        )
