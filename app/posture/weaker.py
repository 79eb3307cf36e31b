"""Which of two values of a field protects less. Each answers: is `a` weaker than `b`?"""

from collections.abc import Callable

from app.posture.model import Json
from app.posture.networks import covers

Weaker = Callable[[Json, Json], bool]

NO_LIMIT = -1


def cannot_tell(_a: Json, _b: Json) -> bool:
    """Return False: neither value is known to protect less."""
    return False


def either(*rules: Weaker) -> Weaker:
    """Return the rule that any of the rules makes."""
    return lambda a, b: any(rule(a, b) for rule in rules)


def has(mark: Callable[[Json], bool]) -> Weaker:
    """Return the rule that the value with this mark is weaker than one without."""
    return lambda a, b: mark(a) and not mark(b)


def larger(a: Json, b: Json) -> bool:
    """Whether `a` is the larger whole number."""
    return _is_number(a) and _is_number(b) and bool(a > b)


def smaller(a: Json, b: Json) -> bool:
    """Whether `a` is the smaller whole number."""
    return larger(b, a)


def larger_or_unlimited(a: Json, b: Json) -> bool:
    """Whether `a` allows more, -1 being no limit at all."""
    if not (_is_number(a) and _is_number(b)) or a == b:
        return False
    return bool(a == NO_LIMIT or (b != NO_LIMIT and a > b))


def superset(a: Json, b: Json) -> bool:
    """Whether the set `a` holds all of `b` and more."""
    return _texts(a) > _texts(b)


def superset_of_some(a: Json, b: Json) -> bool:
    """Whether the set `a` holds all of `b` and more; an empty `b` asks for nothing itself."""
    return b is not None and superset(a, b)


def wider_networks(a: Json, b: Json) -> bool:
    """Whether the networks of `a` cover those of `b` and more."""
    return covers(a, b) and not covers(b, a)


def narrower_networks(a: Json, b: Json) -> bool:
    """Whether the networks of `a` are covered by those of `b`, which has more."""
    return wider_networks(b, a)


def _list(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Json) -> set[str]:
    return {str(item) for item in _list(value)}


def _is_number(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_true(value: Json) -> bool:
    """Whether the switch is on."""
    return value is True


def is_not_true(value: Json) -> bool:
    """Whether the switch is off or not set."""
    return value is not True


def is_nothing(value: Json) -> bool:
    """Whether the value is empty."""
    return value is None


def is_unsigned(value: Json) -> bool:
    """Whether a signing method lets unsigned tokens in."""
    return value is None or value == "none"


def has_plain_http(value: Json) -> bool:
    """Whether a URL, or one of several, is not encrypted."""
    return any(isinstance(item, str) and item.startswith("http://") for item in _list(value))


def reads_query(value: Json) -> bool:
    """Whether an expression reads credentials from the address."""
    return isinstance(value, str) and "queryparams" in value.casefold()


def reads_forwarded_for(value: Json) -> bool:
    """Whether an expression trusts a header that any caller may send."""
    return isinstance(value, str) and "x-forwarded-for" in value.casefold()


def is_or(value: Json) -> bool:
    """Whether one of several scopes is enough."""
    return bool(value == "or")


def has_wildcard(value: Json) -> bool:
    """Whether a set holds everything."""
    return "*" in _list(value)


TRUE = has(is_true)
FALSE = has(is_not_true)
