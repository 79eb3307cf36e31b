"""What is the same for all APIs of a scope, derived once: order, names, reference, tokens."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from app.posture.automated import Automated, automated_policies
from app.posture.model import (
    Environment,
    EnvironmentReading,
    ExpectedDifference,
    Scope,
)

_TOKEN_ROWS = tuple(
    frozenset(row.split())
    for row in (
        "development develop dev",
        "testing test tst",
        "staging stage stg",
        "production prod prd live",
        "sandbox sbx",
        "preprod pp",
        "uat",
        "qa",
        "dr",
    )
)
_SEPARATORS = re.compile(r"[\W_]+")
_FRAMES_KEPT = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """A scope, made ready. `reference` is production, or the baseline where nothing is."""

    scope: Scope
    environments: Mapping[str, Environment]  # in the connection's order
    not_listed: Mapping[str, str]  # environment id -> reason
    baseline: str | None
    reference: frozenset[str]
    speaking_order: tuple[str, ...]  # the baseline first, as sentences and columns go
    tokens: Mapping[str, tuple[str, ...]]  # the longest first, so that none eats another
    automated: Mapping[str, tuple[Automated, ...] | None]  # None: not read
    expected: Mapping[str, tuple[ExpectedDifference, ...]]  # by asset id
    listed: tuple[str, ...]
    has_automated: bool  # some environment has automated policies
    is_whole: bool  # every list and every automated policy was read
    asked: frozenset[str]  # whose instances posture rules look at

    def name(self, environment_id: str) -> str:
        """Return the name of an environment, fit for a sentence."""
        return self.environments[environment_id].name


_frames: list[Frame] = []


def frame_of(scope: Scope) -> Frame:
    """Return the frame of a scope; of the last few scopes it is derived once."""
    for known in _frames:
        if known.scope is scope:
            return known
    made = _frame(scope)
    _frames.insert(0, made)
    del _frames[_FRAMES_KEPT:]
    return made


def _frame(scope: Scope) -> Frame:
    environments = {reading.environment.id: reading.environment for reading in scope.environments}
    production = [e.id for e in environments.values() if e.is_production]
    baseline = _baseline(scope, environments, production)
    return Frame(
        scope=scope,
        environments=environments,
        not_listed=_not_listed(scope.environments),
        baseline=baseline,
        reference=frozenset(production or [baseline] if baseline else production),
        speaking_order=tuple(sorted(environments, key=lambda each: each != baseline)),
        tokens={e.id: _tokens(e.name) for e in environments.values()},
        automated={r.environment.id: automated_policies(r.automated) for r in scope.environments},
        expected=_by_asset(scope.expected_differences),
        listed=tuple(r.environment.id for r in scope.environments if r.not_listed is None),
        has_automated=any(
            r.automated.was_read and r.automated.content() for r in scope.environments
        ),
        is_whole=all(r.not_listed is None and r.automated.was_read for r in scope.environments),
        asked=frozenset(production or environments),
    )


def _baseline(
    scope: Scope, environments: Mapping[str, Environment], production: list[str]
) -> str | None:
    """Return the baseline; without a usable one the first production one, else the first."""
    if scope.baseline_environment_id in environments:
        return scope.baseline_environment_id
    return next(iter([*production, *environments]), None)


def _not_listed(readings: tuple[EnvironmentReading, ...]) -> dict[str, str]:
    return {r.environment.id: r.not_listed for r in readings if r.not_listed is not None}


def _by_asset(
    expected: tuple[ExpectedDifference, ...],
) -> dict[str, tuple[ExpectedDifference, ...]]:
    assets = sorted({each.asset_id for each in expected})
    return {asset: tuple(e for e in expected if e.asset_id == asset) for asset in assets}


def pieces(text: str) -> tuple[str, ...]:
    """Return the words of a label or name, composed and casefolded."""
    composed = unicodedata.normalize("NFC", text).casefold()
    return tuple(piece for piece in _SEPARATORS.split(composed) if piece)


def _tokens(name: str) -> tuple[str, ...]:
    """Return the slug of an environment's name and every short form of its words."""
    parts = pieces(name)
    rows = (row for row in _TOKEN_ROWS if row.intersection(parts))
    found = {"-".join(parts)}.union(*rows) - {""}
    return tuple(sorted(found, key=lambda token: (-len(token), token)))
