"""The connection over the JSON API."""

import asyncio
from collections import Counter
from typing import Any

import httpx

from app.caller import Right
from app.store.database import Database
from app.store.encryption import Keyring
from tests.store.estate import SPACE, Home
from tests.web.product import Product

KEYS = {
    "control_plane",
    "organization_id",
    "client_id",
    "secret_saved_at",
    "secret_saved_by",
    "environments",
    "baseline_environment_id",
    "sync_interval_hours",
    "ignored_application_suffixes",
}
BARE = "/api/spaces/777/connection"


def typed(product: Product, **changes: Any) -> dict[str, Any]:
    """What an administrator types; a change to None leaves the field out."""
    estate = product.anypoint.estate
    usual = {
        "control_plane": "us",
        "client_id": estate.client_id,
        "client_secret": estate.client_secret,
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def fields(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return set(answer.json()["error"]["fields"])


async def test_a_saved_connection_is_shown_without_its_secret(product: Product, ours: Home):
    saved = await product.call("PUT", BARE, typed(product))
    assert saved.status_code == 200, saved.text
    shown = await product.call("GET", BARE)
    assert shown.json() == saved.json()
    body = shown.json()
    assert set(body) == KEYS
    assert body["organization_id"] == product.anypoint.estate.organization_id
    assert [item["name"] for item in body["environments"]]
    assert "design" not in {item["type"] for item in body["environments"]}
    assert body["secret_saved_at"].endswith("Z")
    assert body["secret_saved_by"] == "5b10a2844c20165700ede21g"
    assert (body["sync_interval_hours"], body["baseline_environment_id"]) == (24, None)
    assert product.anypoint.estate.client_secret not in saved.text + shown.text


async def test_saving_starts_a_sync(product: Product, ours: Home):
    await product.call("PUT", BARE, typed(product))
    listed = (await product.call("GET", "/api/spaces/777/syncs")).json()
    assert (listed["total"], listed["syncs"][0]["state"]) == (1, "queued")


async def test_of_those_who_save_at_once_one_creates_and_the_others_change(
    product: Product, ours: Home
):
    saving = (product.call("PUT", BARE, typed(product)) for _ in range(5))
    saved = await asyncio.gather(*saving)
    assert {answer.headers["ETag"] for answer in saved} == {f'"{n}"' for n in range(1, 6)}
    log = (await product.call("GET", "/api/spaces/777/audit")).json()["audit"]
    acts = Counter(entry["action"] for entry in log)
    assert (acts["connection_created"], acts["connection_changed"]) == (1, 4)
    states = (await product.call("GET", "/api/spaces/777/syncs")).json()["syncs"]
    assert Counter(sync["state"] for sync in states) == {"queued": 1, "cancelled": 4}


async def test_an_absent_secret_keeps_the_stored_one(product: Product, ours: Home):
    await product.call("PUT", BARE, typed(product))
    kept = await product.call(
        "PUT", BARE, typed(product, client_secret=None, sync_interval_hours=6)
    )
    assert (kept.status_code, kept.json()["sync_interval_hours"]) == (200, 6)
    tried = await product.call("POST", f"{BARE}/test")
    assert tried.json()["problem"] is None


async def test_environments_stand_in_the_order_in_which_they_were_given(
    product: Product, ours: Home
):
    ids = [item.id for item in reversed(product.anypoint.estate.environments)]
    ids = [id_ for id_ in ids if id_ not in design_ids(product)]
    saved = await product.call(
        "PUT", BARE, typed(product, environment_ids=ids, baseline_environment_id=ids[-1])
    )
    assert [item["id"] for item in saved.json()["environments"]] == ids
    assert saved.json()["baseline_environment_id"] == ids[-1]


def design_ids(product: Product) -> set[str]:
    return {item.id for item in product.anypoint.estate.environments if item.type == "design"}


async def test_refused_credentials_are_told_by_field_and_store_nothing(
    product: Product, ours: Home
):
    answer = await product.call("PUT", BARE, typed(product, client_secret="wrong-canary"))
    assert fields(answer) == {"client_id", "client_secret"}
    assert "wrong-canary" not in answer.text
    assert (await product.call("GET", BARE)).status_code == 404


async def test_anypoint_away_stores_what_was_typed(product: Product, ours: Home):
    product.anypoint.reply = httpx.ConnectError("away")
    assert (await product.call("PUT", BARE, typed(product))).status_code == 200
    assert (await product.call("GET", BARE)).json()[
        "client_id"
    ] == product.anypoint.estate.client_id


BAD: list[tuple[dict[str, Any], str]] = [
    ({"control_plane": "https://evil.example"}, "control_plane"),
    ({"control_plane": ""}, "control_plane"),
    ({"client_id": "a\u0000b"}, "client_id"),
    ({"client_id": 7}, "client_id"),
    ({"client_id": "x" * 201}, "client_id"),
    ({"client_secret": ""}, "client_secret"),
    ({"sync_interval_hours": 0}, "sync_interval_hours"),
    ({"sync_interval_hours": 10**30}, "sync_interval_hours"),
    ({"sync_interval_hours": "24"}, "sync_interval_hours"),
    ({"sync_interval_hours": 1.5}, "sync_interval_hours"),
    ({"environment_ids": []}, "environment_ids"),
    ({"environment_ids": ["a", "a"]}, "environment_ids"),
    ({"environment_ids": "a"}, "environment_ids"),
    ({"environment_ids": ["nowhere"]}, "environment_ids"),
    ({"baseline_environment_id": "nowhere"}, "baseline_environment_id"),
    ({"organization_id": "nowhere"}, "organization_id"),
    ({"ignored_application_suffixes": [""]}, "ignored_application_suffixes"),
    ({"space_id": "43"}, "space_id"),
    ({"site_id": "s3cret"}, "site_id"),
    ({"base_url": "http://169.254.169.254"}, "base_url"),
]


async def test_bad_values_are_told_by_field_and_never_repeated(product: Product, ours: Home):
    for change, field in BAD:
        answer = await product.call("PUT", BARE, typed(product, **change))
        assert fields(answer) == {field}, (change, answer.text)
        assert product.anypoint.estate.client_secret not in answer.text
        assert "s3cret" not in answer.text
    assert (await product.call("GET", BARE)).status_code == 404


async def test_a_foreign_control_plane_is_never_asked(product: Product, ours: Home):
    await product.call("PUT", BARE, typed(product, control_plane="//evil.example"))
    assert product.anypoint.asked == []


async def test_a_test_names_what_it_found_and_stores_nothing(product: Product, ours: Home):
    answer = await product.call("POST", f"{BARE}/test", typed(product))
    body = answer.json()
    assert set(body) == {"ok", "organizations", "environments", "missing_scopes", "problem"}
    assert (answer.status_code, body["ok"], body["problem"]) == (200, True, None)
    assert {"id", "name"} == set(body["organizations"][0])
    assert {"id", "name", "type"} == set(body["environments"][0])
    assert (await product.call("GET", BARE)).status_code == 404


async def test_a_test_of_refused_credentials_is_an_answer(product: Product, ours: Home):
    answer = await product.call("POST", f"{BARE}/test", typed(product, client_secret="wrong"))
    assert answer.status_code == 200
    assert answer.json()["ok"] is False
    assert answer.json()["problem"]


async def test_a_test_names_each_missing_scope_once_and_says_where(product: Product, ours: Home):
    place = product.anypoint.estate.environments[0]
    wish = {"forbid": [{"scope": "View Policies", "environment": place.id}]}
    async with product.anypoint.client() as wire:
        await wire.post("http://anypoint/_control", json=wish)
    answer = await product.call("POST", f"{BARE}/test", typed(product))
    body = answer.json()
    assert (answer.status_code, body["ok"]) == (200, False)
    assert body["missing_scopes"] == ["View Policies"]
    assert body["problem"].startswith(f"View Policies is missing in {place.name}.")
    assert body["environments"]


async def test_a_test_without_values_takes_the_stored_ones(product: Product, ours: Home):
    assert (await product.call("POST", f"{BARE}/test")).status_code == 404
    await product.call("PUT", BARE, typed(product))
    assert (await product.call("POST", f"{BARE}/test")).json()["ok"] is True


async def test_removing_destroys_the_credentials_and_keeps_the_history(
    product: Product, ours: Home, database: Database, keyring: Keyring
):
    await ours.published()
    assert (await product.call("DELETE", "connection")).status_code == 204
    assert (await product.call("GET", "connection")).status_code == 404
    assert (await product.call("DELETE", "connection")).status_code == 404
    assert (await product.call("POST", "syncs")).status_code == 409
    assert (await product.get("posture"))["sync"] is not None


async def test_settings_are_for_administrators(product: Product, ours: Home):
    for right in (Right.VIEWER, Right.EDITOR):
        product.may(right)
        for method in ("GET", "DELETE", "PUT"):
            answer = await product.call(method, "connection", typed(product))
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_permitted")


async def test_another_site_with_the_same_space_id_sees_nothing(
    product: Product, ours: Home, theirs: Home
):
    product.issuer = "theirs"
    await product.call("DELETE", "connection")
    assert (await product.call("GET", "connection")).status_code == 404
    product.issuer = "ours"
    assert (await product.call("GET", "connection")).status_code == 200
    assert SPACE == "65538"


async def test_a_connection_saved_meanwhile_is_not_overwritten(product: Product, ours: Home):
    first = await product.call("PUT", BARE, typed(product))
    seen = (await product.call("GET", BARE)).headers["etag"]
    assert first.headers["etag"] == seen
    theirs = await product.call(
        "PUT", BARE, typed(product, sync_interval_hours=6), headers={"If-Match": seen}
    )
    assert (theirs.status_code, theirs.headers["etag"] != seen) == (200, True)
    mine = await product.call(
        "PUT", BARE, typed(product, sync_interval_hours=12), headers={"If-Match": seen}
    )
    assert (mine.status_code, mine.json()["error"]["code"]) == (409, "conflict")
    assert (await product.call("GET", BARE)).json()["sync_interval_hours"] == 6
    assert (await product.call("PUT", BARE, typed(product))).status_code == 200


async def test_a_version_that_was_never_given_is_a_conflict(product: Product, ours: Home):
    headers = {"If-Match": '"1"'}
    assert (await product.call("PUT", BARE, typed(product), headers=headers)).status_code == 409
    await product.call("PUT", BARE, typed(product))
    for tag in ('"0"', "1", '"x"', '"' + "9" * 30 + '"'):
        answer = await product.call("PUT", BARE, typed(product), headers={"If-Match": tag})
        assert answer.status_code == 409, tag
    answer = await product.call("PUT", BARE, typed(product), headers={"If-Match": "*"})
    assert answer.status_code == 200
