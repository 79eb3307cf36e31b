"""How many calls run at once, who goes first, and when everybody waits."""

import asyncio
import heapq
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from app import metrics
from app.anypoint.errors import Away, CouldNotRead, Throttled

GROWING_FIRST_SECONDS = 0.5
GROWING_MOST_SECONDS = 30.0

STUMBLES_IN_A_ROW = 4
"""After so many failures without one success the target is taken to be away for everybody."""

AWAY_SECONDS = 15.0
"""How long a target that stayed away is not even asked."""


class Clock:
    """The passing of time: seconds that only grow, the date, and waiting."""

    def seconds(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, then: Callable[[], None]) -> asyncio.TimerHandle:
        """Call `then` after some seconds."""
        return asyncio.get_running_loop().call_later(seconds, then)


def jittered(seconds: float) -> float:
    """Return a random share of a wait, so that many who wait do not come back as one."""
    return random.uniform(0, seconds)  # noqa: S311 -- spreads load, guards nothing


def growing(rounds: int) -> float:
    """Return a wait that doubles with every round, up to a bound, half of it by chance."""
    longest = min(GROWING_MOST_SECONDS, GROWING_FIRST_SECONDS * 2.0 ** max(0, min(rounds, 16)))
    return longest / 2 + jittered(longest / 2)


class Gate:
    """Shut while a control plane asks one Connected App to wait; shared by its connections."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._opens_at = 0.0
        self._in_a_row = 0
        self._rounds = 0
        self._failing_since = 0.0
        self._failed_at = 0.0

    def wait(self) -> float:
        """Return the seconds until it opens, 0 when it is open."""
        return max(0.0, self._opens_at - self.clock.seconds())

    def shut(self, seconds: float) -> None:
        """Let nobody through for so long; a shorter wait never shortens a longer one."""
        metrics.THROTTLED_SECONDS.labels("anypoint").inc(max(0.0, seconds - self.wait()))
        self._opens_at = max(self._opens_at, self.clock.seconds() + seconds)

    def succeeded(self) -> None:
        """Take note of a good answer: whatever went wrong before is over."""
        self._in_a_row = self._rounds = 0

    def throttled(self, started: float, seconds: float | None) -> None:
        """Take note of a throttled answer; without a stated wait, wait longer each round."""
        self._failed(started)
        self.shut(growing(self._rounds) if seconds is None else seconds)

    def stumbled(self, started: float) -> None:
        """Take note of a failure; several in a row without a success make everybody wait."""
        self._failed(started)
        if self._in_a_row >= STUMBLES_IN_A_ROW:
            self.shut(growing(self._rounds - STUMBLES_IN_A_ROW + 1))

    def is_hopeless(self, patience: float) -> bool:
        """Tell whether nothing succeeded for longer than `patience`, until a moment ago."""
        fresh = self.clock.seconds() - self._failed_at < AWAY_SECONDS
        failing_for = self._failed_at - self._failing_since if self._in_a_row else 0.0
        return fresh and failing_for > patience

    def _failed(self, started: float) -> None:
        # Calls that ran side by side and failed together are one round.
        if not self._in_a_row or started > self._failed_at:
            self._rounds += 1
        self._failed_at = self.clock.seconds()
        if not self._in_a_row:
            self._failing_since = self._failed_at
        self._in_a_row += 1


class Gates:
    """The gates in use, one per control plane and Connected App."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._gates: WeakValueDictionary[tuple[str, str], Gate] = WeakValueDictionary()

    def of(self, base_url: str, app: str) -> Gate:
        """Return the gate before this app, the same one to all who hold it.

        An app is named by its credentials' digest: who merely knows another's id, which is no
        secret, must not have others wait.
        """
        return self._gates.setdefault((base_url, app), Gate(self._clock))


@dataclass(order=True, slots=True)
class Waiting:
    """A call in the queue; `place` is answered when its turn comes, or when that is in vain."""

    priority: int
    number: int
    patience: float = field(compare=False)
    place: "asyncio.Future[None]" = field(compare=False)


class Limiter:
    """Turns for the calls of one connection: few at once, the first environment before the rest.

    Throttling halves how many run at once, success raises it again step by step.
    """

    def __init__(self, limit: int, gate: Gate | None = None) -> None:
        self.gate = gate or Gate(Clock())
        self.clock = self.gate.clock
        self._limit = limit
        self._width = float(limit)
        self._running = 0
        self._number = 0
        self._narrowed_at = 0.0
        self._queue: list[Waiting] = []
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, priority: int, patience: float = float("inf")) -> AsyncIterator[float]:
        """Wait for a turn, lower priority first; yield the moment at which it began.

        Raises `Throttled` if the gate opens later than `patience` allows, and `Away` if nothing
        succeeded for longer than that.
        """
        await self._enter(priority, patience)
        try:
            yield self.clock.seconds()
        finally:
            self._running -= 1
            self._call_next()

    def succeeded(self) -> None:
        """Widen a little: after a whole round of successes, by one."""
        self.gate.succeeded()
        self._width = min(self._limit, self._width + 1 / self._width)

    def throttled(self, started: float, seconds: float | None) -> None:
        """Narrow, and shut the gate for `seconds`, or for a growing while when none were given."""
        self._narrow(started)
        self.gate.throttled(started, seconds)

    def stumbled(self, started: float) -> None:
        """Narrow: a failing server may be a throttling one."""
        self._narrow(started)
        self.gate.stumbled(started)

    def _narrow(self, started: float) -> None:
        # Those who began before the last narrowing say nothing about the new width.
        if started > self._narrowed_at:
            self._width = max(1.0, self._width / 2)
            self._narrowed_at = self.clock.seconds()

    async def _enter(self, priority: int, patience: float) -> None:
        if problem := self._in_vain(patience):
            raise problem
        if not self._queue and self._has_room():
            self._running += 1
            return
        self._number += 1
        number = self._number
        await self._queued(priority, number, patience)
        # The gate may have been shut between the call and the waking.
        while self.gate.wait():
            self._running -= 1
            await self._queued(priority, number, patience)

    async def _queued(self, priority: int, number: int, patience: float) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, Waiting(priority, number, patience, place))
        self._call_next()
        try:
            await place
        except asyncio.CancelledError:
            self._give_back(place)
            raise

    def _give_back(self, place: "asyncio.Future[None]") -> None:
        if place.done() and not place.cancelled() and place.exception() is None:
            self._running -= 1
        self._call_next()

    def _in_vain(self, patience: float) -> CouldNotRead | None:
        wait = self.gate.wait()
        if wait > patience:
            return Throttled(self.clock.now() + timedelta(seconds=wait))
        if self.gate.is_hopeless(patience):
            return Away("Anypoint has not answered for a while. Try again later.")
        return None

    def _has_room(self) -> bool:
        return self._running < int(self._width) and not self.gate.wait()

    def _call_next(self) -> None:
        while self._queue and self._has_room():
            place = heapq.heappop(self._queue).place
            if not place.done():
                self._running += 1
                place.set_result(None)
        if self._queue and self.gate.wait():
            self._hold()

    def _hold(self) -> None:
        """Send away those who would wait too long; wake up for the others when the gate opens."""
        for waiting in self._queue:
            problem = self._in_vain(waiting.patience)
            if problem and not waiting.place.done():
                waiting.place.set_exception(problem)
        self._queue = [waiting for waiting in self._queue if not waiting.place.done()]
        heapq.heapify(self._queue)
        if self._queue and self._alarm is None:
            self._alarm = self.clock.call_later(self.gate.wait(), self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._call_next()
