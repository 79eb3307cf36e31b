"""Sites that called lately, with their secrets: kept only while news of their changes comes in."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.hs256 import Key
from app.store.site_news import digest_of
from app.store.sites import Installation

LIFE_SECONDS = 5.0
"""How long a site is kept: the most that a piece of news which is lost could cost."""

MOST_SITES = 1000

LookUp = Callable[[str], Awaitable[Installation | None]]


@dataclass(frozen=True, slots=True)
class KnownSite:
    """An installed site with the key that verifies its tokens."""

    installation: Installation
    key: Key


@dataclass(frozen=True, slots=True)
class _Held:
    site: KnownSite
    digest: str
    until: float


class KnownSites:
    """Answers for a claimed issuer: from memory where that is as good as asking, else by asking."""

    def __init__(self, look_up: LookUp, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep nothing before `kept` is entered."""
        self._look_up = look_up
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._hears_news = False
        self._changes = 0

    @property
    def is_hearing(self) -> bool:
        """Whether changes are heard of at the moment, so that sites may be kept."""
        return self._hears_news

    async def installed(self, issuer: str) -> KnownSite | None:
        """Return the issuer's site, or None where it is unknown or uninstalled."""
        held = self._held.get(issuer)
        if held and self._clock() < held.until:
            return held.site
        changes = self._changes
        found = await self._look_up(issuer)
        if found is None or not found.installed:
            return None
        site = KnownSite(found, Key(found.shared_secret))
        # Something changed since it was asked: this answer may be the one from before.
        if self._hears_news and changes == self._changes:
            self._hold(issuer, site)
        return site

    @contextmanager
    def kept(self) -> Iterator[Callable[[str], None]]:
        """Keep sites during this block, whose holder tells of each change; after it nothing is kept."""
        self._hears_news = True
        self._forget_all()
        try:
            yield self.changed
        finally:
            self._hears_news = False
            self._forget_all()

    def changed(self, digest: str) -> None:
        """Forget a site by its issuer's digest, also an answer about it that is under way."""
        self._changes += 1
        for issuer in [name for name, held in self._held.items() if held.digest == digest]:
            del self._held[issuer]

    def forget(self, issuer: str) -> None:
        """Forget a site that this very process has changed, before the news of it comes in."""
        self.changed(digest_of(issuer))

    def _hold(self, issuer: str, site: KnownSite) -> None:
        self._held[issuer] = _Held(site, digest_of(issuer), self._clock() + LIFE_SECONDS)
        self._held.move_to_end(issuer)
        if len(self._held) > MOST_SITES:
            self._held.popitem(last=False)

    def _forget_all(self) -> None:
        self._changes += 1
        self._held.clear()
