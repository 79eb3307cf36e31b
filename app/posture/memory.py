"""A bounded memory of results that follow from their key alone."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """At most `size` results; when full it starts anew, so it never needs an order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: dict[K, V] = {}
        self.get = self._known.get

    def keep(self, key: K, value: V) -> V:
        """Remember and return a value."""
        if len(self._known) >= self._size:
            self._known.clear()
        self._known[key] = value
        return value
