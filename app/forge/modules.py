"""The modules of the Forge app: which pages of ours each may open, and the right each page asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from app.caller import Right

PAGE = "page"
CONFIG = "config"
DRILLDOWN = "drilldown"


@dataclass(frozen=True, slots=True)
class Opening:
    """A page of ours and the right that is asked before its frame is opened."""

    path: str
    right: Right


def _macro(name: str) -> Mapping[str, Opening]:
    return {
        PAGE: Opening(f"/forge/macros/{name}", Right.VIEWER),
        CONFIG: Opening(f"/forge/macros/{name}/editor", Right.EDITOR),
    }


MODULES: Mapping[str, Mapping[str, Opening]] = {
    "plumbline-posture": {
        PAGE: Opening("/forge/pages/posture", Right.VIEWER),
        DRILLDOWN: Opening("/forge/pages/drilldown", Right.VIEWER),
    },
    "plumbline-settings": {PAGE: Opening("/forge/pages/settings", Right.ADMIN)},
    "plumbline-api": _macro("api"),
    "plumbline-overview": _macro("overview"),
    "plumbline-trend": _macro("trend"),
}


def opening(module_key: str, route: str) -> Opening | None:
    """Return what a route of a module opens, or None where the module has no such route."""
    return MODULES.get(module_key, {}).get(route)


def address(path: str, parameters: Mapping[str, str]) -> str:
    """Return a page's path with a macro's parameters behind it; half a surrogate pair becomes `?`."""
    query = urlencode(parameters, errors="replace")
    return f"{path}?{query}" if query else path
