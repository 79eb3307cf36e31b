"""Ids of another site, or of another space, answer exactly like ids that never existed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from app.caller import AccountId
from app.store import exceptions, expected_differences, posture_rows
from app.store.database import Database
from app.store.exceptions import ExceptionRow
from app.store.expected_differences import ExpectedRow
from tests.store.estate import SPACE, TEST, Home, Read, make_finding, make_posture, rows_of
from tests.web.product import Product

OTHER_SPACE = "99"
IN_QUERIES = (
    ("GET", "/api/spaces/{space_id}/changes?from={sync_id}"),
    ("GET", "/api/spaces/{space_id}/changes?to={snapshot_id}"),
    ("GET", "/api/spaces/{space_id}/changes.csv?from={sync_id}"),
    ("GET", "/fragments/spaces/{space_id}/history?from={snapshot_id}"),
)
NEVER = {"api_id": "0" * 32, "name": "policies"}


def paths_with_ids(product: Product) -> list[tuple[str, str]]:
    """Every route that takes an id of something in a space, generated from the manifest."""
    found = [
        (route["method"], route["path"])
        for route in product.routes
        if "{" in route["path"].partition("{space_id}")[2]
    ]
    return [*found, *IN_QUERIES]


def plain(answer: httpx.Response) -> Any:
    """All of an answer but what differs between any two."""
    headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
    return answer.status_code, headers, answer.json()["error"] | {"request_id": "…"}


async def filled(product: Product, home: Home, issuer: str) -> dict[str, str]:
    """Publish something in a site's space and take a snapshot; return its ids."""
    await home.published([Read(TEST, 1, "g/a")], rows_of(make_posture("g/a", make_finding())))
    product.issuer = issuer
    reason, at = ("planned", "n", AccountId("ada")), datetime.now(UTC)
    accepted = ExceptionRow(str(uuid4()), "f", "v", None, None, *reason, at, at + timedelta(days=9))
    rule = ExpectedRow(str(uuid4()), "cors", "a", None, None, "n", {}, AccountId("ada"), at)
    async with home.database.transaction(home.site_id) as db:
        await exceptions.make(db, home.site_id, SPACE, [accepted])
        await expected_differences.make(db, home.site_id, SPACE, rule)
    token = await product.call("POST", "pipeline-tokens", {"name": "Release"})
    return {
        "sync_id": (await product.get("syncs"))["syncs"][0]["id"],
        "snapshot_id": (await product.call("POST", "snapshots")).json()["id"],
        "api_id": posture_rows.api_id(SPACE, "g/a"),
        "exception_id": accepted.id,
        "expected_id": rule.id,
        "token_id": token.json()["id"],
        "name": "policies",
    }


async def test_ids_of_another_site_answer_like_ids_that_never_were(
    product: Product, ours: Home, theirs: Home
):
    known = await filled(product, theirs, "theirs")
    product.issuer = "ours"
    await nothing_is_told(product, SPACE, known)


async def nothing_is_told(product: Product, space: str, known: dict[str, str]) -> None:
    """Ask with ids that are elsewhere and with some that never were: each route, the same answer."""
    never = {name: NEVER.get(name, str(uuid4())) for name in known}
    for method, path in paths_with_ids(product):
        foreign = await product.call(method, path.format(space_id=space, **known))
        missing = await product.call(method, path.format(space_id=space, **never))
        assert plain(foreign) == plain(missing), (method, path)
        assert foreign.status_code == 404, (method, path)


async def test_ids_of_another_space_answer_like_ids_that_never_were(product: Product, ours: Home):
    known = await filled(product, ours, "ours")
    await nothing_is_told(product, OTHER_SPACE, known)


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
