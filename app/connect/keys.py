"""Install keys: the public keys with which Atlassian signs installations, fetched by id."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app import metrics
from app.errors import NotAuthenticated

log = logging.getLogger(__name__)

FETCH_SECONDS = 3.0
WAIT_SECONDS = 4.0
MISS_LIFE = timedelta(seconds=60)
MAX_KEYS = 64
MAX_MISSES = 1024
MAX_KEY_BYTES = 16 * 1024
MIN_KEY_BITS = 2048
LOOKUPS_PER_MINUTE = 60
PEM_BEGIN = b"-----BEGIN PUBLIC KEY-----"

Kept = TypeVar("Kept")


class InstallKeys:
    """Keys by id: kept for good once fetched, since a rotation brings a new id."""

    def __init__(self, http: httpx.AsyncClient, url: str, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._clock = clock
        self._keys: OrderedDict[str, RSAPublicKey] = OrderedDict()
        self._misses: OrderedDict[str, datetime] = OrderedDict()
        self._lookups: deque[datetime] = deque()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.failed = 0
        """Look-ups that gave no key, for the metrics."""

    async def key(self, key_id: str) -> RSAPublicKey:
        """Return the key of this id, or raise `NotAuthenticated` however it cannot be had."""
        if key := self._keys.get(key_id):
            return key
        lock = self._locks.setdefault(key_id, asyncio.Lock())
        try:
            async with asyncio.timeout(WAIT_SECONDS), lock:
                return self._keys.get(key_id) or await self._looked_up(key_id)
        except TimeoutError:
            raise self._unavailable("install key host did not answer in time") from None
        except httpx.HTTPError:
            raise self._unavailable("install key host cannot be reached") from None

    async def _looked_up(self, key_id: str) -> RSAPublicKey:
        self._refuse_known_miss(key_id)
        self._refuse_too_many()
        async with asyncio.timeout(FETCH_SECONDS):
            answer = await self._http.get(
                f"{self._url}/{key_id}", follow_redirects=False, timeout=FETCH_SECONDS
            )
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise self._unavailable("install key host is in trouble")
        key = _public_key(answer.content) if answer.status_code == httpx.codes.OK else None
        if key is None:
            raise self._missed(key_id)
        _keep(self._keys, key_id, key, MAX_KEYS)
        return key

    def _refuse_known_miss(self, key_id: str) -> None:
        since = self._misses.get(key_id)
        if since and self._clock() - since < MISS_LIFE:
            raise NotAuthenticated("install key is not known")

    def _refuse_too_many(self) -> None:
        now = self._clock()
        while self._lookups and now - self._lookups[0] >= timedelta(minutes=1):
            self._lookups.popleft()
        if len(self._lookups) >= LOOKUPS_PER_MINUTE:
            raise self._unavailable("too many look-ups of install keys")
        self._lookups.append(now)

    def _missed(self, key_id: str) -> NotAuthenticated:
        self.failed += 1
        metrics.INSTALL_KEY_FAILURES.labels("not known").inc()
        _keep(self._misses, key_id, self._clock(), MAX_MISSES)
        log.warning("install refused: the install key host knows no such key")
        return NotAuthenticated("install key is not known")

    def _unavailable(self, reason: str) -> NotAuthenticated:
        # 401 and not 503: Atlassian repeats a failed installation, scanners skip a 503.
        self.failed += 1
        metrics.INSTALL_KEY_FAILURES.labels(reason).inc()
        log.warning("install refused, may be retried: %s", reason)
        return NotAuthenticated(reason)


def _public_key(pem: bytes) -> RSAPublicKey | None:
    if len(pem) > MAX_KEY_BYTES or not pem.lstrip().startswith(PEM_BEGIN):
        return None
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        return None
    return key


def _keep(kept: OrderedDict[str, Kept], name: str, value: Kept, limit: int) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > limit:
        kept.popitem(last=False)
