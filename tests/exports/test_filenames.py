"""The names under which exports are saved."""

from datetime import UTC, datetime

import pytest

from app.exports.filenames import content_disposition, file_name

NOW = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)

NAMES = [
    ("ORD", [], "plumbline-posture_ORD_2026-11-25_all.csv"),
    ("ORD", ["threat", "drift"], "plumbline-posture_ORD_2026-11-25_threat-drift.csv"),
    ("~557058:1f", ["Test"], "plumbline-posture_557058-1f_2026-11-25_Test.csv"),
    ("", [], "plumbline-posture_space_2026-11-25_all.csv"),
    ("注文", ["../../etc", '";\r\n\u202e'], "plumbline-posture_space_2026-11-25_etc.csv"),
    ("A" * 200, ["x" * 200], f"plumbline-posture_{'A' * 60}_2026-11-25_{'x' * 60}.csv"),
]


@pytest.mark.parametrize(("space_key", "filters", "expected"), NAMES)
def test_a_name_has_space_day_and_filter_in_our_own_alphabet(
    space_key: str, filters: list[str], expected: str
):
    assert file_name("posture", space_key, NOW, filters, "csv") == expected


def test_the_header_asks_for_a_download():
    assert content_disposition("a.csv") == 'attachment; filename="a.csv"'
