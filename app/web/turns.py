"""How much one site and one person may ask at a time, so that none slows another."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.caller import Caller
from app.errors import TooSoon

AT_ONCE = 128
"""Requests of one site that may be under way together."""

BURST = 120
PER_SECOND = 2.0
"""Commands and exports of one person: so many at once, then so many a second."""

SITE_BURST = 2000
SITE_PER_SECOND = 200.0
"""Requests of one site: so many at once, then so many a second."""

MOST_COUNTED = 20_000


class Buckets:
    """Leaky buckets by key: each holds so many drops and leaks so many a second."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._levels: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()

    def drop(self, *key: str) -> None:
        """Count one; raise `TooSoon` with the time to wait where the bucket is full."""
        now = self._clock()
        level, at = self._levels.pop(key, (0.0, now))
        level = max(0.0, level - (now - at) * self._per_second)
        is_full = level + 1 > self._burst
        self._levels[key] = (level if is_full else level + 1, now)
        if len(self._levels) > MOST_COUNTED:
            self._levels.popitem(last=False)
        if is_full:
            raise TooSoon(max(1, round((level + 1 - self._burst) / self._per_second)))


class Turns:
    """Counts requests under way and a second per site, and commands a second per person."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._under_way: Counter[str] = Counter()
        self._requests = Buckets(SITE_BURST, SITE_PER_SECOND, clock)
        self._commands = Buckets(BURST, PER_SECOND, clock)

    def command(self, caller: Caller) -> None:
        """Count what a person does and not only looks at; raise `TooSoon` when it is too often."""
        self._commands.drop(caller.site_id, caller.account_id or "")

    @contextmanager
    def taken(self, caller: Caller, *, is_command: bool) -> Iterator[None]:
        """Hold a turn of the caller's site; raise `TooSoon` when there is none left."""
        site = caller.site_id
        if self._under_way[site] >= AT_ONCE:
            raise TooSoon(1, "Too many requests of this site are under way. Try again in a moment.")
        self._requests.drop(site)
        if is_command:
            self.command(caller)
        self._under_way[site] += 1
        try:
            yield
        finally:
            self._under_way[site] -= 1
            if not self._under_way[site]:
                del self._under_way[site]
