"""What really runs: automated policies merged with the API's own, in the order they run."""

from collections.abc import Iterable
from typing import NamedTuple

from app.posture.applied import Applied
from app.posture.families import AUTHENTICATES, Family
from app.posture.lanes import Side

API_LEVEL = "API"
AUTOMATED = "automated"


class Running(NamedTuple):
    """One policy that runs, and where it comes from."""

    policy: Applied
    source: str


class Effective(NamedTuple):
    """The enabled policies of an instance as they run. Without `is_whole`, something is unread."""

    running: tuple[Running, ...]
    is_whole: bool

    def of(self, wanted: frozenset[Family]) -> tuple[Applied, ...]:
        """Return the enabled policies of these families."""
        return tuple(r.policy for r in self.running if r.policy.is_of(wanted))

    @property
    def is_bare(self) -> bool:
        """Whether it is known that nothing authenticates or identifies a caller."""
        return self.is_whole and not any(r.policy.is_of(AUTHENTICATES) for r in self.running)


def effective_of(side: Side) -> Effective:
    """Return the effective set: CORS, then automated ones, then the API's own that are not overridden."""
    automated = [a.policy for a in side.automated or () if not a.policy.is_off]
    own = side.policies.applied if side.policies else ()
    if not automated:
        running = [Running(p, API_LEVEL) for p in own if not p.is_off]
    else:
        taken = {policy.identity for policy in automated}
        running = [Running(p, AUTOMATED) for p in automated]
        running += [Running(p, API_LEVEL) for p in own if not p.is_off and p.identity not in taken]
    return Effective(
        tuple(in_running_order(running)),
        is_whole=side.policies is not None and side.automated is not None,
    )


def in_running_order(running: Iterable[Running]) -> list[Running]:
    """Return policies as they run: CORS first, automated before API-level, each by order."""
    return sorted(
        running,
        key=lambda r: (
            not r.policy.is_cors,
            r.source == API_LEVEL,
            r.policy.order is None,
            r.policy.order or 0,
            r.policy.asset_id,
            r.policy.label,
        ),
    )
