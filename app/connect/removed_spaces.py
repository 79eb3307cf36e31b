"""Spaces that Confluence says were removed: believed only once Confluence itself denies them."""

import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
import orjson

from app.caller import SiteId, SpaceId
from app.confluence import spaces
from app.connect import tokens
from app.connect.carried import MAX_SPACE_KEY_LENGTH
from app.connect.query_hash import query_fields, query_string_hash
from app.errors import Unavailable
from app.store import agenda, purging, sites, space_keys
from app.store.database import Database
from app.store.encryption import Keyring

log = logging.getLogger(__name__)

TOKEN_LIFE = timedelta(minutes=3)


class AppAuth(httpx.Auth):
    """Signs requests to one site as the app itself, for nobody."""

    def __init__(
        self, app_key: str, issuer: str, secret: str, base_url: str, now: datetime
    ) -> None:
        self._claims = {
            "iss": app_key,
            "aud": [issuer],
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
        }
        self._secret = secret
        self._base_path = urlsplit(base_url).path

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with a token that is good for it alone."""
        path, _, query = request.url.raw_path.partition(b"?")
        fields = query_fields(query)
        bound = query_string_hash(request.method, path, fields, self._base_path)
        token = tokens.sign({**self._claims, "qsh": bound}, self._secret)
        request.headers["Authorization"] = f"JWT {token}"
        yield request


@dataclass(frozen=True, slots=True)
class RemovedSpaces:
    """Takes the hints, and asks again before anything is deleted."""

    database: Database
    keyring: Keyring
    http: httpx.AsyncClient
    app_key: str
    retention: timedelta
    clock: Callable[[], datetime]

    async def told(self, site_id: SiteId, body: bytes) -> None:
        """Put a space's purge on the agenda if it is known here and Confluence has it no more.

        The body is signed by nobody: what it names is a question to ask, not a fact.
        """
        space_id = await self._known(site_id, body)
        if space_id is None or not await self._is_clearly_gone(site_id, space_id):
            return
        async with self.database.transaction(site_id) as db:
            await agenda.purge_space_at(db, site_id, space_id, self.clock() + self.retention)
        log.info("site %s: space %s was removed, its data goes later", site_id, space_id)

    async def called(self, site_id: SiteId, space_id: SpaceId, key: str) -> None:
        """Note a space's key, for the day on which Confluence says by it that the space is gone."""
        async with self.database.transaction(site_id) as db:
            await space_keys.keep(db, site_id, space_id, key)

    async def _known(self, site_id: SiteId, body: bytes) -> SpaceId | None:
        space = _space(body)
        space_id, key = tokens.named_space_id(space.get("id")), space.get("key")
        async with self.database.transaction(site_id) as db:
            if space_id is None and isinstance(key, str) and 0 < len(key) <= MAX_SPACE_KEY_LENGTH:
                return await space_keys.space_of(db, site_id, key)
            return space_id if space_id in await purging.spaces(db, site_id) else None

    async def is_gone(self, site_id: SiteId, space_id: SpaceId) -> bool:
        """Tell whether Confluence says that there is no such space; `Unavailable` if it says nothing."""
        async with self.database.transaction(site_id) as db:
            home = await sites.installation(db, site_id, self.keyring)
        if home is None:
            return False
        if not home.installed:
            raise Unavailable("The site has left: its Confluence answers us no more.")
        auth = AppAuth(self.app_key, home.issuer, home.shared_secret, home.base_url, self.clock())
        return await spaces.is_gone(self.http, home.base_url, auth, space_id)

    async def _is_clearly_gone(self, site_id: SiteId, space_id: SpaceId) -> bool:
        try:
            return await self.is_gone(site_id, space_id)
        except Unavailable:
            return False


def _space(body: bytes) -> Mapping[str, object]:
    """Return what a webhook says of its space: a key and a title, an id from some hosts alone."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    space = said.get("space") if isinstance(said, dict) else None
    return space if isinstance(space, dict) else {}
