"""Walking through a list page by page, to its end and no further."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.anypoint.errors import BadAnswer, CutShort
from app.anypoint.payloads import Payload

MAX_PAGES = 1000
MAX_ROWS = 200_000
"""Far above what any organisation keeps, far below what fills the memory."""

Page = tuple[list[Payload], int | None]
Fetch = Callable[[int], Awaitable[Page]]
"""Fetches the page at an offset: its rows, and the total as told, or None."""


def by_rows(rows: Sequence[Payload]) -> int:
    """Count rows as they come: the usual unit of a total."""
    return len(rows)


def key_of(row: Payload, place: int | None = None) -> str:
    """Return what tells a row from others: its id, or its place where it has no usable one."""
    sent = row.get("id")
    # Anything else could be nested so deeply that merely writing it down fails.
    return repr(sent) if isinstance(sent, str | int) else f"at {place}"


Key = Callable[[Payload, int | None], str]
"""Tells a row from others, by its place where nothing else does."""


@dataclass(slots=True)
class Walk:
    """One walk through a list; afterwards it knows whether the list held still and was whole.

    `count` counts rows in the other unit that the total may have been told in, `key` tells rows
    apart. Of the rows only their keys are kept: a list may be longer than what should be in memory.
    """

    fetch: Fetch
    what: str
    count: Callable[[Sequence[Payload]], int] = by_rows
    key: Key = key_of
    keys: set[str] = field(default_factory=set)
    _offset: int = 0
    _counted: int = 0
    _totals: list[int] = field(default_factory=list)

    async def pages(self) -> AsyncIterator[list[Payload]]:
        """Yield the rows of each page that were not on an earlier one."""
        for _ in range(MAX_PAGES):
            received, total = await self.fetch(self._offset)
            fresh = self._take(received, total)
            if received and not fresh and self._is_beyond:
                return
            if received and not fresh and not self._is_at_end:
                raise BadAnswer(f"Anypoint sends the same page of {self.what} again and again.")
            yield fresh
            if not received or self._is_at_end:
                return
        raise BadAnswer(f"Anypoint's list of {self.what} does not end.")

    @property
    def held_still(self) -> bool:
        """Whether nobody seems to have edited the list meanwhile."""
        return self._offset == len(self.keys) and len(set(self._totals)) <= 1

    @property
    def is_whole(self) -> bool:
        """Whether as many rows came as the list says it has."""
        return not self._totals or max(self._offset, self._counted) >= self._totals[-1]

    @property
    def _is_at_end(self) -> bool:
        return bool(self._totals) and self._offset == self._totals[-1]

    @property
    def _is_beyond(self) -> bool:
        """Whether more rows came than the total says: then it counts something else."""
        return bool(self._totals) and self._offset > self._totals[-1]

    def _take(self, received: list[Payload], total: int | None) -> list[Payload]:
        if self._offset + len(received) > MAX_ROWS:
            raise BadAnswer(f"Anypoint's list of {self.what} does not end.")
        keyed = {self.key(row, self._offset + place): row for place, row in enumerate(received)}
        fresh = {key: row for key, row in keyed.items() if key not in self.keys}
        self.keys |= fresh.keys()
        self._offset += len(received)
        self._counted += self.count(received)
        if total is not None:
            self._totals.append(total)
        return list(fresh.values())


async def pages(
    fetch: Fetch,
    what: str,
    count: Callable[[Sequence[Payload]], int] = by_rows,
    key: Key = key_of,
) -> AsyncIterator[list[Payload]]:
    """Yield each page's new rows; a list that moved is walked once more for what was missed."""
    walk = Walk(fetch, what, count, key)
    async for page in walk.pages():
        yield page
    if walk.held_still and walk.is_whole:
        return
    again = Walk(fetch, what, count, key)
    async for page in again.pages():
        yield [row for row in page if key(row, None) not in walk.keys]
    check_whole(again)


async def all_rows(fetch: Fetch, what: str) -> list[Payload]:
    """Return every row once; a list that moved is read once more and then taken as it is."""
    walk = Walk(fetch, what)
    rows = [row async for page in walk.pages() for row in page]
    if not (walk.held_still and walk.is_whole):
        walk = Walk(fetch, what)
        rows = [row async for page in walk.pages() for row in page]
        check_whole(walk)
    return rows


def check_whole(walk: Walk) -> None:
    """Raise `CutShort` if a list ended before its own count."""
    if not walk.is_whole:
        raise CutShort(f"Anypoint's list of {walk.what} ended before its own count.")
