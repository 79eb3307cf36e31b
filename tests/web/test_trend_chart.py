"""The trend's geometry: heights, gaps, and what stands in for an empty chart."""

from datetime import date
from itertools import pairwise

import pytest

from app.posture.model import Severity, Verdict
from app.store.rollups import Day
from app.web.history.trend_chart import HEIGHT, chart, nice, small

LAST = date(2026, 3, 30)


def day(number: int, high: int = 0, drift: int = 0) -> Day:
    severities = {item.value: 0 for item in Severity} | {"high": high, "low": 1}
    verdicts = {item.value: 0 for item in Verdict} | {"drift": drift}
    return Day(date(2026, 3, number), f"sync-{number}", verdicts, severities)


@pytest.mark.parametrize(("most", "top"), [(0, 4), (4, 4), (5, 8), (13, 20), (21, 40), (999, 1200)])
def test_the_highest_line_is_round_and_above_every_bar(most: int, top: int) -> None:
    assert nice(most) == top


def test_a_day_without_a_sync_is_a_gap() -> None:
    bars = chart([day(1), day(2), day(4)], LAST, 30).bars
    steps = [round(later.x - earlier.x, 1) for earlier, later in pairwise(bars)]
    assert steps[1] == pytest.approx(2 * steps[0], abs=0.2)


def test_the_parts_of_a_day_stand_on_each_other_without_overlap() -> None:
    (bar,) = chart([day(30, high=7)], LAST, 30).bars
    low, high = bar.parts
    assert [low.severity, high.severity] == ["low", "high"]
    assert low.y + low.height == pytest.approx(HEIGHT - 24)
    assert high.y + high.height == pytest.approx(low.y)
    assert high.height == pytest.approx(7 * low.height, rel=0.01)


def test_a_bar_is_told_in_words() -> None:
    (bar,) = chart([day(30, high=7)], LAST, 30).bars
    assert bar.told == "30 Mar 2026: 7 high, 1 low"


def test_every_bar_stays_inside_the_chart() -> None:
    for period in (30, 90, 365):
        shown = chart([day(1), day(30)], LAST, period)
        assert all(shown.left <= bar.x and bar.x + bar.width <= shown.right for bar in shown.bars)


def test_the_small_chart_waits_for_two_days() -> None:
    assert small([], LAST) is None
    assert small([day(30)], LAST) is None
    shown = small([day(28, drift=2), day(30, drift=5)], LAST)
    assert shown is not None
    assert shown.told == "from 2 on 28 Mar to 5 on 30 Mar"
