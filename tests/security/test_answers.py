"""Every answer carries the security headers and sets no cookie, whatever went wrong."""

import asyncio

import httpx
import pytest

from app.errors import Unavailable
from tests.security.test_hostile_upstream import DEEP
from tests.store.estate import SPACE, Home
from tests.web.product import Product
from tests.web.test_route_matrix import filled

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
UNKNOWN = ("/", "/nothing", "/api", "/pages/", "//", "/.env", "/static/../app", "/%2e%2e/", "/docs")


def assert_safe(answer: httpx.Response) -> None:
    headers = answer.headers
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["permissions-policy"] == ""
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    if answer.is_error:
        assert headers["cache-control"] == "no-cache, no-store"
    for never in ("set-cookie", "x-frame-options", "access-control-allow-origin", "server"):
        assert never not in headers


async def test_every_route_by_every_method_without_a_token(product: Product, ours: Home):
    for route in product.routes:
        for method in METHODS:
            answer = await product.http.request(method, filled(route["path"]))
            assert answer.status_code < 500, (method, route)
            assert_safe(answer)


async def test_unknown_paths(product: Product):
    for path in UNKNOWN:
        answer = await product.http.get(path)
        assert answer.status_code == 404
        assert_safe(answer)


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("x"), 500), (Unavailable(), 503)])
async def test_what_breaks_or_is_away(product: Product, ours: Home, error: Exception, status: int):
    async def broken(*_: object) -> None:
        raise error

    object.__setattr__(product.services, "rights", type("", (), {"checked": broken})())
    answer = await product.call("GET", "posture")
    assert answer.status_code == status
    assert_safe(answer)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"x" * 70_000}, 413),
        ({"headers": {"x": "y" * 20_000}}, 431),
        ({"params": {"x": "y" * 20_000}}, 414),
        ({"content": b"{", "headers": {"content-type": "text/plain"}}, 415),
        ({"content": DEEP[:60_000], "headers": {"content-type": "application/json"}}, 422),
    ],
)
async def test_what_is_too_much(product: Product, ours: Home, sent: dict, status: int):
    token = product.token("context", "PUT", "/")
    headers = {"Authorization": f"JWT {token}", **sent.pop("headers", {})}
    place = f"/api/spaces/{SPACE}/connection"
    answer = await product.http.put(place, headers=headers, **sent)
    assert answer.status_code == status
    assert_safe(answer)


async def test_a_flood_is_told_when_to_come_again(product: Product, ours: Home):
    path = f"/api/spaces/{SPACE}/syncs/nothing"
    flood: list[httpx.Response] = []
    # In waves: the sum is too much for one person, none is too much at once for the site.
    for _ in range(3):
        flood += await asyncio.gather(*(product.call("DELETE", path) for _ in range(60)))
    told = [answer for answer in flood if answer.status_code == 429]
    assert {answer.status_code for answer in flood} == {404, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in told)
    assert_safe(told[0])
