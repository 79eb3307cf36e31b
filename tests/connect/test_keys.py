"""Install keys: fetched once, and every way of not getting one is the same refusal."""

import asyncio

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from app.connect import keys
from app.connect.keys import InstallKeys
from app.errors import NotAuthenticated
from tests.connect.atlassian import INSTALL_KEY, KEYS_URL, Atlassian, Clock, pem

HOST = "keys.example.com"


@pytest.fixture
def atlassian() -> Atlassian:
    return Atlassian()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def install_keys(atlassian, clock):
    async with atlassian.client() as http:
        yield InstallKeys(http, f"{KEYS_URL}/", clock)


async def test_a_key_is_fetched_once_and_kept(atlassian, clock, install_keys):
    first = await install_keys.key("k1")
    clock.pass_(days=400)
    assert await install_keys.key("k1") is first
    assert first.public_numbers() == INSTALL_KEY.public_key().public_numbers()
    assert [str(request.url) for request in atlassian.asked] == [f"{KEYS_URL}/k1"]


async def test_installs_at_the_same_time_share_one_fetch(atlassian, install_keys):
    await asyncio.gather(*(install_keys.key("k1") for _ in range(5)))
    assert len(atlassian.asked) == 1


async def test_an_unknown_key_is_not_asked_for_again_at_once(atlassian, clock, install_keys):
    for _ in range(3):
        with pytest.raises(NotAuthenticated):
            await install_keys.key("k2")
    assert len(atlassian.asked) == 1
    atlassian.keys["k2"] = pem(INSTALL_KEY)
    clock.pass_(seconds=61)
    assert await install_keys.key("k2")


def ec_pem() -> str:
    return pem(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(403, html="<html>Forbidden</html>"),
        httpx.Response(404, html="<html>Not found</html>"),
        httpx.Response(200, html="<html>Welcome</html>"),
        httpx.Response(200, text=""),
        httpx.Response(200, text="-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----"),
        httpx.Response(200, text=ec_pem()),
        httpx.Response(200, text=pem(generate_private_key(65537, 1024))),
        httpx.Response(200, text=pem(INSTALL_KEY) + "x" * 20_000),
        httpx.Response(302, headers={"Location": f"{KEYS_URL}/k1"}),
        httpx.Response(500),
        httpx.Response(503, html="<html>Away</html>"),
        httpx.Response(429),
    ],
)
async def test_an_answer_that_is_no_key_is_refused_and_never_kept(atlassian, install_keys, reply):
    atlassian.replies[HOST] = lambda _: reply
    with pytest.raises(NotAuthenticated):
        await install_keys.key("k3")
    assert install_keys.failed == 1
    assert len(atlassian.asked) == 1


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.DecodingError])
async def test_a_host_that_cannot_be_reached_is_asked_again_next_time(
    atlassian, install_keys, error, caplog
):
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("away")

    atlassian.replies[HOST] = fail
    with pytest.raises(NotAuthenticated):
        await install_keys.key("k1")
    assert "may be retried" in caplog.text
    del atlassian.replies[HOST]
    assert await install_keys.key("k1")


async def test_a_host_that_never_answers_costs_seconds_and_no_more(clock, monkeypatch):
    monkeypatch.setattr(keys, "FETCH_SECONDS", 0.05)

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10)
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as http:
        with pytest.raises(NotAuthenticated):
            await InstallKeys(http, KEYS_URL, clock).key("k1")


async def test_look_ups_are_limited_per_minute_and_known_keys_are_not_affected(
    atlassian, clock, install_keys
):
    await install_keys.key("k1")
    for number in range(100):
        with pytest.raises(NotAuthenticated):
            await install_keys.key(f"guess-{number}")
    assert len(atlassian.asked) == keys.LOOKUPS_PER_MINUTE
    assert await install_keys.key("k1")
    clock.pass_(seconds=61)
    with pytest.raises(NotAuthenticated):
        await install_keys.key("guess-100")
    assert len(atlassian.asked) == keys.LOOKUPS_PER_MINUTE + 1
