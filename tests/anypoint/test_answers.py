"""How long an answer asks to wait."""

from datetime import UTC, datetime

import httpx
import pytest

from app.anypoint.answers import stated_wait

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
EPOCH = int(NOON.timestamp())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": " 12 "}, 12),
        ({"Retry-After": "Wed, 25 Nov 2026 12:00:40 GMT"}, 40),
        ({"Retry-After": "Wed, 25 Nov 2026 11:00:00 GMT"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "²"}, None),
        ({"X-RateLimit-Reset": str(EPOCH + 25)}, 25),
        ({"X-RateLimit-Reset": str(EPOCH - 25)}, None),
        ({"X-RateLimit-Reset": "999999999999"}, None),
        ({"X-RateLimit-Reset": str(EPOCH * 1000)}, None),
        ({"X-RateLimit-Reset": str(EPOCH + 3630), "Date": "Wed, 25 Nov 2026 13:00:00 GMT"}, 30),
        ({"X-RateLimit-Reset": str(EPOCH + 30), "Date": "yesterday"}, 30),
        ({"Retry-After": "5", "X-RateLimit-Reset": str(EPOCH + 25)}, 5),
        ({"Retry-After": "never", "X-RateLimit-Reset": str(EPOCH + 25)}, 25),
    ],
)
def test_the_wait_is_what_the_headers_say_or_nothing(
    headers: dict[str, str], seconds: float | None
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert stated_wait(httpx.Headers(raw), NOON) == seconds
