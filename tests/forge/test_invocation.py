"""Invocation tokens at the door: one good form, and every other one refused alike."""

from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.connect.atlassian import by_hand, hs256
from tests.forge import atlassian
from tests.forge.atlassian import APP_ID, FOREIGN_KEY, KEY, OTHER_APP_ID, app_part, context_part
from tests.forge.conftest import Forge
from tests.web.product import now

PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def said(**changes: Any) -> dict[str, Any]:
    return atlassian.claims("ours", now(), **changes)


def app(**changes: Any) -> dict[str, Any]:
    return said(app=app_part("ours", **changes))


def context(**changes: Any) -> dict[str, Any]:
    return said(context=context_part("ours", **changes))


def at(**offset: float) -> int:
    return int((now() + timedelta(**offset)).timestamp())


def base(host: str = "https://api.atlassian.com", cloud: str = "") -> str:
    return f"{host}/ex/confluence/{cloud or atlassian.cloud_of('ours')}"


SIGNED = {
    "expired": lambda: said(exp=at(seconds=-6)),
    "not yet valid": lambda: said(nbf=at(seconds=30)),
    "issued in the future": lambda: said(iat=at(seconds=30)),
    "no time at all": lambda: said(nbf=None),
    "a time of another type": lambda: said(exp="tomorrow"),
    "a time beyond all times": lambda: said(exp=10**30),
    "other audience": lambda: said(aud=OTHER_APP_ID),
    "two audiences": lambda: said(aud=[APP_ID, OTHER_APP_ID]),
    "other issuer": lambda: said(iss="forge/other-token"),
    "another app than the audience": lambda: app(id=OTHER_APP_ID),
    "an unknown app": lambda: said(aud=OTHER_APP_ID, app=app_part("ours", id=OTHER_APP_ID)),
    "no app": lambda: said(app=None),
    "no installation": lambda: app(installationId=None, installation=None),
    "two installations": lambda: app(installationId="another"),
    "a foreign host": lambda: app(apiBaseUrl=base("https://evil.example")),
    "a host with the right end": lambda: app(apiBaseUrl=base("https://x.api.atlassian.com")),
    "a host behind a user": lambda: app(apiBaseUrl=base("https://api.atlassian.com@evil.example")),
    "plain http": lambda: app(apiBaseUrl=base("http://api.atlassian.com")),
    "another cloud": lambda: app(apiBaseUrl=base(cloud="other")),
    "a context of another cloud": lambda: context(cloudId="other"),
    "an isolated cloud": lambda: said(icLabel="somewhere"),
    "nobody": lambda: said(principal=None),
    "a principal of another form": lambda: said(principal="<script>"),
    "an unknown module": lambda: context(moduleKey="another-module"),
    "no module": lambda: context(moduleKey=None),
}

OTHERWISE = {
    "wrong key": lambda: atlassian.signed(said(), FOREIGN_KEY),
    "unknown key id": lambda: atlassian.signed(said(), KEY, "forge-9"),
    "no key id": lambda: jwt.encode(said(), KEY, algorithm="RS256"),
    "HS256 with the public key": lambda: hs256(said(), PEM, kid="forge-1"),
    "none": lambda: by_hand({"alg": "none", "kid": "forge-1"}, said(), b""),
    "its own key's address": lambda: jwt.encode(
        said(), KEY, algorithm="RS256", headers={"kid": "forge-1", "jku": "https://evil.example"}
    ),
    "no token": lambda: "x",
    "a long text": lambda: "a" * 12_000 + ".b.c",
}


def without_id(answer: httpx.Response) -> dict[str, Any]:
    return answer.json()["error"] | {"request_id": ""}


async def test_a_sound_token_opens_the_page(forge: Forge) -> None:
    assert (await forge.opened())["token"]


async def test_the_same_token_is_good_again(forge: Forge) -> None:
    token = forge.product.invocation()
    assert [(await forge.call(token)).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("what", SIGNED)
async def test_a_signed_token_is_refused_for(forge: Forge, what: str) -> None:
    answer = await forge.call(atlassian.signed(SIGNED[what]()))
    assert answer.status_code == 401
    assert without_id(answer) == without_id(await forge.call("x"))


@pytest.mark.parametrize("what", OTHERWISE)
async def test_a_token_is_refused_for(forge: Forge, what: str) -> None:
    answer = await forge.call(OTHERWISE[what]())
    assert answer.status_code == 401
    assert without_id(answer) == without_id(await forge.call("x"))


async def test_a_token_of_connect_is_refused_on_a_route_of_forge(forge: Forge) -> None:
    token = forge.product.token("context", "POST", "/forge/open")
    assert (await forge.call(token)).status_code == 401
    headers = {"Authorization": f"JWT {forge.product.invocation()}"}
    answer = await forge.product.http.post("/forge/open", json={}, headers=headers)
    assert answer.status_code == 401


async def test_a_token_of_forge_is_refused_on_routes_of_connect(forge: Forge) -> None:
    token = forge.product.invocation()
    for path in ("/pages/posture?spaceId=65538", f"/pages/posture?spaceId=65538&jwt={token}"):
        assert (await forge.get(path, token)).status_code == 401
    assert (await forge.get("/api/spaces/65538/posture", token)).status_code == 401


async def test_without_the_persons_own_token_nothing_is_opened(forge: Forge) -> None:
    answer = await forge.call(forge.product.invocation(), user_token=None)
    assert answer.status_code == 401


async def test_keys_that_are_away_refuse_and_are_asked_for_again_later(forge: Forge) -> None:
    asked = []

    def away(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503)

    well = forge.product.atlassian.replies[atlassian.JWKS_HOST]
    forge.product.atlassian.replies[atlassian.JWKS_HOST] = away
    for _ in range(3):
        assert (await forge.call(forge.product.invocation())).status_code == 401
    assert len(asked) == 1
    forge.product.atlassian.replies[atlassian.JWKS_HOST] = well
    forge.product.services.forge._keys._not_before = now()
    assert (await forge.call(forge.product.invocation())).status_code == 200


async def test_unknown_key_ids_do_not_cause_a_look_up_each(forge: Forge) -> None:
    await forge.opened()
    for number in range(20):
        await forge.call(atlassian.signed(said(), KEY, f"unknown-{number}"))
    assert len(forge.product.atlassian.requests_to(atlassian.JWKS_HOST)) == 1


async def test_a_space_that_is_signed_by_its_key_alone_is_asked_about(forge: Forge) -> None:
    def confluence(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/spaces"):
            found = [{"id": "77", "key": "ORD"}] if request.url.params["keys"] == "ORD" else []
            return httpx.Response(200, json={"results": found})
        return forge.product.atlassian.confluence(request)

    forge.product.atlassian.replies["api.atlassian.com"] = confluence
    place = {"extension": {"space": {"key": "ORD"}}}
    opened = await forge.opened(context=context_part("ours", **place))
    assert (await forge.get("/api/spaces/77/posture", opened["token"])).status_code == 200
    assert (await forge.get("/api/spaces/65538/posture", opened["token"])).status_code == 404
    nowhere = context_part("ours", extension={"space": {"key": "NOPE"}})
    answer = await forge.call(forge.product.invocation(context=nowhere))
    assert answer.status_code == 404
