"""Which fields of one policy's configurations differ, and which cannot be told."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.posture.applied import Applied
from app.posture.building import Normal, has_default
from app.posture.canonical import mark
from app.posture.differences import Change
from app.posture.fields import Field
from app.posture.model import Json
from app.posture.normalisation import Configuration
from app.posture.secrets import is_masked

ABSENT = "absent"
_FIELDS_OF_ONE_ITEM = "[0]."


class Compared(NamedTuple):
    """What comparing the configurations of one policy brought to light."""

    changes: tuple[Change, ...]
    hidden: Mapping[str, tuple[str, ...]]  # path -> environments where it is masked
    incomparable: tuple[str, ...]  # paths that only one schema has


NOTHING = Compared((), {}, ())


def compared(
    members: Mapping[str, Applied],
    flex: Mapping[str, bool | None],
    watched: frozenset[str] = frozenset(),
) -> Compared:
    """Compare one policy's configurations; `flex` says whose gateway is Flex, None for Mule 3.

    A path that is `watched` is brought along where it is the same on all sides, too.
    """
    configurations = {e: policy.configuration for e, policy in members.items()}
    distinct = set(configurations.values())
    unlike = None
    if not watched or len(members) < 2:
        if len(distinct) == 1 and not any(c.has_remarks for c in distinct):
            return NOTHING
        unlike = _unlike(distinct)
        if unlike is not None and not unlike:
            return NOTHING
    understood = {c: c.only(unlike) if unlike else c.normal for c in distinct}
    normal = {e: understood[c] for e, c in configurations.items()}
    hidden = _hidden(normal)
    views = _views(normal)
    is_other_schema = _is_other_schema(members, flex)
    changes: list[Change] = []
    incomparable: list[str] = []
    for path in sorted({path for view in views.values() for path in view}):
        if not _differs(path, views) and (path not in watched or len(views) < 2):
            continue
        if _is_hidden(path, views, hidden):
            hidden = _with_hidden(hidden, path, views)
        elif is_other_schema and not _is_shared(path, views, configurations, flex):
            incomparable.append(path)
        else:
            votes = {e: view.get(path) for e, view in views.items()}
            changes.append(Change(path, _field(configurations, path), votes))
    return Compared(tuple(changes), hidden, tuple(incomparable))


def _unlike(distinct: set[Configuration]) -> frozenset[str] | None:
    """Return the names of fields that can differ at all, or None where all must be looked at."""
    first, *others = distinct
    if any(c.has_remarks or c.schema is None or c.is_flex != first.is_flex for c in distinct):
        return None
    return frozenset[str]().union(*(first.unlike(other) for other in others))


def _hidden(configurations: Mapping[str, Normal]) -> dict[str, tuple[str, ...]]:
    paths = sorted({path for c in configurations.values() for path in c.masked})
    return {path: tuple(e for e, c in configurations.items() if path in c.masked) for path in paths}


def _views(configurations: Mapping[str, Normal]) -> dict[str, dict[str, Json]]:
    """Return each configuration by path, without fields that have no effect on some side.

    A list without order that has one item everywhere is compared inside that item.
    """
    uncounted = frozenset(name for c in configurations.values() for name in c.uncounted)
    single = frozenset(
        path
        for path in {path for c in configurations.values() for path in c.bags}
        if all(len(c.bags.get(path, ())) == 1 for c in configurations.values())
    )
    return {
        environment: _view(configuration, uncounted, single)
        for environment, configuration in configurations.items()
    }


def _view(
    configuration: Normal, uncounted: frozenset[str], single: frozenset[str]
) -> dict[str, Json]:
    view = {
        path: value
        for path, value in configuration.fields.items()
        if path not in single and base(path) not in uncounted
    }
    for path in single:
        for inner, value in configuration.bags[path][0].items():
            view[f"{path}{_FIELDS_OF_ONE_ITEM}{inner}" if inner else f"{path}[0]"] = value
    return view


def base(path: str) -> str:
    """Return the name of the field that a path begins with."""
    return path.partition("[")[0].partition(".")[0]


def _differs(path: str, views: Mapping[str, Mapping[str, Json]]) -> bool:
    return len({mark(view[path]) if path in view else ABSENT for view in views.values()}) > 1


def _is_hidden(path: str, views: Mapping[str, Mapping[str, Json]], hidden: Iterable[str]) -> bool:
    return path in hidden or any(_holds_mask(view.get(path)) for view in views.values())


def _holds_mask(value: Json) -> bool:
    if isinstance(value, list):
        return any(_holds_mask(item) for item in value)
    if isinstance(value, dict) and not is_masked(value):
        return any(_holds_mask(item) for item in value.values())
    return is_masked(value)


def _with_hidden(
    hidden: Mapping[str, tuple[str, ...]], path: str, views: Mapping[str, Mapping[str, Json]]
) -> dict[str, tuple[str, ...]]:
    where = tuple(e for e, view in views.items() if _holds_mask(view.get(path)))
    return {**hidden, path: hidden.get(path, where)}


def _is_other_schema(members: Mapping[str, Applied], flex: Mapping[str, bool | None]) -> bool:
    majors = {(policy.version or "").partition(".")[0] for policy in members.values()}
    return len(majors) > 1 or len({flex[environment] for environment in members}) > 1


def _is_shared(
    path: str,
    views: Mapping[str, Mapping[str, Json]],
    configurations: Mapping[str, Configuration],
    flex: Mapping[str, bool | None],
) -> bool:
    """Whether every side holds the field, or it is known what its absence means."""
    return all(
        path in view or _holds(base(path), view) or _is_known(path, configurations[e], flex[e])
        for e, view in views.items()
    )


def _holds(name: str, view: Mapping[str, Json]) -> bool:
    return any(base(path) == name for path in view)


def _is_known(path: str, configuration: Configuration, flex: bool | None) -> bool:
    known = configuration.field_at(path)
    return known is not None and has_default(known, is_flex=flex is True)


def _field(configurations: Mapping[str, Configuration], path: str) -> Field | None:
    return next(iter(configurations.values())).field_at(path)
