"""A bounded memory of results that follow from their key alone."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_every: list["Memory[Any, Any]"] = []


class Memory(Generic[K, V]):
    """At most `size` results; when full it starts anew, so it never needs an order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: dict[K, V] = {}
        self.get = self._known.get
        _every.append(self)

    def keep(self, key: K, value: V) -> V:
        """Remember and return a value."""
        if len(self._known) >= self._size:
            self.clear()
        self._known[key] = value
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()


def memories() -> Iterator[Memory[Any, Any]]:
    """Yield every memory of the process, for measurements that must start cold."""
    yield from _every
