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
"""Commands of one person: so many at once, then so many a second."""

MOST_PEOPLE = 20_000


class Turns:
    """Counts requests under way per site, and commands per person with a leaky bucket."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._under_way: Counter[str] = Counter()
        self._levels: OrderedDict[tuple[str, str | None], tuple[float, float]] = OrderedDict()

    @contextmanager
    def taken(self, caller: Caller, *, is_command: bool) -> Iterator[None]:
        """Hold a turn of the caller's site; raise `TooSoon` when there is none left."""
        site = caller.site_id
        if self._under_way[site] >= AT_ONCE:
            raise TooSoon(1, "Too many requests of this site are under way. Try again in a moment.")
        if is_command:
            self._count_command(caller)
        self._under_way[site] += 1
        try:
            yield
        finally:
            self._under_way[site] -= 1
            if not self._under_way[site]:
                del self._under_way[site]

    def _count_command(self, caller: Caller) -> None:
        key = (caller.site_id, caller.account_id)
        now = self._clock()
        level, at = self._levels.pop(key, (0.0, now))
        level = max(0.0, level - (now - at) * PER_SECOND)
        if level + 1 > BURST:
            self._levels[key] = (level, now)
            raise TooSoon(max(1, round((level + 1 - BURST) / PER_SECOND)))
        self._levels[key] = (level + 1, now)
        if len(self._levels) > MOST_PEOPLE:
            self._levels.popitem(last=False)
