"""The stand-in signs as Atlassian does: hashes, algorithms, keys, and who is named."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import jwt
import pytest

from sandbox import signing
from sandbox.sites import account_id
from tests.sandbox.world import APP_URL, World, world


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as made:
        yield made


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def hash_by_hand(url: str) -> str:
    """Return the hash of a GET whose parameters each occur once, without any library for it."""
    parts = urlsplit(url)
    pairs = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != "jwt"]
    encoded = sorted(f"{quote(k, safe='-._~')}={quote(v, safe='-._~')}" for k, v in pairs)
    return hashlib.sha256(f"GET&{parts.path}&{'&'.join(encoded)}".encode()).hexdigest()


async def frame_url(here: World, role: str, **body: Any) -> str:
    answer = await here.control("url", **{"as": role, "module": "tiny-page", **body})
    url: str = answer.json()["url"]
    return url


@pytest.mark.parametrize(
    ("method", "url", "digest"),
    [
        ("GET", "/test", "bad328fac990349a8c88393c1755bc4f984a9c387202229b8ed52e04ff7e9fec"),
        (
            "GET",
            "/test?param=value",
            "be16910858a41fd19ea5c1b4e9decca9a784d1024cb00b2158defe2f29dc86dd",
        ),
        (
            "GET",
            "/test?notmuch=",
            "20fecded9951516a3447b1b556d0eb350de29770505253a30dc739502e05ddc7",
        ),
        ("POST", "/installed", "4a2e1de8ca74e6cafe8862d332fa3ac7a8e51e692bc6d798ea4dfedc14948bf4"),
    ],
)
def test_a_query_hash_is_the_published_one(method: str, url: str, digest: str) -> None:
    assert signing.query_hash(method, APP_URL, APP_URL + url) == digest


async def test_an_installation_is_signed_with_the_key_that_the_key_host_serves(here: World) -> None:
    token = here.calls[0]["authorization"].removeprefix("JWT ")
    kid = jwt.get_unverified_header(token)["kid"]
    pem = await here.http.get(f"{here.ours.origin}/install-keys/{kid}")
    claims = jwt.decode(token, pem.text, algorithms=["RS256"], audience=APP_URL)
    assert claims["qsh"] == signing.query_hash("POST", APP_URL, APP_URL + "/installed")
    assert claims["iss"] == here.calls[0]["body"]["clientKey"] == here.ours.client_key


async def test_the_key_host_answers_html_for_a_key_it_does_not_have(here: World) -> None:
    answer = await here.http.get(f"{here.ours.origin}/install-keys/unknown")
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")


async def test_only_the_installation_carries_the_secret(here: World) -> None:
    installed, enabled = (call["body"] for call in here.calls)
    assert installed["sharedSecret"] == here.ours.shared_secret
    assert "sharedSecret" not in enabled


async def test_enabling_is_signed_with_the_shared_secret(here: World) -> None:
    token = here.calls[1]["authorization"].removeprefix("JWT ")
    claims = jwt.decode(token, here.ours.shared_secret, algorithms=["HS256"])
    assert claims["iss"] == here.ours.client_key


async def test_a_rotated_secret_is_handed_over_by_another_installation(here: World) -> None:
    before = here.ours.shared_secret
    await here.control("install", app_url=APP_URL, rotate_secret=True)
    assert here.calls[2]["body"]["sharedSecret"] == here.ours.shared_secret != before


async def test_a_frame_url_is_signed_over_all_its_parameters(here: World) -> None:
    url = await frame_url(here, "viewer", space="APIGOV")
    token = dict(parse_qsl(urlsplit(url).query))["jwt"]
    claims = jwt.decode(token, here.ours.shared_secret, algorithms=["HS256"])
    assert claims["qsh"] == hash_by_hand(url)
    assert claims["sub"] == account_id("viewer")


async def test_a_frame_of_a_person_without_a_right_names_no_space(here: World) -> None:
    query = dict(parse_qsl(urlsplit(await frame_url(here, "stranger", space="APIGOV")).query))
    assert "spaceId" not in query
    assert claims_of(query["jwt"])["sub"] == account_id("stranger")


async def test_a_right_that_was_lost_later_leaves_the_space_in_the_signed_address(
    here: World,
) -> None:
    url = await frame_url(here, "stranger", space="APIGOV", filtered=False)
    assert dict(parse_qsl(urlsplit(url).query))["spaceId"] == "98306"


async def test_an_anonymous_frame_names_nobody(here: World) -> None:
    url = await frame_url(here, "anonymous", space="APIGOV")
    assert "sub" not in claims_of(dict(parse_qsl(urlsplit(url).query))["jwt"])


async def test_a_context_token_has_the_constant_hash(here: World) -> None:
    answer = await here.control("token", **{"as": "editor", "space": "APIGOV"})
    claims = jwt.decode(answer.json()["token"], here.ours.shared_secret, algorithms=["HS256"])
    assert claims["qsh"] == "context-qsh"
    assert claims["sub"] == account_id("editor")
    assert claims["context"]["confluence"]["space"] == {"id": "98306", "key": "APIGOV"}


async def test_the_sites_share_neither_secret_nor_client_key(here: World) -> None:
    assert here.ours.client_key != here.theirs.client_key
    assert here.ours.shared_secret != here.theirs.shared_secret
