"""Where a difference protects less: in production, elsewhere, or nobody can tell."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from app.posture.frame import Frame
from app.posture.model import Direction

V = TypeVar("V")

IN_PRODUCTION = Direction.WEAKER_IN_PRODUCTION
ELSEWHERE = Direction.WEAKER_ELSEWHERE
NEUTRAL = Direction.NEUTRAL


def direction_of(frame: Frame, votes: Mapping[str, V], weaker: Callable[[V, V], bool]) -> Direction:
    """Return where some environment is weaker than another; production is asked first."""
    if any(weaker_pairs(frame, votes, weaker)):
        return IN_PRODUCTION
    values = list(votes.values())
    if any(weaker(a, b) for a in values for b in values):
        return ELSEWHERE
    return NEUTRAL


def weaker_pairs(
    frame: Frame, votes: Mapping[str, V], weaker: Callable[[V, V], bool]
) -> list[tuple[str, str]]:
    """Return each reference environment with one that it is weaker than."""
    return [
        (own, other)
        for own in votes
        if own in frame.reference
        for other in votes
        if weaker(votes[own], votes[other])
    ]


def pairs_anywhere(votes: Mapping[str, V], weaker: Callable[[V, V], bool]) -> list[tuple[str, str]]:
    """Return every environment with one that it is weaker than."""
    return [(a, b) for a in votes for b in votes if weaker(votes[a], votes[b])]
