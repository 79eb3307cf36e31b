"""What stands above the rows of the posture tab: totals, column heads, page sizes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.posture.model import Environment
from app.store.posture_rows import Filter, Sort, Summary
from app.store.syncs import Outcome, Sync
from app.web import words
from app.web.posture import filters as posture_filters

BAR = 1000


@dataclass(frozen=True, slots=True)
class Total:
    """One verdict over the whole space: its count, its share of the bar, where it leads."""

    verdict: str
    word: str
    count: int
    x: int
    width: int
    query: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Head:
    """A sortable column's head; `direction` is None where the table is not sorted by it."""

    key: str
    label: str
    query: str
    direction: str | None


@dataclass(frozen=True, slots=True)
class Column:
    """An environment as a column; `read_at` is given where it differs from the sync's."""

    name: str
    type: str
    is_baseline: bool
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Size:
    """A choice of how many rows a page has."""

    number: int
    query: str
    selected: bool


def totals(summary: Summary, wanted: Filter) -> list[Total]:
    """Return the five verdicts with their counts over the whole space."""
    found = []
    x = 0
    for verdict, word in words.VERDICTS.items():
        count = summary.verdicts[verdict]
        width = round(BAR * count / summary.total) if summary.total else 0
        query = posture_filters.only_verdict(wanted, verdict)
        found.append(Total(verdict, word, count, x, width, query, wanted.verdicts == (verdict,)))
        x += width
    return found


def heads(wanted: Filter) -> list[Head]:
    """Return the sortable heads; pressing the one in force turns it around."""
    return [
        _head("name", words.TEXTS["api"], wanted, (Sort.NAME, Sort.NAME_REVERSED)),
        _head("verdict", words.TEXTS["drift"], wanted, (Sort.BEST, Sort.WORST)),
        _head("changed", words.TEXTS["changed"], wanted, (Sort.CHANGED_REVERSED, Sort.CHANGED)),
    ]


def _head(key: str, label: str, wanted: Filter, orders: tuple[Sort, Sort]) -> Head:
    first = orders[0] if Sort.NAME in orders else orders[1]
    other = next(order for order in orders if order is not first)
    query = posture_filters.encoded(
        replace(wanted, sort=other if wanted.sort is first else first, page=1)
    )
    directions = dict(zip(orders, ("ascending", "descending"), strict=True))
    return Head(key, label, query, directions.get(wanted.sort))


def columns(sync: Sync, shown: Sequence[Environment], baseline_id: str | None) -> list[Column]:
    """Return the environments as columns, with their own time where they were not read this time."""
    old = {item.id: item.read_at for item in sync.environments if item.outcome is Outcome.FAILED}
    return [
        Column(item.name, item.type, item.id == baseline_id, old.get(item.id)) for item in shown
    ]


def sizes(wanted: Filter) -> list[Size]:
    """Return the choices of how many rows a page has."""
    return [
        Size(
            number,
            posture_filters.encoded(replace(wanted, size=number, page=1)),
            number == wanted.size,
        )
        for number in posture_filters.SIZES
    ]
