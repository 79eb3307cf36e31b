"""A difference weighed: which rule speaks, how much it matters, in which direction."""

from typing import NamedTuple

from app.posture.applied import Effective
from app.posture.frame import Frame
from app.posture.lanes import Lane
from app.posture.model import Direction, Severity

CRITICAL, HIGH, MEDIUM, LOW, INFO = Severity
SEVERITIES = {severity: rank for rank, severity in enumerate(Severity)}
"""Rank of each severity, worst first."""

API2, API4, API5 = "API2:2023", "API4:2023", "API5:2023"
API8, API9 = "API8:2023", "API9:2023"


class Judgement(NamedTuple):
    """What a rule says of a difference."""

    rule: str
    severity: Severity
    direction: Direction
    owasp: str
    sentence: str
    path: str | None = None
    paths: tuple[str, ...] = ()


class Ground(NamedTuple):
    """What rules may look at besides the difference: the lane and what runs on each side."""

    frame: Frame
    lane: Lane
    effective: dict[str, Effective]
