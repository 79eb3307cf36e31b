"""Syncs over the JSON API."""

import asyncio

from tests.store.estate import NOW, PRODUCTION, TEST, Home
from tests.web.product import Product

UNKNOWN = "6f1c2a34-9d1e-4b7a-8c55-abcdefabcdef"


async def test_starting_answers_the_sync_that_will_be_read(product: Product, ours: Home):
    answer = await product.call("POST", "syncs")
    assert answer.status_code == 202
    body = answer.json()
    assert (set(body), body["state"]) == ({"id", "state"}, "queued")
    shown = await product.get(f"syncs/{body['id']}")
    assert set(shown) == {
        "id", "state", "started_at", "finished_at", "reason", "progress", "environments",
    }  # fmt: skip
    assert shown["progress"] == {"done": 0, "total": None}


async def test_asking_fifty_times_at_once_starts_one_sync(product: Product, ours: Home):
    answers = await asyncio.gather(*(product.call("POST", "syncs") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_the_same_key_gets_the_same_answer_after_the_sync_has_ended(
    product: Product, ours: Home
):
    key = {"headers": {"Idempotency-Key": "once"}}
    first = (await product.call("POST", "syncs", **key)).json()
    await product.call("DELETE", f"syncs/{first['id']}")
    assert (await product.call("POST", "syncs", **key)).json() == first
    assert (await product.call("POST", "syncs")).json()["id"] != first["id"]


async def test_a_key_that_is_no_key_is_refused(product: Product, ours: Home):
    for key in (b"", b" ", b"x" * 201, b"sn\xc3\xb6w"):
        answer = await product.call("POST", "syncs", headers={"Idempotency-Key": key})
        assert answer.status_code == 422, key


async def test_without_a_connection_nothing_can_be_started(product: Product, ours: Home):
    answer = await product.call("POST", "/api/spaces/777/syncs")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


async def test_a_sync_shows_the_outcome_of_each_environment(product: Product, ours: Home):
    await ours.published(failed=[PRODUCTION])
    (listed,) = (await product.get("syncs"))["syncs"]
    assert listed["state"] == "published"
    assert listed["finished_at"] == NOW.isoformat().replace("+00:00", "Z")
    test, production = listed["environments"]
    assert test["name"] == TEST.name
    assert set(test) == {"id", "name", "type", "outcome", "reason", "read_at", "instances"}
    assert (production["outcome"], production["read_at"]) == ("failed", None)
    assert production["reason"] == "It answered 403."


async def test_syncs_are_listed_newest_first_and_paged(product: Product, ours: Home):
    ids = []
    for _ in range(3):
        ids.append((await product.call("POST", "syncs")).json()["id"])
        await product.call("DELETE", f"syncs/{ids[-1]}")
    first = await product.get("syncs?size=2")
    second = await product.get("syncs?size=2&page=2")
    assert [item["id"] for item in first["syncs"] + second["syncs"]] == ids[::-1]
    assert (first["total"], second["page"], second["size"]) == (3, 2, 2)


async def test_cancelling_ends_it_and_does_no_harm_twice(product: Product, ours: Home):
    started = (await product.call("POST", "syncs")).json()["id"]
    for _ in range(2):
        assert (await product.call("DELETE", f"syncs/{started}")).status_code == 204
    assert (await product.get(f"syncs/{started}"))["state"] == "cancelled"


async def test_an_unknown_sync_is_not_there(product: Product, ours: Home):
    for place in ("x", "0" * 32, UNKNOWN, UNKNOWN.upper(), "%00"):
        for method in ("GET", "DELETE"):
            answer = await product.call(method, f"syncs/{place}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_there")


async def test_a_sync_of_theirs_is_answered_like_one_that_never_was(
    product: Product, ours: Home, theirs: Home
):
    started = (await product.call("POST", "syncs")).json()["id"]
    product.issuer = "theirs"
    assert (await product.call("GET", f"syncs/{started}")).status_code == 404
    assert (await product.call("DELETE", f"syncs/{started}")).status_code == 404
    product.issuer = "ours"
    assert (await product.get(f"syncs/{started}"))["state"] == "queued"


async def test_odd_pages_are_refused(product: Product, ours: Home):
    for query in (
        "page=0",
        "size=0",
        "size=101",
        "page=99999999999999999999",
        "page=",
        "state=queued",
    ):
        assert (await product.call("GET", f"syncs?{query}")).status_code == 422, query
