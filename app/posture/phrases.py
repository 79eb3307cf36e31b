"""Parts of sentences: environments joined by what they have in common."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from app.posture import words
from app.posture.canonical import canonical
from app.posture.frame import Frame
from app.posture.model import Json

LONGEST_SENTENCE = 199
_MANY = 3
_NUMBER = re.compile(r"\{(\w+)\|(\w+)\}")


class Shared(NamedTuple):
    """Environments with one value, in words."""

    environments: str
    value: Json
    size: int


def envs(frame: Frame, ids: Iterable[str]) -> str:
    """Return the names of environments as a sentence says them, the baseline first."""
    wanted = frozenset(ids)
    return words.listed([words.name(frame.name(e)) for e in frame.speaking_order if e in wanted])


def shared(
    frame: Frame, votes: Mapping[str, Json], told: Mapping[str, Json] | None = None
) -> list[Shared]:
    """Group environments by equal value, the baseline's group first; `told` may spell it."""
    groups: dict[str, list[str]] = {}
    for environment in frame.speaking_order:
        if environment in votes:
            groups.setdefault(canonical(votes[environment]), []).append(environment)
    values = told or votes
    return [Shared(envs(frame, ids), values[ids[0]], len(ids)) for ids in groups.values()]


def sides(
    frame: Frame,
    votes: Mapping[str, Json],
    tell: Callable[[Json], str],
    told: Mapping[str, Json] | None = None,
) -> str:
    """Return `A in Production, B in Dev and Test`, at most three values."""
    groups = shared(frame, votes, told)
    parts = [f"{tell(group.value)} in {group.environments}" for group in groups]
    more = [f"{len(parts) - _MANY} more values"] if len(parts) > _MANY else []
    return ", ".join(parts[:_MANY] + more)


def numbered(template: str, count: int) -> str:
    """Return a template with its verbs in the number: `{has|have}` by how many there are."""
    return _NUMBER.sub(lambda found: found[1] if count == 1 else found[2], template)


def sentence(text: str) -> str:
    """Return a sentence of less than 200 characters."""
    return words.cut(text, LONGEST_SENTENCE)
