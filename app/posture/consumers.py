"""Contracts of a lane, lined up: which applications are the same consumer."""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from typing import NamedTuple

from app.posture.agreements import Contract
from app.posture.frame import Frame
from app.posture.matching import told_apart
from app.posture.model import Note, SectionName

_SEPARATORS = "-_. "

Members = dict[str, Contract]


class Consumer(NamedTuple):
    """One consumer and its contract in each environment that has one."""

    subject: str
    members: Mapping[str, Contract]


class Consumers(NamedTuple):
    """All consumers, sorted by subject, and what was remarked in finding them."""

    every: tuple[Consumer, ...]
    notes: tuple[Note, ...]


def consumers_of(frame: Frame, held: Mapping[str, Sequence[Contract]]) -> Consumers:
    """Line up contracts by application id, then by exact name, then by alias."""
    notes: list[Note] = []
    groups = _by_name(_by_id(held), notes)
    if any(len(group) < len(held) for group in groups):
        groups = _by_alias(frame, groups, notes)
    return Consumers(tuple(_named(frame, groups, list(held))), tuple(notes))


def _by_id(held: Mapping[str, Sequence[Contract]]) -> list[Members]:
    """Group by application id; of one application twice in one environment the first counts."""
    known: dict[int, Members] = defaultdict(dict)
    others: list[Members] = []
    for environment, contracts in held.items():
        for contract in sorted(contracts, key=_rank):
            if contract.application_id is None:
                others.append({environment: contract})
            else:
                known[contract.application_id].setdefault(environment, contract)
    return [*known.values(), *others]


def _rank(contract: Contract) -> tuple[str, int, str, str]:
    return contract.application, contract.application_id or 0, contract.status, contract.tier or ""


@lru_cache(maxsize=8192)
def clean(name: str) -> str:
    """Return an application's name as names are compared: NFC and trimmed."""
    return unicodedata.normalize("NFC", name).strip()


def _by_name(groups: list[Members], notes: list[Note]) -> list[Members]:
    by_name: dict[str, list[Members]] = defaultdict(list)
    for group in groups:
        by_name[min(clean(contract.application) for contract in group.values())].append(group)
    joined: list[Members] = []
    for name in sorted(by_name):
        together = _joined(by_name[name])
        if len(together) < len(by_name[name]):
            notes.append(_same_name(name))
        joined += together
    return joined


def _joined(groups: list[Members]) -> list[Members]:
    """Join groups that share no environment, the widest first."""
    if len(groups) == 1:
        return groups
    joined: list[Members] = []
    # By the environments that are taken, which are few, and not by walking through all: thousands
    # of applications may have one name.
    places: dict[frozenset[str], list[int]] = defaultdict(list)
    for group in sorted(groups, key=lambda g: (-len(g), _lowest(g))):
        free = [(held[0], taken) for taken, held in places.items() if taken.isdisjoint(group)]
        place, taken = min(free, default=(len(joined), frozenset()))
        if free:
            _take_first(places, taken)
            joined[place] |= group
        else:
            joined.append(dict(group))
        heappush(places[taken.union(group)], place)
    return joined


def _take_first(places: dict[frozenset[str], list[int]], taken: frozenset[str]) -> None:
    heappop(places[taken])
    if not places[taken]:
        del places[taken]


def _lowest(group: Members) -> int:
    return min(contract.application_id or 0 for contract in group.values())


def _by_alias(frame: Frame, groups: list[Members], notes: list[Note]) -> list[Members]:
    """Join by the stem of names; where two would share an environment, they stay apart."""
    by_stem: dict[str, list[Members]] = defaultdict(list)
    for group in groups:
        by_stem[_stem(frame, group).casefold()].append(group)
    joined: list[Members] = []
    for stem in sorted(by_stem):
        alike = by_stem[stem]
        together = _joined(alike)
        if len(together) > 1:
            notes.append(_conflict(stem))
            together = alike
        joined += together
    return joined


def _stem(frame: Frame, group: Members) -> str:
    """Return the shortest stem among a group's names; one name may say no environment."""
    stems = {stem(frame, e, contract.application) for e, contract in group.items()}
    return min(stems, key=lambda each: (len(each), each))


def stem(frame: Frame, environment: str, name: str) -> str:
    """Return a name without one ignored suffix, or without its environment's own token."""
    bare = clean(name)
    folded = bare.casefold()
    endings = [s.casefold() for s in frame.scope.ignored_application_suffixes if s]
    endings += [mark + token for token in frame.tokens[environment] for mark in _SEPARATORS]
    fitting = [e for e in endings if folded.endswith(e) and len(e) < len(folded)]
    longest = max(map(len, fitting), default=0)
    return bare[: len(bare) - longest]


def _named(frame: Frame, groups: list[Members], order: list[str]) -> list[Consumer]:
    """Name each consumer by its common name, else by the stem, and tell equal names apart."""
    named = [(_subject(frame, group), _lowest(group), group) for group in groups]
    taken: dict[str, int] = {}
    consumers: list[Consumer] = []
    for subject, _, group in sorted(named, key=lambda each: each[:2]):
        members = {environment: group[environment] for environment in order if environment in group}
        consumers.append(Consumer(told_apart(subject, taken), members))
    return consumers


def _subject(frame: Frame, group: Members) -> str:
    names = {clean(contract.application) for contract in group.values()}
    return names.pop() if len(names) == 1 else _stem(frame, group)


def _same_name(name: str) -> Note:
    return Note(
        "same_name_other_id",
        f"{name[:60]} is another application with the same name in some environments",
        SectionName.CONTRACTS,
        name,
    )


def _conflict(stem: str) -> Note:
    return Note(
        "alias_conflict",
        f"Several applications could be {stem[:60]}; they were compared by their exact names",
        SectionName.CONTRACTS,
        stem,
    )
