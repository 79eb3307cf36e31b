"""The cells of a row: what each environment holds of an API, in numbers."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from app.posture.families import Family
from app.posture.frame import Frame
from app.posture.lanes import LinedUp
from app.posture.last_known import last_known, summary
from app.posture.model import ApiReading, Cell, CellState, Finding, Kind, Severity
from app.posture.sides import Side

_FAMILIES = {family: rank for rank, family in enumerate(Family)}
_NOT_DEPLOYED = Cell(CellState.NOT_DEPLOYED)


def cells_of(
    frame: Frame, api: ApiReading, lined: LinedUp, findings: Iterable[Finding]
) -> dict[str, Cell]:
    """Return a cell per environment, in the connection's order."""
    marked = frozenset(e for finding in findings if _marks(finding) for e in finding.outliers)
    held: dict[str, list[Side]] = {}
    for lane in lined.lanes:  # the main lane is the first: its numbers stand in the cell
        for side in lane.sides:
            held.setdefault(side.environment_id, []).append(side)
    cells = {e: _cell(frame, e, held.get(e, []), marked) for e in frame.environments}
    for environment_id, cell in cells.items():
        if cell.state is CellState.UNREADABLE:
            cells[environment_id] = replace(cell, last_known=last_known(api, environment_id))
    return cells


def _marks(finding: Finding) -> bool:
    is_open = finding.accepted is None and finding.severity is not Severity.INFO
    return is_open and finding.kind is not Kind.POSTURE


def _cell(frame: Frame, environment: str, sides: list[Side], marked: frozenset[str]) -> Cell:
    reason = frame.not_listed.get(environment)
    if reason is not None:
        return Cell(CellState.UNREADABLE, reason=reason)
    if not sides:
        return _NOT_DEPLOYED
    main = sides[0]
    policies, tiers, contracts = main.policies, main.tiers, main.contracts
    if len(sides) > 1 or policies is None or tiers is None or contracts is None:
        reason = next((r for side in sides for r in _reasons(side)), None)
    return Cell(
        CellState.DEPLOYED if reason is None else CellState.UNREADABLE,
        len(policies.applied) if policies else None,
        len(policies.applied) - len(policies.enabled) if policies else 0,
        len(main.automated) if main.automated else 0,
        tiers.names if tiers else None,
        contracts.approved if contracts else None,
        _chips(main.effective.families),
        environment in marked,
        reason,
        tuple([summary(side.reading) for side in sides]),
    )


def _reasons(side: Side) -> Iterable[str]:
    reading = side.reading
    reasons = (reading.policies.not_read, reading.tiers.not_read, side.contracts_not_read)
    return [reason for reason in reasons if reason is not None]


@lru_cache(maxsize=1024)
def _chips(found: frozenset[Family]) -> tuple[str, ...]:
    """Return families in the order of the chips."""
    return tuple(sorted(found, key=_FAMILIES.__getitem__))
