"""Every route with every kind of token and every right, generated from the manifest."""

import re
from typing import Any

import httpx

from app.caller import Right
from tests.store.estate import SPACE, Home
from tests.web.product import OPERATIONS, Product

FORGE_KINDS = ("invocation", "page")
FORGE_BODIES: dict[str, Any] = {"/forge/open": {}, "/forge/export": {"module": "plumbline-api"}}
KINDS = ("none", "install", "url", "callback", "context", *FORGE_KINDS, "pipeline")
ORDER = list(OPERATIONS)


def filled(path: str) -> str:
    """A path with ids of nothing in particular, and our space."""
    path = path.replace("{space_id}", SPACE)
    return re.sub(r"\{[a-z_]+\}", "0123456789abcdef", path)


async def sent(product: Product, route: dict[str, str], kind: str, path: str) -> httpx.Response:
    """Send a request with a token of a kind, carried as that kind is."""
    method = route["method"]
    if kind == "none":
        return await product.http.request(method, path)
    if kind == "url":
        joint = "&" if "?" in path else "?"
        url = f"{path}{joint}jwt={product.token(kind, method, path)}"
        return await product.http.request(method, url)
    if kind in FORGE_KINDS:
        headers = await product.forge_headers(kind, path)
        body = FORGE_BODIES.get(route["path"])
        return await product.http.request(method, path, headers=headers, json=body)
    if kind == "pipeline":
        headers = {"Authorization": f"Bearer {await product.pipeline_token()}"}
        return await product.http.request(method, path, headers=headers)
    headers = {"Authorization": f"JWT {product.token(kind, method, path)}"}
    body = product.lifecycle_body() if kind == "install" else None
    return await product.http.request(method, path, headers=headers, json=body)


def takes(route: dict[str, str]) -> set[str]:
    """The kinds that a route takes; what a script asks for, it may ask through either door.

    What a pipeline may ask, a person may, too.
    """
    token = route["token"]
    also = {"context": {"page"}, "pipeline": {"context", "page"}, "none": set(KINDS)}
    return {token} | also.get(token, set())


def of_a_person(route: dict[str, str]) -> str:
    """The kind of token with which a person asks: a pipeline's has its right in itself."""
    return "context" if route["token"] == "pipeline" else route["token"]


def said(answer: httpx.Response) -> Any:
    return {**answer.json()["error"], "request_id": "…"}


async def test_a_route_takes_its_own_kind_of_token_and_no_other(product: Product, ours: Home):
    tried, refusals = 0, []
    # The removal comes last: after it no token of the site is good for anything.
    for route in sorted(product.routes, key=lambda route: "uninstalled" in route["path"]):
        path = filled(route["path"])
        if route["token"] == "url":
            path += f"?spaceId={SPACE}&spaceKey=ORD"
        for kind in KINDS:
            answer = await sent(product, route, kind, path)
            tried += 1
            if kind in takes(route):
                assert answer.status_code != 401, (route, kind, answer.text)
                continue
            assert answer.status_code == 401, (route, kind, answer.text)
            if route["token"] not in {"url", "page"}:
                refusals.append(said(answer))
    assert tried == len(product.routes) * len(KINDS)
    assert all(refusal == refusals[0] for refusal in refusals)


async def test_a_kind_is_not_taken_where_another_one_is_carried(product: Product, ours: Home):
    """The tokens of header routes in the query, and those of the query in the header."""
    for route in product.routes:
        path = filled(route["path"])
        if route["token"] in {"none", *FORGE_KINDS}:
            continue
        token = product.token(of_a_person(route), route["method"], path)
        if route["token"] == "url":
            headers = {"Authorization": f"JWT {token}"}
            answer = await product.http.request(route["method"], path, headers=headers)
        else:
            answer = await product.http.request(route["method"], f"{path}?jwt={token}")
        assert answer.status_code == 401, (route, answer.text)


async def test_a_route_asks_for_its_right(product: Product, ours: Home):
    for route in product.routes:
        if route["right"] == "none":
            continue
        path = filled(route["path"])
        if route["token"] == "url":
            path += f"?spaceId={SPACE}&spaceKey=ORD"
        for held in ORDER:
            product.may(held)
            answer = await sent(product, route, of_a_person(route), path)
            assert_fits(answer, held, Right(route["right"]), route)


def assert_fits(answer: httpx.Response, held: Right, needed: Right, route: object) -> None:
    if held is Right.NONE:
        assert answer.status_code == 404, (route, answer.text)
    elif ORDER.index(held) < ORDER.index(needed):
        assert answer.status_code == 403, (route, answer.text)
    else:
        assert answer.status_code not in {401, 403, 500}, (route, answer.text)


async def test_nobody_asks_about_a_space(product: Product, ours: Home):
    for route in product.routes:
        if route["right"] == "none" or route["token"] in FORGE_KINDS:
            continue
        path = filled(route["path"])
        if route["token"] == "url":
            path += f"?spaceId={SPACE}"
            token = product.token("url", route["method"], path, sub=None)
            answer = await product.http.request(route["method"], f"{path}&jwt={token}")
        else:
            token = product.token("context", route["method"], path, sub=None)
            headers = {"Authorization": f"JWT {token}"}
            answer = await product.http.request(route["method"], path, headers=headers)
        assert answer.status_code == 401, (route, answer.text)


async def test_no_route_breaks_on_an_unknown_method_or_a_wild_body(product: Product, ours: Home):
    for route in product.routes:
        path = filled(route["path"])
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            token = product.token("context", method, path)
            headers = {"Authorization": f"JWT {token}", "Content-Type": "application/json"}
            answer = await product.http.request(method, path, content=b"[[1e999", headers=headers)
            assert answer.status_code < 500, (route, method, answer.text)
            assert "content-security-policy" in answer.headers
