"""Installation and removal through the app as it is served."""

from tests.store.estate import SPACE, Home
from tests.web.product import Product

INSTALLED, UNINSTALLED = "/connect/installed", "/connect/uninstalled"


async def post(product: Product, path: str, **changes: object) -> int:
    token = product.token("install", "POST", path)
    headers = {"Authorization": f"JWT {token}"}
    answer = await product.http.post(path, json=product.lifecycle_body(**changes), headers=headers)
    return answer.status_code


async def test_an_installed_site_may_call_and_a_removed_one_may_not(product: Product):
    assert (await product.call("GET", "posture")).status_code == 401
    assert await post(product, INSTALLED) == 204
    assert (await product.call("GET", "posture")).status_code == 200
    assert await post(product, UNINSTALLED, sharedSecret=None) == 204
    assert (await product.call("GET", "posture")).status_code == 401
    page = await product.http.get(f"/pages/posture?spaceId={SPACE}")
    assert page.status_code == 401


async def test_a_signed_body_that_cannot_be_accepted_is_told_why(product: Product):
    assert await post(product, INSTALLED, baseUrl="https://evil.example") == 422
    assert await post(product, INSTALLED, productType="jira") == 422
    assert await post(product, INSTALLED, clientKey="theirs") == 401
    assert product.atlassian.requests_to("evil.example") == []


async def test_enabled_and_disabled_are_noted(product: Product, ours: Home):
    for event in ("disabled", "enabled", "space-removed"):
        path = f"/connect/{event}"
        headers = {"Authorization": f"JWT {product.token('callback', 'POST', path, sub=None)}"}
        answer = await product.http.post(path, json=product.lifecycle_body(), headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")


async def test_the_order_of_refusals_tells_a_stranger_nothing(product: Product, ours: Home):
    headers = {"Authorization": "JWT x.y.z", "Content-Type": "text/plain"}
    stranger = await product.http.post(INSTALLED, content=b"x", headers=headers)
    assert stranger.status_code == 401
    token = product.token("install", "POST", INSTALLED)
    headers["Authorization"] = f"JWT {token}"
    assert (await product.http.post(INSTALLED, content=b"x", headers=headers)).status_code == 415
    large = await product.http.post(INSTALLED, content=b"x" * 70_000, headers=headers)
    assert large.status_code == 413


async def test_the_descriptor_is_public_and_names_routes_that_exist(product: Product):
    answer = await product.http.get("/atlassian-connect.json")
    descriptor = answer.json()
    served = {route["path"] for route in product.routes}
    assert set(descriptor["lifecycle"].values()) <= served
    assert answer.headers["content-type"] == "application/json"


async def test_health_needs_nothing_and_readiness_says_what_is_missing(product: Product):
    assert (await product.http.get("/healthz")).status_code == 200
    assert (await product.http.get("/readyz")).status_code == 200
    product.services.stopping.set()
    answer = await product.http.get("/readyz")
    assert answer.status_code == 503
    assert "shutting down" in answer.json()["error"]["message"]
    assert "retry-after" in answer.headers
