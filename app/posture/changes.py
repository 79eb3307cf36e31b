"""Which fields of one policy's configurations differ, and which cannot be told."""

from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from app.posture.applied import Applied
from app.posture.building import Normal, has_default
from app.posture.canonical import mark
from app.posture.differences import Change
from app.posture.fields import Field
from app.posture.model import Json
from app.posture.normalisation import Configuration
from app.posture.secrets import is_masked

K = TypeVar("K")

ABSENT = "absent"
NULL = "null"
Technology = tuple[str, bool | None]
"""A policy's major version, and whether the gateway is Flex: what decides which fields there are."""

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
    schemas = {e: (_major(policy), flex[e]) for e, policy in members.items()}
    return _compared(normal, configurations, schemas, watched)


def _compared(
    normal: Mapping[str, Normal],
    configurations: Mapping[str, Configuration],
    schemas: Mapping[str, Technology],
    watched: frozenset[str],
) -> Compared:
    hidden = _hidden(normal)
    views = _views(normal)
    is_other_schema = len(set(schemas.values())) > 1
    changes: list[Change] = []
    incomparable: list[str] = []
    for path in sorted({path for view in views.values() for path in view}):
        if not _differs(path, views) and (path not in watched or len(views) < 2):
            continue
        if _is_hidden(path, views, hidden):
            hidden = _with_hidden(hidden, path, views)
            continue
        voters = _voters(path, views, normal)
        if is_other_schema:
            known = _knowing(path, voters, configurations, schemas)
            if len(known) < len(voters):
                incomparable.append(path)
            voters = known
        if len(voters) > 1 and (path in watched or _differs(path, voters)):
            votes = {e: _vote(path, view) for e, view in voters.items()}
            sent = {e: normal[e].spelled[path] for e in voters if path in normal[e].spelled}
            spelled = spelled_alike(votes, sent) if sent else sent
            changes.append(Change(path, _field(configurations, path), votes, spelled))
    return Compared(tuple(changes), hidden, tuple(incomparable))


def spelled_alike(values: Mapping[K, Json], spelled: Mapping[K, Json]) -> dict[K, Json]:
    """Return how values are spelled, equal ones alike, so that they are seen to be equal."""
    first: dict[Hashable, Json] = {}
    for place, value in values.items():
        if place in spelled:
            first.setdefault(mark(value), spelled[place])
    return {place: first[mark(v)] for place, v in values.items() if mark(v) in first}


def _unlike(distinct: set[Configuration]) -> frozenset[str] | None:
    """Return the names of fields that can differ at all, or None where all must be looked at."""
    first, *others = distinct
    if any(c.has_remarks or c.schema is None or c.is_flex != first.is_flex for c in distinct):
        return None
    return frozenset[str]().union(*(first.unlike(other) for other in others))


def _hidden(configurations: Mapping[str, Normal]) -> dict[str, tuple[str, ...]]:
    paths = sorted({path for c in configurations.values() for path in c.masked})
    return {path: tuple(e for e, c in configurations.items() if path in c.masked) for path in paths}


def _views(configurations: Mapping[str, Normal]) -> dict[str, Mapping[str, Json]]:
    """Return each configuration by path.

    A list without order that has one item wherever it counts is compared inside that item.
    """
    single = frozenset(
        path
        for path in {path for c in configurations.values() for path in c.bags}
        if all(
            len(c.bags.get(path, ())) == 1 or base(path) in c.uncounted
            for c in configurations.values()
        )
    )
    return {environment: _view(each, single) for environment, each in configurations.items()}


def _view(configuration: Normal, single: frozenset[str]) -> Mapping[str, Json]:
    if not single:
        return configuration.fields
    view = {path: value for path, value in configuration.fields.items() if path not in single}
    for path in single & configuration.bags.keys():
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


def _voters(
    path: str, views: Mapping[str, Mapping[str, Json]], normal: Mapping[str, Normal]
) -> Mapping[str, Mapping[str, Json]]:
    """Return the sides on which the field has an effect: the others say nothing about it."""
    name = base(path)
    return {e: view for e, view in views.items() if name not in normal[e].uncounted}


def _major(policy: Applied) -> str:
    return (policy.version or "").partition(".")[0]


def _knowing(
    path: str,
    views: Mapping[str, Mapping[str, Json]],
    configurations: Mapping[str, Configuration],
    schemas: Mapping[str, Technology],
) -> Mapping[str, Mapping[str, Json]]:
    """Return the sides whose version and gateway have the field, or where its absence has a meaning.

    What none of a kind holds may have another name there, and says nothing.
    """
    name = base(path)
    known = {
        schemas[e]
        for e, view in views.items()
        if path in view or _holds(name, view) or _is_known(path, configurations[e], schemas[e][1])
    }
    return {e: view for e, view in views.items() if schemas[e] in known}


def _vote(path: str, view: Mapping[str, Json]) -> Json:
    """Return a side's value, None where it has none; a null that counts as a value is said so."""
    return NULL if path in view and view[path] is None else view.get(path)


def _holds(name: str, view: Mapping[str, Json]) -> bool:
    return any(base(path) == name for path in view)


def _is_known(path: str, configuration: Configuration, flex: bool | None) -> bool:
    known = configuration.field_at(path)
    return known is not None and has_default(known, is_flex=flex is True)


def _field(configurations: Mapping[str, Configuration], path: str) -> Field | None:
    return next(iter(configurations.values())).field_at(path)
