"""What a difference is, before it is weighed: one fact with its value in each environment."""

import dataclasses
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from app.posture.canonical import mark
from app.posture.fields import Field
from app.posture.lanes import Lane
from app.posture.model import Json, Kind
from app.posture.secrets import is_sealed

UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Change:
    """One field whose value is not the same; `votes` holds normal values by environment.

    An environment in which the field has no effect has no vote. `spelled` holds values as
    Anypoint has them, where only their case is another one.
    """

    path: str
    field: Field | None
    votes: Mapping[str, Json]
    spelled: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    is_unexpected: bool = False  # an expected difference exists and does not allow it

    @property
    def told(self) -> Mapping[str, Json]:
        """The votes as they are shown."""
        return {**self.votes, **self.spelled} if self.spelled else self.votes

    @property
    def is_secret(self) -> bool:
        """Whether it is fingerprints that differ."""
        return any(is_sealed(value) for value in self.votes.values())

    def mark(self, environment: str) -> Hashable:
        """Return what tells an environment's vote from others, None where it has none."""
        return mark(self.votes[environment]) if environment in self.votes else None


class Difference(NamedTuple):
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
    members: Mapping[str, Any] = MappingProxyType({})
    changes: tuple[Change, ...] = ()


def outliers_of(votes: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the environments outside the group that holds more than half; none on a tie."""
    return minority({environment: mark(value) for environment, value in votes.items()})


def outliers_of_changes(
    changes: tuple[Change, ...], environments: Iterable[str]
) -> tuple[str, ...]:
    """Return the outliers over all changed fields together."""
    return minority({e: tuple([change.mark(e) for change in changes]) for e in environments})


def minority(marks: Mapping[str, Hashable]) -> tuple[str, ...]:
    """Return whose mark is not the one that more than half have; none where no mark has that."""
    every = list(marks.values())
    most = max(every, key=every.count)
    if every.count(most) * 2 <= len(every):
        return ()
    return tuple([environment for environment, own in marks.items() if own != most])


def are_equal(votes: Mapping[str, Json]) -> bool:
    """Whether all votes are the same value."""
    return len(set(map(mark, votes.values()))) == 1


def spread(
    deployed: Iterable[str], votes: Mapping[str, Json], not_read: Iterable[str] = ()
) -> dict[str, Json]:
    """Return an entry per deployed environment: its vote, `unreadable`, or None where absent."""
    unread = frozenset(not_read)
    return {
        environment: UNREADABLE if environment in unread else votes.get(environment)
        for environment in deployed
    }
