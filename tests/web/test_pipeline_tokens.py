"""Pipelines' tokens: who makes them, what they open, and when they are over."""

from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from app.caller import Right, SpaceId
from app.store import agenda, connections, pipeline_tokens, rollups
from app.store.pipeline_tokens import PREFIX
from tests.postgres import FreshDatabase
from tests.security.test_leaving import uninstall
from tests.store.estate import NOW, SPACE, Home, values
from tests.web.product import Product, now

READINESS = f"/api/spaces/{SPACE}/readiness?from=Test&to=Production"


async def made(product: Product, **body: Any) -> dict[str, Any]:
    answer = await product.call("POST", "pipeline-tokens", {"name": "Release", **body})
    assert answer.status_code == 201, answer.text
    token: dict[str, Any] = answer.json()
    return token


async def asked(product: Product, token: str, path: str = READINESS) -> httpx.Response:
    return await product.http.get(path, headers={"Authorization": f"Bearer {token}"})


def plain(answer: httpx.Response) -> Any:
    headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
    return answer.status_code, headers, answer.json()["error"] | {"request_id": "…"}


async def listed(product: Product) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await product.get("pipeline-tokens"))["pipeline-tokens"]
    return found


async def test_a_token_is_made_while_a_sync_is_being_published(product: Product, ours: Home):
    """A publishing writes for seconds, and what it writes hangs on the connection."""
    async with product.services.database.transaction(ours.site_id) as db:
        await rollups.keep(db, ours.site_id, SPACE, "0e8f3c1e-6a52-4a0e-9a1b-3c1d5b7f9a20", NOW)
        await made(product)


async def test_a_token_is_shown_once_and_kept_as_a_digest(
    product: Product, ours: Home, addresses: FreshDatabase
):
    token = await made(product, expires_in_days=30)
    assert token["token"].startswith(PREFIX)
    (known,) = await listed(product)
    assert known == {name: token[name] for name in token if name != "token"}
    assert known["name"] == "Release"
    assert known["last_used_at"] is None
    secret = token["token"].removeprefix(PREFIX)
    with psycopg.connect(addresses.superuser_url) as connection:
        kept = connection.execute("SELECT t::text FROM plumbline.pipeline_tokens t").fetchall()
        noted = connection.execute("SELECT a::text FROM plumbline.audit a").fetchall()
    assert secret not in str(kept + noted)


async def test_a_token_opens_the_readiness_of_its_space_and_notes_the_day(
    product: Product, ours: Home
):
    token = await made(product)
    product.may(Right.NONE)  # whatever becomes of the person who made it
    answer = await asked(product, token["token"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["ready"] is None
    product.may(Right.ADMIN)
    (known,) = await listed(product)
    assert known["last_used_at"] == f"{now():%Y-%m-%d}T00:00:00Z"


async def test_a_token_opens_nothing_of_another_space(product: Product, ours: Home):
    token = (await made(product))["token"]
    async with ours.database.transaction(ours.site_id) as db:
        other = SpaceId("99")
        keyring = product.services.keyring
        await connections.save(db, ours.site_id, other, values(), keyring, by=None, now=NOW)
    known = await asked(product, token, READINESS.replace(SPACE, "99"))
    never = await asked(product, token, READINESS.replace(SPACE, "98"))
    assert plain(known) == plain(never)
    assert known.status_code == 404


async def test_whatever_opens_nothing_gets_one_answer(product: Product, ours: Home, theirs: Home):
    revoked, expired = await made(product), await made(product, name="Old", expires_in_days=1)
    deleted = await product.call("DELETE", f"pipeline-tokens/{revoked['id']}")
    assert deleted.status_code == 204
    whole = (await made(product, name="Whole"))["token"]
    async with ours.database.transaction(ours.site_id) as db:
        proof = pipeline_tokens.proof_of(expired["token"])
        assert proof is not None
        later = now() + timedelta(days=1, seconds=1)
        assert await pipeline_tokens.opened(db, ours.site_id, proof.digest, later) is None
        assert await pipeline_tokens.opened(db, ours.site_id, proof.digest, now()) is not None
    texts = [
        revoked["token"],
        PREFIX + "A" * 64,
        PREFIX,
        PREFIX + "=" * 64,
        whole[:-1],
        whole + "A",
        whole.replace(PREFIX, "plumbline-"),
        "",
    ]
    answers = [plain(await asked(product, text)) for text in texts]
    answers.append(plain(await product.http.get(READINESS)))
    assert answers[0][0] == 401
    assert all(answer == answers[0] for answer in answers)


async def test_a_token_of_a_site_is_unknown_to_another(product: Product, ours: Home, theirs: Home):
    proof = pipeline_tokens.proof_of((await made(product))["token"])
    assert proof is not None
    async with theirs.database.transaction(theirs.site_id) as db:
        assert await pipeline_tokens.opened(db, theirs.site_id, proof.digest, now()) is None
    token = (await made(product, name="Another"))["token"]
    product.issuer = "theirs"
    assert await listed(product) == []
    product.may(Right.NONE)
    assert (
        await asked(product, token)
    ).status_code == 200  # it names its own site, not the caller's


async def test_only_an_admin_sees_or_makes_tokens(product: Product, ours: Home):
    product.may(Right.EDITOR)
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/0123")):
        answer = await product.call(method, f"pipeline-tokens{path}", None)
        assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "a\u0000b"},
        {"name": "a", "expires_in_days": 0},
        {"name": "a", "expires_in_days": 4000},
        {"name": "a", "expires_in_days": "7"},
        {"name": "a", "space_id": "1"},
    ],
)
async def test_a_bad_wish_makes_nothing(product: Product, ours: Home, body: dict[str, Any]):
    answer = await product.call("POST", "pipeline-tokens", body)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"]
    assert await listed(product) == []


async def test_a_space_that_was_never_connected_has_no_tokens(product: Product, ours: Home):
    answer = await product.call("POST", "/api/spaces/99/pipeline-tokens", {"name": "Release"})
    assert answer.status_code == 409
    assert "Connect this space" in answer.json()["error"]["message"]


async def test_a_space_has_so_many_tokens_and_no_more(
    product: Product, ours: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pipeline_tokens, "MOST_TOKENS", 1)
    await made(product)
    answer = await product.call("POST", "pipeline-tokens", {"name": "One more"})
    assert answer.status_code == 409
    assert len(await listed(product)) == 1


async def test_a_revoked_token_is_gone_and_both_acts_are_in_the_log(product: Product, ours: Home):
    token = await made(product)
    path = f"pipeline-tokens/{token['id']}"
    assert (await product.call("DELETE", path)).status_code == 204
    assert (await product.call("DELETE", path)).status_code == 404
    assert (await product.call("DELETE", "pipeline-tokens/no-id")).status_code == 404
    acts = [
        entry for entry in (await product.get("audit"))["audit"] if "pipeline" in entry["action"]
    ]
    assert [(act["action"], act["object_id"]) for act in acts] == [
        ("pipeline_token_revoked", token["id"]),
        ("pipeline_token_made", token["id"]),
    ]


async def test_an_uninstallation_ends_tokens_for_good(product: Product, ours: Home):
    token = (await made(product))["token"]
    await uninstall(product)
    assert (await asked(product, token)).status_code == 401
    path = "/connect/installed"
    headers = {"Authorization": f"JWT {product.token('install', 'POST', path)}"}
    await product.http.post(path, json=product.lifecycle_body(), headers=headers)
    assert (await product.call("GET", "posture")).status_code == 200
    assert (await asked(product, token)).status_code == 401


async def test_a_space_that_left_has_no_open_tokens(product: Product, ours: Home):
    token = (await made(product))["token"]
    async with ours.database.transaction(ours.site_id) as db:
        await agenda.purge_space_at(db, ours.site_id, SPACE, now() + timedelta(days=30))
    assert (await asked(product, token)).status_code == 401
