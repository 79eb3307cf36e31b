"""Work that is counted instead of timed: the same on every machine, however busy it is."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines(work: Callable[[], object]) -> int:
    """Return how many lines of Python are run while work is done; coverage looks away meanwhile."""
    count = 0

    def noticed(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return noticed

    before = sys.gettrace()
    sys.settrace(noticed)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def grows_evenly(work: Callable[[int], object], size: int) -> bool:
    """Whether twice the size takes about twice the lines (up to 2.5; every pair would be 4)."""
    work(size // 4)  # what is remembered once is remembered now
    return lines(lambda: work(2 * size)) < 2.5 * lines(lambda: work(size))
