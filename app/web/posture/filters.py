"""The state of the posture tab as it stands in an address: filters, sort order and page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from app.posture.model import Environment
from app.store.posture_rows import Filter, Sort
from app.web import words

SIZES = (25, 50, 100)
DEFAULT_SIZE = 50
MOST_PAGE_LINKS = 7

FIELDS = {
    "environment": "environments",
    "group": "groups",
    "verdict": "verdicts",
    "severity": "severities",
    "kind": "kinds",
}
"""Parameter of the address → field of the filter."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a filter."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Tag:
    """A filter in force, and the state without it."""

    label: str
    query: str


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page's number and its state; number 0 is a gap."""

    number: int
    query: str = ""
    is_current: bool = False


def encoded(wanted: Filter) -> str:
    """Return a state as a query string; what is as usual is left out, so that the usual is empty."""
    named = (("api_id", wanted.api_id), ("search", wanted.search))
    pairs = [(name, value) for name, value in named if value]
    for name, field in FIELDS.items():
        pairs += [(name, value) for value in getattr(wanted, field)]
    if wanted.sort != Sort.WORST:
        pairs.append(("sort", wanted.sort.value))
    if wanted.page > 1:
        pairs.append(("page", str(wanted.page)))
    if wanted.size != DEFAULT_SIZE:
        pairs.append(("size", str(wanted.size)))
    return urlencode(pairs)


def at_page(wanted: Filter, page: int) -> str:
    """Return the same state at another page."""
    return encoded(replace(wanted, page=page))


def only_verdict(wanted: Filter, verdict: str) -> str:
    """Return the state that a total leads to: this verdict alone, or none if it was in force."""
    verdicts = () if wanted.verdicts == (verdict,) else (verdict,)
    return encoded(replace(wanted, verdicts=verdicts, page=1))


def cleared(wanted: Filter) -> str:
    """Return the state without any filter; order and page size stay."""
    return encoded(Filter(sort=wanted.sort, size=wanted.size))


def options(
    wanted: Filter, environments: Iterable[Environment], groups: Iterable[tuple[str, str]]
) -> dict[str, list[Option]]:
    """Return the choices of every filter by its parameter."""
    labels = _labels(environments, groups)
    found = {
        name: [Option(value, label, value in getattr(wanted, field)) for value, label in choices]
        for (name, choices), field in zip(labels.items(), FIELDS.values(), strict=True)
    }
    found["group"].insert(0, Option("", words.TEXTS["all_groups"], not wanted.groups))
    return found


def tags(
    wanted: Filter, environments: Iterable[Environment], groups: Iterable[tuple[str, str]]
) -> list[Tag]:
    """Return every filter in force, in the order of the filter bar."""
    labels = {name: dict(pairs) for name, pairs in _labels(environments, groups).items()}
    found = []
    if wanted.search:
        without = replace(wanted, search="", page=1)
        found.append(Tag(f"“{wanted.search}”", encoded(without)))
    for name, field in FIELDS.items():
        values: tuple[str, ...] = getattr(wanted, field)
        for value in values:
            label = f"{words.TEXTS[name]}: {labels[name].get(value, value)}"
            found.append(Tag(label, encoded(_without(wanted, field, value))))
    return found


def _without(wanted: Filter, field: str, value: str) -> Filter:
    rest: dict[str, Any] = {field: tuple(v for v in getattr(wanted, field) if v != value)}
    return replace(wanted, page=1, **rest)


def _labels(
    environments: Iterable[Environment], groups: Iterable[tuple[str, str]]
) -> dict[str, list[tuple[str, str]]]:
    return {
        "environment": [(item.id, f"{item.name} ({item.type})") for item in environments],
        "group": list(groups),
        "verdict": list(words.VERDICTS.items()),
        "severity": [(word, word) for word in words.SEVERITIES],
        "kind": list(words.KINDS.items()),
    }


def pages(wanted: Filter, total: int) -> list[PageLink]:
    """Return links to the first, the last and the neighbouring pages; none where one page holds all."""
    last = page_count(total, wanted.size)
    if last < 2:
        return []
    numbers = _shown(wanted.page, last)
    links: list[PageLink] = []
    for before, number in zip((0, *numbers), numbers, strict=False):
        if number - before > 1:
            links.append(PageLink(0))
        links.append(PageLink(number, at_page(wanted, number), number == wanted.page))
    return links


def _shown(page: int, last: int) -> Sequence[int]:
    if last <= MOST_PAGE_LINKS:
        return range(1, last + 1)
    middle = min(max(page, 4), last - 3)
    shown = {1, last, middle - 1, middle, middle + 1}
    shown |= {2, 3} if page < 4 else set()
    shown |= {last - 1, last - 2} if page > last - 3 else set()
    return sorted(shown)


def page_count(total: int, size: int) -> int:
    """Return how many pages a result has; one for an empty one."""
    return max(1, -(-total // size))
