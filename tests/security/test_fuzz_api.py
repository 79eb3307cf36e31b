"""Whatever is sent to any route by somebody with a sound token: an answer of the contract, never a 5xx.

The requests come from the app's own OpenAPI by schemathesis, with the same seed every time.
"""

import asyncio
from collections import Counter
from typing import Any
from urllib.parse import quote

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core import NotSet

from app.web.assembly import bare_app, install_web
from tests.store.estate import SPACE, Home
from tests.web.product import Product
from tests.web.small import World, services

EXAMPLES = 12
"""Of each operation; there are some seventy of them."""

BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
UNDERSTOOD = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 413, 414, 415, 422, 429, 502}
"""502: Anypoint refuses what was typed. Never 500 or 503: everything that is needed is there."""


def operations() -> list[Any]:
    app = bare_app()
    install_web(app, services(World()))
    schema = schemathesis.openapi.from_dict(app.openapi())
    return [result.ok() for result in schema.get_all_operations()]


async def test_no_request_breaks_the_app(product: Product, ours: Home):
    seen: Counter[Any] = Counter()
    for operation in operations():
        await run(tried(product, operation, seen))
    # Nearly everything is refused or answered on purpose, and every operation was reached.
    assert len({place for place, _ in seen}) == len(operations())
    assert seen.total() > 4 * len(operations())


def tried(product: Product, operation: Any, seen: Counter[Any]) -> Any:
    """Return the property of one operation."""
    kind = kind_of(product, operation)

    @BOUNDED
    @given(case=operation.as_strategy(), is_ours=st.booleans())
    async def answers(case: Any, is_ours: bool) -> None:
        request = request_of(case, is_ours=is_ours)
        answer = await signed(product, kind, request)
        seen[f"{operation.method} {operation.path}", answer.status_code] += 1
        assert answer.status_code in UNDERSTOOD, (request.url, answer.text)
        assert "strict-transport-security" in answer.headers
        if answer.is_error and answer.headers["content-type"] == "application/json":
            assert answer.json()["error"]["code"]

    return answers


async def run(property_: Any) -> None:
    """Run a property whose test is a coroutine, in this loop's own thread."""
    inner = property_.hypothesis.inner_test
    loop = asyncio.get_running_loop()

    def now(*arguments: Any, **named: Any) -> None:
        asyncio.run_coroutine_threadsafe(inner(*arguments, **named), loop).result(60)

    property_.hypothesis.inner_test = now
    await asyncio.to_thread(property_)


def kind_of(product: Product, operation: Any) -> str:
    method = operation.method.upper()
    found = [r for r in product.routes if (r["method"], r["path"]) == (method, operation.path)]
    return found[0]["token"]


def request_of(case: Any, *, is_ours: bool) -> httpx.Request:
    """Return what a case asks; half of the time of the space that there is."""
    parameters = {name: quote(str(value), safe="") for name, value in case.path_parameters.items()}
    if is_ours and "space_id" in parameters:
        parameters["space_id"] = SPACE
    path = case.operation.path.format(**parameters)
    headers = {name: str(value) for name, value in (case.headers or {}).items()}
    sent = {} if isinstance(case.body, NotSet) else {"json": case.body}
    url = f"https://plumbline.example.com{path}"
    return httpx.Request(case.method, url, params=case.query or None, headers=headers, **sent)


async def signed(product: Product, kind: str, request: httpx.Request) -> httpx.Response:
    """Send a request with a sound token of the kind that its route takes."""
    target = request.url.raw_path.decode()
    if kind == "url":
        token = product.token("url", request.method, target)
        request.url = request.url.copy_merge_params({"jwt": token})
    elif kind in {"context", "callback", "install"}:
        request.headers["Authorization"] = f"JWT {product.token(kind, request.method, target)}"
    return await product.http.send(request)
