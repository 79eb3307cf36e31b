"""Ids of another site, or of another space, answer exactly like ids that never existed."""

from typing import Any
from uuid import uuid4

import httpx

from app.store import posture_rows
from app.store.database import Database
from tests.store.estate import SPACE, TEST, Home, Read, make_finding, make_posture, rows_of
from tests.web.product import Product

OTHER_SPACE = "99"
PATHS = (
    ("GET", "syncs/{sync}"),
    ("DELETE", "syncs/{sync}"),
    ("GET", "apis/{api}"),
    ("POST", "apis/{api}/refresh"),
    ("GET", "snapshots/{snapshot}"),
    ("GET", "snapshots/{snapshot}/evidence.json"),
    ("GET", "changes?from={sync}"),
    ("GET", "changes?to={snapshot}"),
)


def plain(answer: httpx.Response) -> Any:
    """All of an answer but what differs between any two."""
    headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
    return answer.status_code, headers, answer.json()["error"] | {"request_id": "…"}


async def filled(product: Product, home: Home, issuer: str) -> dict[str, str]:
    """Publish something in a site's space and take a snapshot; return its ids."""
    posture = rows_of(make_posture("g/a", make_finding()))
    await home.published([Read(TEST, 1, "g/a")], posture)
    product.issuer = issuer
    snapshot = (await product.call("POST", "snapshots")).json()["id"]
    sync = (await product.get("syncs"))["syncs"][0]["id"]
    return {"sync": sync, "snapshot": snapshot, "api": posture_rows.api_id(SPACE, "g/a")}


async def test_ids_of_another_site_answer_like_ids_that_never_were(
    product: Product, ours: Home, theirs: Home
):
    known = await filled(product, theirs, "theirs")
    product.issuer = "ours"
    never = {"sync": str(uuid4()), "snapshot": str(uuid4()), "api": "0" * 32}
    for method, path in PATHS:
        foreign = await product.call(method, path.format(**known))
        missing = await product.call(method, path.format(**never))
        assert plain(foreign) == plain(missing), (method, path)
        assert foreign.status_code == 404, (method, path)


async def test_ids_of_another_space_answer_like_ids_that_never_were(product: Product, ours: Home):
    known = await filled(product, ours, "ours")
    never = {"sync": str(uuid4()), "snapshot": str(uuid4()), "api": "0" * 32}
    for method, path in PATHS:
        place = f"/api/spaces/{OTHER_SPACE}/{path}"
        foreign = await product.call(method, place.format(**known))
        missing = await product.call(method, place.format(**never))
        assert plain(foreign) == plain(missing), (method, path)
        assert foreign.status_code == 404, (method, path)


async def test_what_a_site_reads_is_its_own_whatever_the_other_one_has(
    product: Product, ours: Home, theirs: Home
):
    await filled(product, theirs, "theirs")
    product.issuer = "ours"
    assert (await product.get("posture"))["apis"] == []
    for path, word in (("syncs", "syncs"), ("snapshots", "snapshots"), ("findings", "findings")):
        assert (await product.get(path))[word] == []


async def test_a_thousand_requests_in_turn_over_one_connection_leak_nothing(
    product: Product, ours: Home, theirs: Home, addresses
):
    alone = Database(addresses.app_url, pool_size=1)
    for home in (ours, theirs):
        await home.published([], rows_of(make_posture(f"g/{home.site_id}")))
    object.__setattr__(product.services, "database", alone)
    for turn in range(1000):
        product.issuer, home = (("ours", ours), ("theirs", theirs))[turn % 2]
        apis = (await product.get("posture"))["apis"]
        assert [api["asset_id"] for api in apis] == [home.site_id]
    await alone.close()
