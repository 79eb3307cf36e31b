"""What a test of a connection says of scopes: which are missing, and where."""

from collections.abc import Iterable, Sequence

from app.anypoint.scopes import MISSING, MissingScope
from app.posture.words import listed


def missing_names(scopes: Iterable[MissingScope]) -> list[str]:
    """Return each missing scope once, as Anypoint names it; what was not checked is not missing."""
    return list(dict.fromkeys(item.scope for item in scopes if item.state == MISSING))


def places_told(scopes: Sequence[MissingScope]) -> str | None:
    """Say in which environments a scope is missing or was not checked; None where all are there."""
    places: dict[tuple[str, str], list[str]] = {}
    for item in scopes:
        found = places.setdefault((item.scope, item.state), [])
        if item.environment is not None:
            found.append(item.environment)
    return " ".join(_told(*scope, names) for scope, names in places.items()) or None


def _told(scope: str, state: str, environments: Sequence[str]) -> str:
    verb = "is missing" if state == MISSING else state
    where = f" in {listed(environments)}" if environments else ""
    return f"{scope} {verb}{where}."
