"""Drift rules about single settings of a policy; a finding takes the worst of them."""

from collections.abc import Callable, Iterator, Mapping

from app.posture import phrases, words
from app.posture.differences import Change, Difference
from app.posture.direction import (
    ELSEWHERE,
    IN_PRODUCTION,
    NEUTRAL,
    direction_of,
    pairs_anywhere,
    weaker_pairs,
)
from app.posture.fields import FieldClass
from app.posture.forms import url_host
from app.posture.judgement import (
    API2,
    API4,
    API8,
    CRITICAL,
    HIGH,
    INFO,
    LOW,
    MEDIUM,
    SEVERITIES,
    Ground,
    Judgement,
)
from app.posture.limits import TENFOLD, Limits, allows_more, largest_ratio, limits_of
from app.posture.logged import writes_contents
from app.posture.model import Direction, Json, Severity
from app.posture.networks import only_in
from app.posture.weaker import NO_LIMIT, has_wildcard, narrower_networks

TEST_WORDS = frozenset(
    ["test", "dev", "sandbox", "stg", "staging", "uat", "qa", "nonprod", "preprod", "localhost"]
)
UNEXPECTED = " (not an expected value)"
_MOST_NETWORKS = 3

Weighed = tuple[str, Severity, Direction, str]


def judge_configuration(ground: Ground, difference: Difference, *, prefix: str = "") -> Judgement:
    """Return the judgement of the worst changed field: by severity, then rule, then path."""
    weighed = sorted(
        _weights(ground, difference),
        key=lambda each: (SEVERITIES[each[0][1]], each[0][0], each[1].path),
    )
    (rule, severity, direction, owasp), worst = weighed[0]
    sentence = prefix + tell(ground, difference, worst, rule)
    more = len(weighed) - 1
    if more:
        sentence += f" and {words.count(more, 'more setting')}"
    if any(change.is_unexpected for change in difference.changes):
        sentence = words.cut(sentence, phrases.LONGEST_SENTENCE - len(UNEXPECTED)) + UNEXPECTED
    paths = tuple(change.path for _, change in weighed)
    text = phrases.sentence(sentence)
    return Judgement(rule, severity, direction, owasp, text, worst.path, paths)


def _weights(ground: Ground, difference: Difference) -> Iterator[tuple[Weighed, Change]]:
    """Yield each change with its weight; windows are weighed once, since all of them are looked at."""
    of_windows: Weighed | None = None
    for change in difference.changes:
        if _is_window(change):
            of_windows = of_windows or weigh(ground, difference, change)
            yield of_windows, change
        else:
            yield weigh(ground, difference, change), change


def _is_window(change: Change) -> bool:
    is_limit = change.field is not None and change.field.field_class is FieldClass.LIMIT
    return is_limit and not change.is_secret and _is_rate(change.path)


def weigh(ground: Ground, difference: Difference, change: Change) -> Weighed:
    """Return rule, severity, direction and OWASP id of one changed field."""
    if change.is_secret:
        return "D18", INFO, NEUTRAL, API8
    if change.field is None:
        return "D25", LOW, NEUTRAL, API8
    return _WEIGHTS.get(change.field.field_class, _weigh_others)(ground, difference, change)


def _direction(ground: Ground, change: Change) -> Direction:
    known = change.field
    weaker = _fewer_keys if known and "[" in change.path and known.entry else None
    return direction_of(
        ground.frame, change.votes, weaker or (known.weaker if known else _fewer_keys)
    )


def _fewer_keys(a: Json, b: Json) -> bool:
    """Whether an entry is lacking that the other side has."""
    return a is None and b is not None


def _weigh_trust(ground: Ground, _difference: Difference, change: Change) -> Weighed:
    """D04: whom the API trusts. A value that is expected to differ is to be checked.

    Once it is known which value it should have, any other one is a threat.
    """
    if _trusts_a_test_host(ground, change):
        return "D04", CRITICAL, IN_PRODUCTION, API2
    severity = MEDIUM if is_expected(change) and not change.is_unexpected else HIGH
    return "D04", severity, _direction(ground, change), API2


def is_expected(change: Change) -> bool:
    """Whether the field usually has another value in each environment."""
    is_issuer = change.path.endswith("CustomClaims[iss]")
    return is_issuer or (change.field is not None and change.field.is_expected)


def _trusts_a_test_host(ground: Ground, change: Change) -> bool:
    """Whether production names a test host and some other environment names none."""
    tested = {e: _has_test_host(value) for e, value in change.votes.items()}
    return any(tested[e] for e in tested if e in ground.frame.reference) and not all(
        tested.values()
    )


def _has_test_host(value: Json) -> bool:
    urls = value if isinstance(value, list) else [value]
    hosts = (url_host(each).lower() for each in urls if isinstance(each, str))
    return any(
        TEST_WORDS.intersection(label.split("-")) for host in hosts for label in host.split(".")
    )


def _weigh_network(ground: Ground, _difference: Difference, change: Change) -> Weighed:
    """D05: who may reach the API."""
    direction = _direction(ground, change)
    return "D05", {IN_PRODUCTION: HIGH, ELSEWHERE: LOW, NEUTRAL: MEDIUM}[direction], direction, API8


def _weigh_limit(ground: Ground, difference: Difference, change: Change) -> Weighed:
    """D06: how much traffic passes; ten times as much weighs one step more."""
    if not _is_rate(change.path):
        direction = _direction(ground, change)
        return "D06", MEDIUM if direction is IN_PRODUCTION else LOW, direction, API4
    limits = limits_by_environment(difference)
    direction = direction_of(ground.frame, limits, allows_more)
    if direction is IN_PRODUCTION:
        is_much = _is_tenfold(limits, weaker_pairs(ground.frame, limits, allows_more))
        return "D06", HIGH if is_much else MEDIUM, direction, API4
    is_much = _is_tenfold(limits, pairs_anywhere(limits, allows_more))
    return "D06", MEDIUM if is_much and direction is ELSEWHERE else LOW, direction, API4


def limits_by_environment(difference: Difference) -> dict[str, Limits]:
    """Return each side's whole limits, since one window alone tells no strength."""
    return {e: limits_of(p.configuration.fields) for e, p in difference.members.items()}


def _is_tenfold(limits: Mapping[str, Limits], pairs: list[tuple[str, str]]) -> bool:
    ratio = largest_ratio((limits[a], limits[b]) for a, b in pairs)
    return ratio is not None and ratio.is_at_least(TENFOLD)


def _weigh_logging(ground: Ground, _difference: Difference, change: Change) -> Weighed:
    """D14: what is written to the log."""
    writes = {e: _writes(value) for e, value in change.votes.items()}
    direction = direction_of(ground.frame, writes, lambda a, b: a and not b)
    return "D14", HIGH if direction is IN_PRODUCTION else LOW, direction, API8


def _writes(value: Json) -> bool:
    items = value if isinstance(value, list) else [{"message": value}]
    return any(isinstance(item, dict) and writes_contents(item.get("message")) for item in items)


def _weigh_credentials(ground: Ground, _difference: Difference, change: Change) -> Weighed:
    """D15: how callers are identified."""
    direction = _direction(ground, change)
    return "D15", MEDIUM if direction is IN_PRODUCTION else LOW, direction, API2


def _weigh_openness(ground: Ground, _difference: Difference, change: Change) -> Weighed:
    """D24: CORS and payload limits; opening to everybody weighs more."""
    direction = _direction(ground, change)
    if direction is not IN_PRODUCTION:
        return "D24", LOW, direction, API8
    is_open = {e: _is_open(change.path, value) for e, value in change.votes.items()}
    is_new = any(is_open[e] for e in is_open if e in ground.frame.reference) and not all(
        is_open.values()
    )
    return "D24", HIGH if is_new else MEDIUM, direction, API8


def _is_open(path: str, value: Json) -> bool:
    """Whether a value lets everything through: any origin, a public resource, no limit."""
    is_public = path == "publicResource" and value is True
    is_unlimited = isinstance(value, int) and value == NO_LIMIT
    return is_public or is_unlimited or has_wildcard(value)


def _weigh_others(_ground: Ground, _difference: Difference, _change: Change) -> Weighed:
    """D25: headers, operation and settings that the table does not know."""
    return "D25", LOW, NEUTRAL, API8


_WEIGHTS: dict[FieldClass, Callable[[Ground, Difference, Change], Weighed]] = {
    FieldClass.TRUST: _weigh_trust,
    FieldClass.NETWORK: _weigh_network,
    FieldClass.LIMIT: _weigh_limit,
    FieldClass.LOGGING: _weigh_logging,
    FieldClass.CREDENTIALS: _weigh_credentials,
    FieldClass.ORIGINS: _weigh_openness,
    FieldClass.PAYLOAD: _weigh_openness,
}


def tell(ground: Ground, difference: Difference, change: Change, rule: str) -> str:
    """Return the sentence of one changed field."""
    told = words.policy(difference.subject or "")
    setting = words.field(change.path)
    if rule == "D18":
        first, *others = phrases.shared(ground.frame, change.votes)
        where = words.listed([group.environments for group in others])
        return f"{told}: the secret {setting} is not the same in {first.environments} and {where}"
    if rule == "D05" and (networks := _networks_told(ground, change)):
        return f"{told}: {networks}"
    if rule == "D06" and _is_rate(change.path) and (rates := _rates_told(ground, difference)):
        return f"{told}: {rates}"
    values = phrases.sides(ground.frame, change.votes, words.value, change.told)
    return f"{told}: {setting} is {values}{_equal_numbers(difference, change)}"


def _networks_told(ground: Ground, change: Change) -> str:
    """Return which networks one group names beyond another, or nothing where none does."""
    verb = "block" if change.field and change.field.weaker is narrower_networks else "allow"
    groups = phrases.shared(ground.frame, change.votes)
    for group in groups:
        for other in groups:
            only = only_in(group.value, other.value)
            if only and isinstance(group.value, list):
                verb = f"{verb}s" if group.size == 1 else verb
                does = "does" if other.size == 1 else "do"
                told = words.listed([words.name(str(n)) for n in only[:_MOST_NETWORKS]])
                return f"{group.environments} {verb} {told} that {other.environments} {does} not"
    return ""


def _is_rate(path: str) -> bool:
    return path.startswith(("rateLimits", "maximumRequests", "timePeriod"))


def _rates_told(ground: Ground, difference: Difference) -> str:
    """Return who allows what, a unit that repeats said once; nothing where that is not known."""
    limits = limits_by_environment(difference)
    groups = phrases.shared(
        ground.frame, {e: [list(each) for each in own.items()] for e, own in limits.items()}
    )
    if len(groups) == 1:
        is_odd = None in next(iter(limits.values()))
        where = groups[0].environments
        return "" if is_odd else f"{where} allow the same, but a window stands there twice"
    told: list[str] = []
    windows: set[str] = set()
    for group in groups:
        own = dict(tuple(pair) for pair in group.value)
        text = words.rates(own)
        unit = ",".join(words.window(window) for window in own)
        if unit in windows and len(own) == 1:
            text = text.partition(" per ")[0]
        windows.add(unit)
        verb = "" if told else "allows " if group.size == 1 else "allow "
        told.append(f"{group.environments} {verb}{text}")
    return ", ".join(told)


def _equal_numbers(difference: Difference, change: Change) -> str:
    """Say that equal numbers are not equal limits where each node counts for itself."""
    if change.path != "clusterizable":
        return ""
    limits = list(limits_by_environment(difference).values())
    is_equal = limits[0] and all(own == limits[0] for own in limits)
    return "; off, each node counts for itself" if is_equal else ""
