"""What a difference is, before it is weighed: one fact with its value in each environment."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.posture.canonical import canonical
from app.posture.fields import Field
from app.posture.lanes import Lane
from app.posture.model import Json, Kind
from app.posture.secrets import is_sealed

UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Change:
    """One field whose value is not the same; `votes` holds normal values by environment."""

    path: str
    field: Field | None
    votes: Mapping[str, Json]
    is_unexpected: bool = False  # an expected difference exists and does not allow it

    @property
    def is_secret(self) -> bool:
        """Whether it is fingerprints that differ."""
        return any(is_sealed(value) for value in self.votes.values())


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact about one subject. `votes` are the environments compared, with normal values.

    `values` has an entry for each environment in which the API is deployed. `members` are the
    policies, tiers or contracts that the votes are about, where they are there.
    """

    kind: Kind
    subject: str | None
    lane: Lane
    votes: Mapping[str, Json]
    values: Mapping[str, Json]
    outliers: tuple[str, ...]
    members: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()


def outliers_of(votes: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the environments outside the group that holds more than half; none on a tie."""
    texts = {environment: canonical(value) for environment, value in votes.items()}
    return minority(texts)


def minority(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return whose text is not the one that more than half have; none where no text has that."""
    text, count = Counter(texts.values()).most_common(1)[0]
    if count * 2 <= len(texts):
        return ()
    return tuple(environment for environment, own in texts.items() if own != text)


def are_equal(votes: Mapping[str, Json]) -> bool:
    """Whether all votes are the same value."""
    first, *others = votes.values()
    for value in others:
        if value is not first and not (_is_plain(value) and value == first):
            return len({canonical(each) for each in votes.values()}) == 1
    return True


def _is_plain(value: Json) -> bool:
    """Whether equality of Python is equality here: numbers and switches are not one for it."""
    return isinstance(value, str)


def spread(
    deployed: Iterable[str], votes: Mapping[str, Json], not_read: Iterable[str] = ()
) -> dict[str, Json]:
    """Return an entry per deployed environment: its vote, `unreadable`, or None where absent."""
    unread = frozenset(not_read)
    return {
        environment: UNREADABLE if environment in unread else votes.get(environment)
        for environment in deployed
    }
