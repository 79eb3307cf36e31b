"""Comparing limits: which of two lets more through, and by how much."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.posture.model import Json

Limits = Mapping[Json, Json]

TENFOLD = 10
MAXIMUM, WINDOW = "maximumRequests", "timePeriodInMilliseconds"


class Ratio(NamedTuple):
    """How many times more one limit allows, as a fraction of whole numbers."""

    more: int
    less: int

    def is_at_least(self, factor: int) -> bool:
        """Whether it is at least so many times more; by multiplication, never by division."""
        return self.more >= factor * self.less


def allows_more(a: Limits, b: Limits) -> bool:
    """Whether `a` is the weaker one: for each window of `b` as much or more, and more once.

    A window that only one side limits counts as larger on the side without it.
    """
    if not (_are_numbers(a) and _are_numbers(b)):
        return False
    windows = a.keys() | b.keys()
    signs = {_sign(a.get(window), b.get(window)) for window in windows}
    return 1 in signs and -1 not in signs


def _sign(a: int | None, b: int | None) -> int:
    """Return 1 where `a` allows more; None allows everything."""
    if a is None or b is None:
        return (a is None) - (b is None)
    return (a > b) - (a < b)


def _are_numbers(limits: Limits) -> bool:
    return all(isinstance(value, int) for pair in limits.items() for value in pair)


def largest_ratio(pairs: Iterable[tuple[Limits, Limits]]) -> Ratio | None:
    """Return the largest ratio over windows that both sides of a pair limit, or None."""
    ratios = [
        Ratio(max(a[window], b[window]), min(a[window], b[window]))
        for a, b in pairs
        if _are_numbers(a) and _are_numbers(b)
        for window in a.keys() & b.keys()
        if a[window] > 0 and b[window] > 0
    ]
    largest: Ratio | None = None
    for ratio in ratios:
        if largest is None or ratio.more * largest.less > largest.more * ratio.less:
            largest = ratio
    return largest


def limits_of(fields: Mapping[str, Json]) -> dict[Json, Json]:
    """Return the limits of a traffic policy's normal fields, by window in milliseconds.

    Of one window that is limited twice the tighter limit counts.
    """
    if WINDOW in fields:
        return {fields[WINDOW]: fields.get(MAXIMUM)}
    if isinstance(fields.get("rateLimits"), list):
        return _tighter(fields["rateLimits"])
    prefix = "rateLimits["
    return {
        _window(path[len(prefix) : -1]): value
        for path, value in fields.items()
        if path.startswith(prefix) and path.endswith("]")
    }


def _tighter(items: Iterable[Json]) -> dict[Json, Json]:
    limits: dict[Json, Json] = {}
    for item in items:
        window, maximum = (item.get(WINDOW), item.get(MAXIMUM)) if _is_pair(item) else (None, None)
        known = limits.get(window)
        is_looser = isinstance(known, int) and isinstance(maximum, int) and maximum > known
        limits[window] = known if is_looser else maximum
    return limits


def _is_pair(item: Json) -> bool:
    return isinstance(item, dict) and isinstance(item.get(WINDOW), int | str | None)


def _window(text: str) -> Json:
    is_number = text.removeprefix("-").isdecimal() and len(text) < 20
    return int(text) if is_number else text
