"""Measuring side by side: rounds in rotated order, ratios, and the line that is printed of them."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

Clock = Callable[[], float]


def seconds(run: Callable[[], Any], clock: Clock = time.process_time) -> float:
    """Return the time of one run; garbage is collected before, not during."""
    gc.collect()
    start = clock()
    run()
    return clock() - start


@dataclass
class Line:
    """One goal: the ratios of all rounds."""

    number: str
    what: str
    ours: list[float]
    peers: list[float]
    goal: float | None
    unit: str
    proof: str
    at_least: bool = False

    @property
    def ratios(self) -> list[float]:
        """Ours by the peer's, or the other way round where more is better."""
        pairs = zip(self.ours, self.peers, strict=True)
        return [b / a if self.at_least else a / b for a, b in pairs]

    @property
    def is_ok(self) -> bool:
        """Whether the median reaches the goal."""
        ratio = median(self.ratios)
        if self.goal is None:
            return True
        return ratio >= self.goal if self.at_least else ratio <= self.goal

    def told(self) -> str:
        """Return the line as it is printed."""
        low, middle, high = min(self.ratios), median(self.ratios), max(self.ratios)
        sign = "≥" if self.at_least else "≤"
        limit = "no goal, for information" if self.goal is None else f"goal {sign} {self.goal}"
        verdict = "" if self.goal is None else "ok" if self.is_ok else "MISSED"
        return (
            f"{self.number:3} {self.what:58} ours {median(self.ours):9.4f} {self.unit}  "
            f"peer {median(self.peers):9.4f} {self.unit}  "
            f"ratio {middle:7.2f} [{low:.2f}..{high:.2f}]  {limit}  {verdict}  ({self.proof})"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the line for a file."""
        return {
            "goal": self.number,
            "what": self.what,
            "ours": self.ours,
            "peer": self.peers,
            "unit": self.unit,
            "ratio": median(self.ratios),
            "limit": self.goal,
            "at_least": self.at_least,
            "ok": self.is_ok,
            "proof": self.proof,
        }


def piece_by_piece(
    rounds: int,
    pieces: Sequence[Any],
    ours: Callable[[Any], Any],
    peer: Callable[[Any], Any],
    clock: Clock = time.process_time,
) -> tuple[list[float], list[float]]:
    """Time both on every piece of the work in turn: what else runs then weighs on both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        found = [side_by_side(1, partial(ours, p), partial(peer, p), clock, turn) for p in pieces]
        times[0].append(sum(own[0] for own, _ in found))
        times[1].append(sum(its[0] for _, its in found))
    return times


def side_by_side(
    rounds: int,
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    clock: Clock = time.process_time,
    first: int = 0,
) -> tuple[list[float], list[float]]:
    """Time both in every round, the order rotated."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(first, first + rounds):
        runs = [(0, ours), (1, peer)]
        for place, run in runs if turn % 2 else runs[::-1]:
            times[place].append(seconds(run, clock))
    return times
