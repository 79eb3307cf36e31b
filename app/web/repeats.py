"""The same answer for the same `Idempotency-Key`: what was answered is remembered for a day.

The memory is this process's. Behind several, a repeated command meets the running sync anyway.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

SECONDS = 86_400.0
MOST_ANSWERS = 10_000

Answer = TypeVar("Answer")
Key = tuple[str, ...]
"""Whose command it was, and the key under which it came."""


class Repeats(Generic[Answer]):
    """Answers by their keys."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()

    def known(self, key: Key) -> Answer | None:
        """Return what this key was answered with, or None for a new one."""
        until, answer = self._answers.get(key, (0.0, None))
        return answer if until > self._clock() else None

    def remember(self, key: Key, answer: Answer) -> None:
        """Keep an answer under a key."""
        self._answers[key] = (self._clock() + SECONDS, answer)
        if len(self._answers) > MOST_ANSWERS:
            self._answers.popitem(last=False)
