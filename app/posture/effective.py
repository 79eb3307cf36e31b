"""What really runs: automated policies merged with the API's own, in the order they run."""

from collections.abc import Iterable
from typing import NamedTuple

from app.posture.applied import Applied, Effective, Policies, families_of
from app.posture.automated import Automated

API_LEVEL = "API"
AUTOMATED = "automated"


class Running(NamedTuple):
    """One policy that runs, and where it comes from."""

    policy: Applied
    source: str


def effective_of(policies: Policies | None, automated: tuple[Automated, ...] | None) -> Effective:
    """Return what runs; an automated policy takes the place of the API's own of its type."""
    if policies is not None and automated == ():
        return policies.effective
    own = policies.enabled if policies else ()
    is_whole = policies is not None and automated is not None
    if not automated:
        return Effective(own, (), families_of(own), is_whole)
    running = tuple([each.policy for each in automated if not each.policy.is_off])
    taken = {policy.identity for policy in running}
    own = tuple([policy for policy in own if policy.identity not in taken])
    return Effective(own, running, families_of((*own, *running)), is_whole)


def running(effective: Effective) -> list[Running]:
    """Return what runs in its order, with where it comes from."""
    return in_running_order(
        [Running(policy, AUTOMATED) for policy in effective.automated]
        + [Running(policy, API_LEVEL) for policy in effective.own]
    )


def in_running_order(running: Iterable[Running]) -> list[Running]:
    """Return policies as they run: CORS first, automated before API-level, each by order.

    Those of the way to the upstream come after all others.
    """
    return sorted(
        running,
        key=lambda r: (
            not r.policy.is_cors,
            r.policy.is_outbound,
            r.source == API_LEVEL,
            r.policy.order is None,
            r.policy.order or 0,
            r.policy.asset_id,
            r.policy.label,
        ),
    )
