"""From where to where readiness is asked of one API, before anybody chooses."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.store.syncs import SyncEnvironment

PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class ReadinessChoice:
    """The environments to choose from, each an id with its words, and the usual pair."""

    choices: Sequence[tuple[str, str]]
    origin: str
    target: str


def readiness_choice(
    environments: Sequence[SyncEnvironment], baseline_id: str | None
) -> ReadinessChoice | None:
    """Return the usual way: from the last stage before the baseline to it; None for one place."""
    if len(environments) < 2:
        return None
    ids = [item.id for item in environments]
    production = [item.id for item in environments if item.type == PRODUCTION]
    target = baseline_id if baseline_id in ids else next(iter(production), ids[-1])
    stages = [item.id for item in environments if item.type != PRODUCTION and item.id != target]
    before = [stage for stage in stages if ids.index(stage) < ids.index(target)]
    others = [place for place in ids if place != target]
    origin = (before or stages or others)[-1]
    choices = [(item.id, f"{item.name} ({item.type})") for item in environments]
    return ReadinessChoice(choices, origin, target)
