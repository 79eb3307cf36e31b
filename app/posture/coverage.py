"""How much of what a row needs was read, and what was not."""

from collections.abc import Iterable, Iterator, Mapping

from app.posture import words
from app.posture.frame import Frame
from app.posture.lanes import LinedUp
from app.posture.memory import Memory
from app.posture.model import Coverage, Json, Note, NotRead, SectionName
from app.posture.sides import Side

INSTANCES = "instances"
_PARTS_OF_INSTANCE = 3
_PARTS_OF_ENVIRONMENT = 2
_MOST_TOLD = 3
_WHOLE: Memory[int, Coverage] = Memory(256)


def coverage_of(frame: Frame, lined: LinedUp, notes: Iterable[Note]) -> Coverage:
    """Return the coverage of a row; what was not read is told with where and why."""
    sides = [side for lane in lined.lanes for side in lane.sides]
    hidden = sum([note.code == "unverifiable" for note in notes]) if notes else 0
    needed = _PARTS_OF_ENVIRONMENT * len(frame.environments) + _PARTS_OF_INSTANCE * len(sides)
    if not hidden and frame.is_whole and all(map(_is_whole, sides)):
        return _WHOLE.get(needed) or _WHOLE.keep(needed, _coverage(frame, needed, (), 0))
    not_read = (*_of_environments(frame), *(n for side in sides for n in _of_instance(side)))
    return _coverage(frame, needed, not_read, hidden)


def unread_automated(coverage: Mapping[str, Json]) -> dict[str, str]:
    """Return why automated policies were not read, by environment, out of a kept coverage."""
    return {
        part["environment_id"]: part["reason"]
        for part in coverage["not_read"]
        if part["section"] == SectionName.AUTOMATED
    }


def _coverage(frame: Frame, needed: int, not_read: tuple[NotRead, ...], hidden: int) -> Coverage:
    read = needed - len(not_read)
    told = [f"{read} of {needed} parts read"]
    if not_read:
        told.append("not read: " + _told(frame, not_read))
    if hidden:
        told.append(f"{words.count(hidden, 'hidden value')} not compared")
    return Coverage(read, needed, not_read, hidden, "; ".join(told))


def _told(frame: Frame, not_read: tuple[NotRead, ...]) -> str:
    parts: dict[tuple[str, str], dict[str, None]] = {}
    for each in not_read:
        found = parts.setdefault((each.environment_id, each.reason.rstrip(".")), {})
        found[_part(each.section)] = None
    told = [
        f"{words.listed(tuple(found))} in {words.name(frame.name(environment))} ({reason})"
        for (environment, reason), found in parts.items()
    ]
    more = [f"{len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return ", ".join(told[:_MOST_TOLD] + more)


def _part(section: str) -> str:
    return "automated policies" if section == SectionName.AUTOMATED else section


def _of_environments(frame: Frame) -> Iterator[NotRead]:
    for reading in frame.scope.environments:
        environment = reading.environment.id
        if reading.not_listed is not None:
            yield NotRead(INSTANCES, environment, reading.not_listed)
        if reading.automated.not_read is not None:
            yield NotRead(SectionName.AUTOMATED, environment, reading.automated.not_read)


def _is_whole(side: Side) -> bool:
    return side.policies is not None and side.tiers is not None and side.contracts is not None


def _of_instance(side: Side) -> Iterator[NotRead]:
    reading = side.reading
    reasons = (
        (SectionName.POLICIES, reading.policies.not_read),
        (SectionName.TIERS, reading.tiers.not_read),
        (SectionName.CONTRACTS, side.contracts_not_read),
    )
    for section, reason in reasons:
        if reason is not None:
            yield NotRead(section, side.environment_id, reason)
