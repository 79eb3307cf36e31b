"""Acting as a user: how a token is asked for, kept, renewed and dropped."""

import asyncio
from dataclasses import replace

import httpx
import jwt
import pytest

from app.caller import AccountId, SiteId
from app.connect.impersonation import ImpersonationRefused, User, UserTokens
from app.errors import Unavailable
from tests.connect.atlassian import NOW, OAUTH_URL, Atlassian, Clock, form_of, seconds

HOST = "oauth.example.com"
SITE_URL = "https://ours.atlassian.net/wiki"
ALICE = User(
    site_id=SiteId("11111111-1111-4111-8111-111111111111"),
    account_id=AccountId("557058:alice"),
    oauth_client_id="client-1",
    base_url=SITE_URL,
    shared_secret="the secret of our own site, 32 bytes and more",
)
BOB = replace(ALICE, account_id=AccountId("557058:bob"))


@pytest.fixture
def atlassian() -> Atlassian:
    return Atlassian()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def http(atlassian):
    async with atlassian.client() as client:
        yield client


@pytest.fixture
def user_tokens(http, clock) -> UserTokens:
    return UserTokens(http, f"{OAUTH_URL}/", clock)


async def test_a_grant_is_asked_for_with_an_assertion_of_the_site(atlassian, user_tokens):
    assert await user_tokens.token(ALICE) == "token-1"
    request = atlassian.asked[0]
    form = form_of(request)
    assert str(request.url) == f"{OAUTH_URL}/oauth2/token"
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert form["scope"] == "READ"
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    assertion = form["assertion"]
    assert jwt.decode(assertion, ALICE.shared_secret, algorithms=["HS256"], options=options) == {
        "iss": "urn:atlassian:connect:clientid:client-1",
        "sub": "urn:atlassian:connect:useraccountid:557058:alice",
        "tnt": SITE_URL,
        "aud": OAUTH_URL,
        "iat": seconds(NOW),
        "exp": seconds(NOW) + 60,
    }


async def test_a_token_is_kept_for_one_person_until_shortly_before_it_expires(
    atlassian, user_tokens, clock
):
    await user_tokens.token(ALICE)
    clock.pass_(seconds=719)
    assert await user_tokens.token(ALICE) == "token-1"
    assert await user_tokens.token(BOB) == "token-2"
    clock.pass_(seconds=1)
    assert await user_tokens.token(ALICE) == "token-3"


async def test_questions_at_the_same_time_share_one_grant(atlassian, user_tokens):
    await asyncio.gather(*(user_tokens.token(ALICE) for _ in range(5)))
    assert atlassian.grants == 1


async def test_a_request_carries_the_token(atlassian, http, user_tokens):
    await http.get(f"{SITE_URL}/api/v2/spaces/1", auth=user_tokens.auth(ALICE))
    assert atlassian.asked[-1].headers["authorization"] == "Bearer token-1"


async def test_a_token_refused_once_is_renewed_once(atlassian, http, user_tokens):
    await user_tokens.token(ALICE)
    atlassian.revoked = {"token-1"}
    auth = user_tokens.auth(ALICE)
    assert (await http.get(f"{SITE_URL}/api/v2/spaces/1", auth=auth)).status_code == 200
    assert atlassian.grants == 2


async def test_a_second_refusal_is_the_answer(atlassian, http, user_tokens):
    atlassian.revoked = {"token-1", "token-2", "token-3"}
    auth = user_tokens.auth(ALICE)
    assert (await http.get(f"{SITE_URL}/api/v2/spaces/1", auth=auth)).status_code == 401
    assert atlassian.grants == 2


async def test_requests_refused_together_share_one_renewal(atlassian, http, user_tokens):
    await user_tokens.token(ALICE)
    atlassian.revoked = {"token-1"}
    auth = user_tokens.auth(ALICE)
    url = f"{SITE_URL}/api/v2/spaces/1"
    answers = await asyncio.gather(*(http.get(url, auth=auth) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert atlassian.grants == 2


async def test_a_sites_tokens_are_dropped_together_and_others_stay(atlassian, user_tokens):
    elsewhere = replace(ALICE, site_id=SiteId("22222222-2222-4222-8222-222222222222"))
    for user in (ALICE, BOB, elsewhere):
        await user_tokens.token(user)
    user_tokens.drop(ALICE.site_id)
    assert await user_tokens.token(elsewhere) == "token-3"
    assert await user_tokens.token(ALICE) == "token-4"
    assert await user_tokens.token(BOB) == "token-5"


async def test_a_new_secret_is_never_served_a_token_of_the_old_one(user_tokens):
    await user_tokens.token(ALICE)
    renewed = replace(ALICE, shared_secret="another secret of the same old site, long")
    assert await user_tokens.token(renewed) == "token-2"


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_person_for_whom_nothing_is_granted_is_refused(atlassian, user_tokens, status):
    atlassian.replies[HOST] = lambda _: httpx.Response(status, json={"error": "invalid_grant"})
    with pytest.raises(ImpersonationRefused):
        await user_tokens.token(ALICE)


GOOD = {"access_token": "x", "expires_in": 900, "token_type": "Bearer"}


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(500),
        httpx.Response(503, headers={"Retry-After": "5"}),
        httpx.Response(429),
        httpx.Response(302, headers={"Location": "https://evil.example/"}),
        httpx.Response(201, json=GOOD),
        httpx.Response(200, html="<html>Welcome</html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json=GOOD | {"token_type": "mac"}),
        httpx.Response(200, json=GOOD | {"access_token": None}),
        httpx.Response(200, json=GOOD | {"access_token": ""}),
        httpx.Response(200, json=GOOD | {"access_token": "x\r\nHost: evil"}),
        httpx.Response(200, json=GOOD | {"access_token": "x" * 9000}),
        httpx.Response(200, json=GOOD | {"expires_in": "900"}),
        httpx.Response(200, json=GOOD | {"expires_in": True}),
        httpx.Response(200, json=GOOD | {"expires_in": 0}),
        httpx.Response(200, text="[" * 100_000),
    ],
)
async def test_an_odd_grant_is_no_grant(atlassian, user_tokens, reply):
    atlassian.replies[HOST] = lambda _: reply
    with pytest.raises(Unavailable):
        await user_tokens.token(ALICE)


async def test_a_server_that_is_away_leaves_nothing_behind(atlassian, user_tokens):
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    atlassian.replies[HOST] = fail
    with pytest.raises(Unavailable):
        await user_tokens.token(ALICE)
    del atlassian.replies[HOST]
    assert await user_tokens.token(ALICE) == "token-1"


async def test_a_very_long_life_is_not_believed(atlassian, user_tokens, clock):
    atlassian.replies[HOST] = lambda _: httpx.Response(200, json=GOOD | {"expires_in": 1e300})
    await user_tokens.token(ALICE)
    clock.pass_(hours=1)
    await user_tokens.token(ALICE)
    assert len(atlassian.asked) == 2


def test_a_user_is_shown_without_the_secret():
    assert "secret of our own" not in repr(ALICE)
