"""Policies of a lane, lined up: one slot for each application of a policy."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple

from app.posture.applied import Applied, Identity, rank
from app.posture.lanes import Lane
from app.posture.matching import told_apart

AMBIGUOUS = frozenset[str]


class Slot(NamedTuple):
    """One application of a policy over the environments of a lane that were read."""

    subject: str
    identity: Identity
    label: str
    is_first: bool
    members: Mapping[str, Applied]  # by environment, in the connection's order


def shared_names(lanes: Iterable[Lane]) -> AMBIGUOUS:
    """Return the asset ids that an API uses from more than one group."""
    return names_of_several(
        policy
        for lane in lanes
        for side in lane.sides
        if side.policies
        for policy in side.policies.applied
    )


def names_of_several(policies: Iterable[Applied]) -> AMBIGUOUS:
    """Return the asset ids that stand for policies of more than one group."""
    assets = Counter(asset_id for _, asset_id in {policy.identity for policy in policies})
    return frozenset(asset for asset, count in assets.items() if count > 1)


def subject_of(policy: Applied, ambiguous: AMBIGUOUS) -> str:
    """Return how a policy is called: its asset id, with its group where that is not enough."""
    if policy.asset_id in ambiguous:
        return "/".join(policy.identity)
    return policy.asset_id


def slots_of(lane: Lane, ambiguous: AMBIGUOUS) -> tuple[Slot, ...]:
    """Return the slots of a lane, sorted by subject."""
    held = {s.environment_id: s.policies.applied for s in lane.sides if s.policies is not None}
    return slots_by_policy(held, ambiguous)


def slots_by_policy(
    held: Mapping[str, Iterable[Applied]], ambiguous: AMBIGUOUS = frozenset()
) -> tuple[Slot, ...]:
    """Return the slots of policies as applied in each environment, sorted by subject."""
    by_policy: dict[Identity, list[tuple[str, Applied]]] = defaultdict(list)
    for environment, policies in held.items():
        for policy in policies:
            by_policy[policy.identity].append((environment, policy))
    slots = [slot for found in by_policy.values() for slot in _slots(found, ambiguous)]
    return tuple(sorted(slots, key=attrgetter("subject")))


def _slots(places: list[tuple[str, Applied]], ambiguous: AMBIGUOUS) -> Iterable[Slot]:
    """Return the slots of one policy: a single one where no environment applies it twice."""
    members = dict(places)
    some = places[0][1]
    subject = subject_of(some, ambiguous)
    if len(members) == len(places):
        return (Slot(subject, some.identity, some.label, True, members),)
    found: dict[str, list[Applied]] = defaultdict(list)
    for environment, policy in places:
        found[environment].append(policy)
    by_label = _in_one_place(_completed(_by_label(found), found), found)
    first = min(by_label, key=lambda label: (label != "", -len(by_label[label]), label))
    return [
        Slot(
            subject if label == first else f"{subject}#{label}",
            some.identity,
            label,
            label == first,
            {environment: members[environment] for environment in found if environment in members},
        )
        for label, members in by_label.items()
    ]


def _by_label(found: Mapping[str, list[Applied]]) -> dict[str, dict[str, Applied]]:
    """Return applications by label; equal labels of one environment are ranked."""
    by_label: dict[str, dict[str, Applied]] = defaultdict(dict)
    for environment, policies in found.items():
        seen: dict[str, int] = {}
        for policy in sorted(policies, key=rank):
            by_label[told_apart(policy.label, seen)][environment] = policy
    return by_label


def _completed(
    by_label: dict[str, dict[str, Applied]], found: Mapping[str, list[Applied]]
) -> dict[str, dict[str, Applied]]:
    """Join the two incomplete slots into one where there are two and they share no environment."""
    partial = [label for label, members in by_label.items() if len(members) < len(found)]
    if len(partial) == 2 and by_label[partial[0]].keys().isdisjoint(by_label[partial[1]]):
        kept, other = sorted(partial, key=lambda label: (label != "", -len(by_label[label]), label))
        by_label[kept] |= by_label.pop(other)
    return by_label


def _in_one_place(
    by_label: dict[str, dict[str, Applied]], found: Mapping[str, list[Applied]]
) -> dict[str, dict[str, Applied]]:
    """Join slots that complete each other, so that a policy applied once is nowhere missing.

    Where an environment lacks the first slot but applies the policy, its smallest further
    application stands there: only what is not applied at all may be called missing.
    """
    first = min(by_label, key=lambda label: (label != "", -len(by_label[label]), label))
    for environment in found:
        if environment in by_label[first]:
            continue
        label = min(label for label, members in by_label.items() if environment in members)
        by_label[first][environment] = by_label[label].pop(environment)
    return {label: members for label, members in by_label.items() if members}
