"""The order of policies: only what stands on both sides has one, and CORS has none."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.posture.applied import Applied
from app.posture.slots import Slot

Rank = tuple[bool, bool, int]
"""On the way out, without a number, the number: what runs first is the smallest."""

Ranks = Mapping[str, Rank]
_LAST: Rank = (True, True, 0)


class OrderCompared(NamedTuple):
    """The sequence of subjects by environment where orders differ, and one inverted pair."""

    sequences: Mapping[str, tuple[str, ...]]
    pair: tuple[str, str]  # the first one runs before the second in `before`
    before: tuple[str, ...]
    after: tuple[str, ...]
    is_partial: bool  # the inverted pair is not applied everywhere
    crossing: tuple[tuple[str, str], ...]  # every inverted pair


def order_compared(
    slots: Sequence[Slot], environments: Sequence[str], baseline: str | None
) -> OrderCompared | None:
    """Return how orders differ, or None where no two environments invert a pair."""
    ordered = [slot for slot in slots if not any(p.is_cors for p in slot.members.values())]
    ranks = {e: _ranks(ordered, e) for e in environments}
    everywhere = [s.subject for s in ordered if all(e in s.members for e in environments)]
    first = baseline if baseline in ranks else environments[0]
    sequences = {e: _sequence(everywhere, ranks[e], ranks[first]) for e in environments}
    inverted = _inverted(everywhere, ranks)
    if inverted:
        return _order(inverted, ranks, sequences, is_partial=False)
    inverted = _inverted([slot.subject for slot in ordered if len(slot.members) > 1], ranks)
    if not inverted:
        return None
    touched = sorted({subject for pair in inverted for subject in pair})
    partial = {e: _sequence(touched, ranks[e], ranks[first]) for e in environments}
    return _order(inverted, ranks, partial, is_partial=True)


def _ranks(slots: Sequence[Slot], environment: str) -> dict[str, Rank]:
    return {s.subject: _rank(s.members[environment]) for s in slots if environment in s.members}


def _rank(policy: Applied) -> Rank:
    return policy.is_outbound, policy.order is None, policy.order or 0


def _sequence(subjects: Sequence[str], ranks: Ranks, first: Ranks) -> tuple[str, ...]:
    """Return the subjects as they run; undecided ones stand as in the baseline."""
    held = [subject for subject in subjects if subject in ranks]
    return tuple(sorted(held, key=lambda s: (ranks[s], first.get(s, _LAST), s)))


def _stands(a: str, b: str, ranks: Ranks) -> int:
    """Return -1 where a runs before b, 1 where after, 0 where that is undecided."""
    if a not in ranks or b not in ranks:
        return 0
    left, right = ranks[a], ranks[b]
    return (left > right) - (left < right)


def _inverted(subjects: Sequence[str], ranks: Mapping[str, Ranks]) -> list[tuple[str, str]]:
    """Return every pair that stands strictly one way here and the other way there."""
    if len({tuple(own.items()) for own in ranks.values()}) == 1:
        return []
    return [
        (a, b)
        for index, a in enumerate(subjects)
        for b in subjects[index + 1 :]
        if {-1, 1} <= {_stands(a, b, own) for own in ranks.values()}
    ]


def _order(
    inverted: list[tuple[str, str]],
    ranks: Mapping[str, Ranks],
    sequences: Mapping[str, tuple[str, ...]],
    *,
    is_partial: bool,
) -> OrderCompared:
    """Return the difference, told by the inverted pair that the first environment runs first."""
    position = {subject: i for i, subject in enumerate(next(iter(sequences.values())))}
    a, b = min(inverted, key=lambda pair: sorted(position.get(s, len(position)) for s in pair))
    if position.get(b, 0) < position.get(a, 0):
        a, b = b, a
    return OrderCompared(
        sequences,
        (a, b),
        tuple(e for e, own in ranks.items() if _stands(a, b, own) < 0),
        tuple(e for e, own in ranks.items() if _stands(a, b, own) > 0),
        is_partial,
        tuple(inverted),
    )


def cors_moves(slots: Sequence[Slot], environments: Sequence[str]) -> bool:
    """Whether CORS is stored at another place among the others: without effect."""
    cors = [slot for slot in slots if any(p.is_cors for p in slot.members.values())]
    others = [slot for slot in slots if slot not in cors]
    for slot in cors:
        for other in others:
            both = [e for e in environments if e in slot.members and e in other.members]
            ways = {_way(slot.members[e], other.members[e]) for e in both}
            if {-1, 1} <= ways:
                return True
    return False


def _way(a: Applied, b: Applied) -> int:
    left, right = _rank(a), _rank(b)
    return (left > right) - (left < right)
