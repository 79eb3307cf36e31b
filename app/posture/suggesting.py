"""A starter set: which settings are meant to differ, as far as what was seen says so safely."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from app.posture.canonical import canonical
from app.posture.comparison import compare
from app.posture.differences import Change
from app.posture.expected import fits
from app.posture.field_rules import is_expected
from app.posture.forms import url_host
from app.posture.frame import frame_of
from app.posture.lanes import lined_up
from app.posture.model import ApiReading, Json, Kind, Scope
from app.posture.secrets import shown
from app.posture.sides import Side

MOST_SEEN = 20
"""Values of one environment that a suggestion shows."""

Allowances = dict[str, dict[str, Json]]
Setting = tuple[str, str]
"""A policy's asset id and the path of a setting."""

Seen = Mapping[str, Sequence[tuple[Json, int]]]
"""By environment: each value, and how many times it is held there."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One setting with what each environment might hold; `settles` counts what would be gone."""

    asset_id: str
    path: str
    allowances: Allowances
    seen: Mapping[str, Sequence[Json]]
    apis: int
    settles: int


@dataclass(slots=True)
class Sightings:
    """Where settings that are expected to differ do so, gathered API by API."""

    changes: dict[Setting, list[Change]] = field(default_factory=dict)
    apis: dict[Setting, int] = field(default_factory=dict)
    held: dict[Setting, dict[str, Counter[str]]] = field(default_factory=dict)
    values: dict[str, Json] = field(default_factory=dict)

    def look(self, scope: Scope, api: ApiReading) -> None:
        """Add what differs in one API, but for what is expected of all APIs already."""
        frame = frame_of(scope)
        taken = {(e.asset_id, e.path) for e in scope.expected_differences if e.api_key is None}
        lined = lined_up(frame, api)
        for side in (side for lane in lined.lanes for side in lane.sides):
            self._hold(side)
        differences, _ = compare(frame, api, lined)
        found: dict[Setting, list[Change]] = {}
        for difference in differences:
            if difference.kind is not Kind.POLICY_CONFIG:
                continue
            asset_id = next(iter(difference.members.values())).asset_id
            for change in filter(_is_offered, difference.changes):
                found.setdefault((asset_id, change.path), []).append(change)
        for setting in found.keys() - taken:
            self.changes.setdefault(setting, []).extend(found[setting])
            self.apis[setting] = self.apis.get(setting, 0) + 1

    def _hold(self, side: Side) -> None:
        """Add what an instance holds, the same as elsewhere or not: no offer may overlook it."""
        for policy in side.policies.applied if side.policies else ():
            for path, value in policy.configuration.fields.items():
                known = policy.configuration.field_at(path)
                environment = side.environment_id
                if _is_offered(Change(path, known, {environment: value})):
                    text = canonical(value)
                    places = self.held.setdefault((policy.asset_id, path), {})
                    places.setdefault(environment, Counter())[text] += 1
                    self.values[text] = value

    def suggestions(self, scope: Scope) -> tuple[Suggestion, ...]:
        """Return what can be offered safely, what settles most first."""
        reference = frame_of(scope).reference
        made = (
            _suggestion(setting, changes, self._seen(setting), self.apis[setting], reference)
            for setting, changes in self.changes.items()
        )
        return tuple(
            sorted(
                (each for each in made if each is not None),
                key=lambda each: (-each.settles, each.asset_id, each.path),
            )
        )

    def _seen(self, setting: Setting) -> Seen:
        return {
            environment: [(self.values[text], times) for text, times in sorted(held.items())]
            for environment, held in self.held.get(setting, {}).items()
        }


def _is_offered(change: Change) -> bool:
    """Whether a setting usually differs and can be spoken of: no secret is in it."""
    return is_expected(change) and all(
        canonical(shown(value)) == canonical(value) for value in change.votes.values()
    )


def _suggestion(
    setting: Setting,
    changes: Sequence[Change],
    seen: Seen,
    apis: int,
    reference: AbstractSet[str],
) -> Suggestion | None:
    for rule in (_of_hosts, _of_values):
        allowances = rule(seen, reference)
        settles = sum(_settles(change, allowances) for change in changes) if allowances else 0
        if settles:
            few = {e: [value for value, _ in held[:MOST_SEEN]] for e, held in seen.items()}
            return Suggestion(*setting, allowances, few, apis, settles)
    return None


def _settles(change: Change, allowances: Allowances) -> bool:
    return all(fits(change.field, value, allowances.get(e)) for e, value in change.votes.items())


def _of_hosts(seen: Seen, reference: AbstractSet[str]) -> Allowances:
    """Allow each environment its usual host; nothing where one has none of its own."""
    own = _own(seen, reference, _origins)
    return {e: {"matches": f"{origin}/*"} for e, origin in own.items()}


def _of_values(seen: Seen, reference: AbstractSet[str]) -> Allowances:
    """Allow each environment its usual value; nothing where production shares a host with others."""
    if _of_several(seen, reference):
        return {}
    values = {canonical(value): value for held in seen.values() for value, _ in held}
    own = _own(seen, reference, lambda value: {canonical(value)})
    return {e: {"equals": values[text]} for e, text in own.items()}


def _of_several(seen: Seen, reference: AbstractSet[str]) -> bool:
    """Whether a host of production was seen elsewhere too."""
    inside, outside = set[str](), set[str]()
    for environment, held in seen.items():
        for value, _ in held:
            (inside if environment in reference else outside).update(_origins(value))
    return not inside.isdisjoint(outside)


def _own(
    seen: Seen, reference: AbstractSet[str], marks_of: Callable[[Json], AbstractSet[str]]
) -> dict[str, str]:
    """Return the usual mark of each environment: production's was seen nowhere else.

    What of another environment's stands in production went wrong there and does not count; what is
    unusual stays to be looked at. Nothing at all where an environment has no usual mark.
    """
    counted = {e: _counted(held, marks_of) for e, held in seen.items()}
    elsewhere = set[str]().union(*(marks for e, marks in counted.items() if e not in reference))
    own: dict[str, str] = {}
    for environment, marks in counted.items():
        inside = environment in reference
        usual = _usual({m: n for m, n in marks.items() if not inside or m not in elsewhere})
        if usual is None:
            return {}
        own[environment] = usual
    return own


def _counted(
    held: Sequence[tuple[Json, int]], marks_of: Callable[[Json], AbstractSet[str]]
) -> Counter[str]:
    marks = Counter[str]()
    for value, times in held:
        marks.update(dict.fromkeys(marks_of(value), times))
    return marks


def _usual(marks: Mapping[str, int]) -> str | None:
    """Return the mark that is held more often than all others together, or None."""
    most = max(marks, key=lambda mark: (marks[mark], mark), default=None)
    return most if most is not None and 2 * marks[most] > sum(marks.values()) else None


def _origins(value: Json) -> set[str]:
    """Return scheme and host of every URL of a value; what is none has none."""
    members = value if isinstance(value, list) else [value]
    return {origin for each in members if isinstance(each, str) and (origin := _origin(each))}


def _origin(text: str) -> str:
    if not url_host(text) or not text.isprintable():
        return ""
    scheme, _, rest = text.partition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    # What means something in a pattern or names a person is no plain host.
    return "" if set(host) & set("*?[]@") else f"{scheme}://{host}"
