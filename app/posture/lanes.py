"""Several instances of one API: which of them are the same thing in different environments."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from app.posture.frame import Frame, pieces
from app.posture.model import ApiReading, Note, Section
from app.posture.sides import Side

_MOST_JOINED = 60
"""With more lanes than this, what is left over is not joined: nobody could tell which is which."""


class Lane(NamedTuple):
    """One instance per environment, in the connection's order; the main lane has no label."""

    sides: tuple[Side, ...]
    label: str = ""

    def suffixed(self, subject: str | None) -> str | None:
        """Return a subject as it is called in this lane."""
        if not self.label:
            return subject
        return f"{subject} @ {self.label}" if subject else f"@ {self.label}"


def are_the_same(sections: list[Section]) -> bool:
    """Whether the digests say that sections are equal: then nobody needs to understand them."""
    digests = {section.digest for section in sections}
    return len(digests) == 1 and b"" not in digests


class LinedUp(NamedTuple):
    """All lanes of an API, the main one first; those in one environment are not compared."""

    lanes: tuple[Lane, ...]
    deployed: tuple[str, ...]
    notes: tuple[Note, ...]


def lined_up(frame: Frame, api: ApiReading) -> LinedUp:
    """Return the lanes of an API; with one instance in each environment there is one lane.

    What is known of an environment that could not be listed now takes no part.
    """
    held: dict[str, list[Side]] = {environment_id: [] for environment_id in frame.listed}
    seen: set[tuple[str, int]] = set()
    for reading in api.instances:
        place = (reading.environment_id, reading.instance_id)
        if place[0] in held and place not in seen:
            seen.add(place)
            held[place[0]].append(Side(frame, reading))
    deployed = tuple([environment_id for environment_id in held if held[environment_id]])
    if len(seen) == len(deployed):
        lane = Lane(tuple([held[environment_id][0] for environment_id in deployed]))
        return LinedUp((lane,) if deployed else (), deployed, ())
    for found in held.values():
        found.sort(key=lambda side: side.instance_id)
    groups, notes = _grouped(frame, held)
    joined = _joined(groups, list(held))
    return LinedUp(tuple(_named(joined)), deployed, notes)


@dataclass(frozen=True, slots=True)
class _Group:
    """A lane in the making."""

    sides: tuple[Side, ...]
    stripped: frozenset[str]  # the labels that are not empty
    versions: frozenset[str]

    @property
    def environments(self) -> frozenset[str]:
        return frozenset(side.environment_id for side in self.sides)

    @property
    def lowest(self) -> int:
        return min(side.instance_id for side in self.sides)

    @property
    def subjects(self) -> frozenset[tuple[str, str]]:
        return frozenset(p.identity for s in self.sides if s.policies for p in s.policies.applied)

    def with_(self, other: "_Group", order: list[str]) -> "_Group":
        sides = sorted((*self.sides, *other.sides), key=lambda s: order.index(s.environment_id))
        return _Group(tuple(sides), self.stripped | other.stripped, self.versions | other.versions)


def stripped_label(frame: Frame, side: Side) -> str:
    """Return the label without the words that say where and which version it is."""
    facts = side.facts
    words = pieces(facts["label"] or "")
    for token in frame.tokens[side.environment_id]:
        words = _without(words, tuple(token.split("-")))
    words = _without(words, pieces(facts["product_version"] or ""))
    own = frozenset(pieces(facts["asset_id"] or ""))
    return "-".join(word for word in words if word not in own)


def _without(words: tuple[str, ...], token: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without every run of them that is the token."""
    size = len(token)
    kept: list[str] = []
    index = 0
    while index < len(words):
        if size and words[index : index + size] == token:
            index += size
        else:
            kept.append(words[index])
            index += 1
    return tuple(kept)


def _grouped(frame: Frame, held: dict[str, list[Side]]) -> tuple[list[_Group], tuple[Note, ...]]:
    """Group by product version and stripped label; equal ones by exact label, then by rank."""
    by_name: dict[tuple[str, str], list[Side]] = defaultdict(list)
    for found in held.values():
        for side in found:
            version = side.facts["product_version"] or ""
            by_name[version, stripped_label(frame, side)].append(side)
    groups: list[_Group] = []
    is_uncertain = False
    for (version, stripped), sides in sorted(by_name.items()):
        ranked, has_equals = _ranked(sides)
        is_uncertain = is_uncertain or has_equals
        for members in ranked:
            labels = frozenset({stripped} - {""})
            groups.append(_Group(tuple(members), labels, frozenset({version})))
    return groups, (_uncertain(),) if is_uncertain else ()


def _ranked(sides: list[Side]) -> tuple[list[list[Side]], bool]:
    """Split sides of equal name so that each environment stands once in a group."""
    if len({side.environment_id for side in sides}) == len(sides):
        return [sides], False
    seen: dict[tuple[str, str], int] = defaultdict(int)
    groups: dict[tuple[str, int], list[Side]] = defaultdict(list)
    for side in sides:
        label = side.facts["label"] or ""
        seen[side.environment_id, label] += 1
        groups[label, seen[side.environment_id, label]].append(side)
    return [groups[key] for key in sorted(groups)], max(seen.values()) > 1


def _uncertain() -> Note:
    return Note(
        "pairing_uncertain",
        "Several instances have the same label and version; they were paired in order of their ids",
    )


def _joined(groups: list[_Group], order: list[str]) -> list[_Group]:
    """Join lanes that share no environment, the best pair first, until none is left."""
    while len(groups) <= _MOST_JOINED:
        pairs = [
            (_score(a, b), i, j)
            for i, a in enumerate(groups)
            for j, b in enumerate(groups)
            if i < j and _may_join(a, b, groups)
        ]
        if not pairs:
            break
        _, i, j = max(pairs, key=lambda pair: (pair[0], -pair[1], -pair[2]))
        together = groups[i].with_(groups[j], order)
        groups = [g for k, g in enumerate(groups) if k not in (i, j)] + [together]
    return groups


def _may_join(a: _Group, b: _Group, groups: list[_Group]) -> bool:
    if not a.environments.isdisjoint(b.environments):
        return False
    are_other = bool(a.stripped) and bool(b.stripped) and a.stripped != b.stripped
    others_span = any(len(g.sides) > 1 for g in groups if g is not a and g is not b)
    return not (are_other and others_span)


def _score(a: _Group, b: _Group) -> tuple[bool, bool, int, int]:
    return (
        a.stripped == b.stripped,
        not a.versions.isdisjoint(b.versions),
        len(a.subjects & b.subjects),
        -min(a.lowest, b.lowest),
    )


def _named(groups: list[_Group]) -> Iterable[Lane]:
    """Name the lanes, the main one first and without a name."""
    ordered = sorted(groups, key=lambda g: (-len(g.sides), bool(g.stripped), g.lowest))
    taken: dict[str, int] = defaultdict(int)
    for index, group in enumerate(ordered):
        label = "" if index == 0 else _label(group)
        taken[label] += 1
        again = f"~{taken[label]}" if taken[label] > 1 else ""
        yield Lane(group.sides, label + again)


def _label(group: _Group) -> str:
    return min(group.stripped, default="") or min(group.versions) or str(group.lowest)
