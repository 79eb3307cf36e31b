"""The keys of Forge's invocation tokens: one configured address, never one that a token names."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.errors import NotAuthenticated

log = logging.getLogger(__name__)

FETCH_SECONDS = 3.0
LIFE = timedelta(hours=1)
PAUSE = timedelta(minutes=1)
RETRY_PAUSE = timedelta(seconds=5)
MAX_KEYS = 64
MAX_BYTES = 256 * 1024
MIN_KEY_BITS = 2048


class ForgeKeys:
    """The published keys by id, read anew every hour, and for an unknown id once a minute at most."""

    def __init__(self, http: httpx.AsyncClient, url: str, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._url = url
        self._clock = clock
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._read_at: datetime | None = None
        self._not_before: datetime | None = None
        self._lock = asyncio.Lock()

    async def key(self, key_id: str) -> RSAPublicKey:
        """Return the key of this id, or raise `NotAuthenticated` however it cannot be had."""
        if found := self._known(key_id):
            return found
        async with self._lock:
            if not self._known(key_id) and self._may_ask():
                await self._read()
        found = self._known(key_id)
        if found is None:
            raise NotAuthenticated("key is not known")
        return found

    def _known(self, key_id: str) -> RSAPublicKey | None:
        if self._read_at is None or self._clock() - self._read_at > LIFE:
            return None
        return self._keys.get(key_id)

    def _may_ask(self) -> bool:
        return self._not_before is None or self._clock() >= self._not_before

    async def _read(self) -> None:
        now = self._clock()
        self._not_before = now + RETRY_PAUSE
        keys = await self._fetched()
        if keys is None:
            log.warning("a Forge call is refused, may be retried: the keys cannot be read")
            return
        self._keys, self._read_at, self._not_before = keys, now, now + PAUSE

    async def _fetched(self) -> Mapping[str, RSAPublicKey] | None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                answer = await self._http.get(
                    self._url, follow_redirects=False, timeout=FETCH_SECONDS
                )
        except (httpx.HTTPError, TimeoutError):
            return None
        if answer.status_code != httpx.codes.OK or len(answer.content) > MAX_BYTES:
            return None
        return _keys(answer.content)


def _keys(content: bytes) -> Mapping[str, RSAPublicKey] | None:
    """Return the usable keys of a key set by their ids, or None for what is no key set."""
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    listed = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        return None
    found = {}
    for item in listed[:MAX_KEYS]:
        key = _key(item)
        if key is not None:
            found[item["kid"]] = key
    return found or None


def _key(item: object) -> RSAPublicKey | None:
    if not isinstance(item, dict) or item.get("kty") != "RSA" or "d" in item:
        return None
    if item.get("use", "sig") != "sig" or item.get("alg", "RS256") != "RS256":
        return None
    if not isinstance(item.get("kid"), str):
        return None
    try:
        key = jwt.algorithms.RSAAlgorithm.from_jwk(item)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    is_usable = isinstance(key, RSAPublicKey) and key.key_size >= MIN_KEY_BITS
    return key if is_usable and isinstance(key, RSAPublicKey) else None
