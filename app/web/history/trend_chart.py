"""The trend as geometry: a bar per day with a published sync, stacked by severity; gaps stay gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.posture.model import Severity
from app.store.rollups import Day
from app.web import sentences

WIDTH = 960
HEIGHT = 220
LEFT, RIGHT, TOP, BOTTOM = 36, 8, 8, 24
MOST_TICKS = 4
SMALL_WIDTH, SMALL_HEIGHT, SMALL_DAYS = 120, 28, 30


@dataclass(frozen=True, slots=True)
class Part:
    """A severity of a day."""

    severity: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A day with a published sync; `told` says all of it in words."""

    day: date
    sync_id: str
    x: float
    width: float
    parts: Sequence[Part]
    told: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A stacked chart, and its days for the table beside it, the newest first."""

    width: int
    height: int
    left: int
    right: int
    base: int
    bars: Sequence[Bar]
    levels: Sequence[Tick]
    dates: Sequence[Tick]
    days: Sequence[Day]
    severities: Sequence[str]


@dataclass(frozen=True, slots=True)
class Small:
    """The small chart of APIs that drift: bars as x, y, width, height."""

    width: int
    height: int
    bars: Sequence[tuple[float, float, float, float]]
    told: str


def chart(days: Sequence[Day], last: date, period: int) -> Chart:
    """Return the chart of the days up to `last`; days that are absent are gaps."""
    severities = [severity.value for severity in Severity]
    top = nice(max((sum(day.severities.values()) for day in days), default=0))
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    step = (right - LEFT) / period
    first = last - timedelta(days=period - 1)
    bars = [_bar(day, (day.date - first).days, step, top, severities) for day in days]
    levels = [Tick(_y(level, top), sentences.number(level)) for level in _levels(top)]
    return Chart(
        WIDTH,
        HEIGHT,
        LEFT,
        right,
        base,
        bars,
        levels,
        _dates(first, period, step),
        list(reversed(days)),
        severities,
    )


def nice(most: int) -> int:
    """Return a round number that is at least `most`, and 4 at the least."""
    scale = 1
    while True:
        for factor in (4, 8, 12, 20):
            if factor * scale >= most:
                return factor * scale
        scale *= 10


def _levels(top: int) -> list[int]:
    return [top * part // MOST_TICKS for part in range(MOST_TICKS + 1)]


def _y(count: float, top: int) -> float:
    return round(TOP + (HEIGHT - BOTTOM - TOP) * (1 - count / top), 2)


def _bar(day: Day, place: int, step: float, top: int, severities: Sequence[str]) -> Bar:
    parts, height = [], 0
    for severity in reversed(severities):
        count = day.severities[severity]
        if count:
            height += count
            y = _y(height, top)
            parts.append(Part(severity, y, round(_y(height - count, top) - y, 2)))
    gap = min(4.0, step * 0.25)
    return Bar(
        day.date,
        day.sync_id,
        round(LEFT + place * step + gap / 2, 2),
        round(max(1.0, min(step - gap, 24.0)), 2),
        parts,
        f"{words_of(day.date)}: {_told(day.severities)}",
    )


def words_of(day: date) -> str:
    """Return a day in words, as `12 Nov 2026`."""
    return f"{day.day} {day:%b %Y}"


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "none"


def _dates(first: date, period: int, step: float) -> list[Tick]:
    every = max(1, (period - 1) // 5)
    return [
        Tick(round(LEFT + (place + 0.5) * step, 2), _short(first + timedelta(days=place)))
        for place in range(0, period, every)
    ]


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def small(days: Sequence[Day], last: date) -> Small | None:
    """Return the small chart of the last days; None before there are two to compare."""
    first = last - timedelta(days=SMALL_DAYS - 1)
    shown = [day for day in days if first <= day.date <= last]
    if len(shown) < 2:
        return None
    counts = [day.verdicts["threat"] + day.verdicts["drift"] for day in shown]
    top, step = max(*counts, 1), SMALL_WIDTH / SMALL_DAYS
    bars = []
    for day, count in zip(shown, counts, strict=True):
        height = round(max(1.0, SMALL_HEIGHT * count / top), 2)
        x = round((day.date - first).days * step, 2)
        bars.append((x, round(SMALL_HEIGHT - height, 2), round(step - 1, 2), height))
    told = (
        f"from {counts[0]} on {_short(shown[0].date)} to {counts[-1]} on {_short(shown[-1].date)}"
    )
    return Small(SMALL_WIDTH, SMALL_HEIGHT, bars, told)
