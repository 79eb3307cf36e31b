"""A call that does not succeed at once: repeated, waited for, or explained."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from app.anypoint.errors import (
    Away,
    BadAnswer,
    CouldNotRead,
    CredentialsRefused,
    Gone,
    NotAllowed,
    Throttled,
    TokenRefused,
)
from tests.anypoint.conftest import START, TEST, Anypoint, ByHand

GOOD = httpx.Response(200, json=[])


def answer(status: int, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=names)


async def policies(by_hand: ByHand, *answers: httpx.Response) -> list[object]:
    by_hand.answers["/policies"] = list(answers)
    return list(await by_hand.client.policies("org", TEST, 5))


async def test_a_revoked_token_is_renewed_without_the_caller_noticing(anypoint: Anypoint) -> None:
    test = anypoint.environment("Test")
    before = await anypoint.instances(test)
    anypoint.set_up(revoke=True)
    assert await anypoint.instances(test) == before
    assert anypoint.control.stats.tokens == 2


async def test_one_call_renews_the_token_for_all_that_wait(anypoint: Anypoint) -> None:
    await anypoint.client.own_organization()
    anypoint.set_up(revoke=True, latency_ms=2)
    test = anypoint.environment("Test")
    await asyncio.gather(*(anypoint.instances(test) for _ in range(12)))
    assert anypoint.control.stats.tokens == 2


@pytest.mark.parametrize("life", [100, "100", 100.0])
async def test_a_token_is_renewed_after_four_fifths_of_its_life(
    anypoint: Anypoint, life: object
) -> None:
    anypoint.set_up(token_seconds=life)
    await anypoint.client.own_organization()
    anypoint.clock.passed = 79
    await anypoint.client.own_organization()
    assert anypoint.control.stats.tokens == 1
    anypoint.clock.passed = 81
    await anypoint.client.own_organization()
    assert anypoint.control.stats.tokens == 2


async def test_a_token_that_does_not_say_how_long_it_lives_lives_an_hour(
    anypoint: Anypoint,
) -> None:
    anypoint.set_up(token_seconds=None)
    await anypoint.client.own_organization()
    anypoint.clock.passed = 2000
    await anypoint.client.own_organization()
    assert anypoint.control.stats.tokens == 1


async def test_refused_credentials_end_everything_with_one_question(anypoint: Anypoint) -> None:
    client = anypoint.signed_in("wrong")
    test = anypoint.environment("Test")
    calls = (client.automated_policies(anypoint.organization_id, test) for _ in range(8))
    problems = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(problem) for problem in problems} == {CredentialsRefused}
    assert anypoint.control.stats.requests == 1


async def test_a_second_401_means_that_the_app_was_revoked(by_hand: ByHand) -> None:
    with pytest.raises(TokenRefused):
        await policies(by_hand, answer(401))
    assert by_hand.times("/policies") == 2
    assert by_hand.times("token") == 2


async def test_a_token_endpoint_that_is_away_is_asked_again(by_hand: ByHand) -> None:
    good = httpx.Response(200, json={"access_token": "t", "expires_in": "3600"})
    by_hand.answers["token"] = [answer(503), httpx.Response(200, text="<html>"), good]
    assert await policies(by_hand, GOOD) == []
    assert by_hand.times("/policies") == 1


async def test_a_token_endpoint_that_is_away_at_a_renewal_is_asked_again(by_hand: ByHand) -> None:
    tokens = [httpx.Response(200, json={"access_token": name}) for name in ("one", "two")]
    by_hand.answers["token"] = [tokens[0], answer(503), tokens[1]]
    assert await policies(by_hand, answer(401), GOOD) == []


async def test_a_control_plane_without_the_sign_in_is_no_missing_organisation(
    by_hand: ByHand,
) -> None:
    by_hand.answers["token"] = answer(404)
    with pytest.raises(BadAnswer, match="sign-in"):
        await policies(by_hand, GOOD)


@pytest.mark.parametrize("token", [None, 5, "two\nlines", "ü"])
async def test_a_token_that_no_header_takes_is_not_used(by_hand: ByHand, token: object) -> None:
    by_hand.answers["token"] = {"access_token": token}
    with pytest.raises(Away):
        await policies(by_hand, GOOD)
    assert by_hand.times("/policies") == 0


async def test_a_secret_is_in_no_error_and_in_no_repr(by_hand: ByHand) -> None:
    by_hand.answers["token"] = answer(401)
    with pytest.raises(CredentialsRefused) as problem:
        await policies(by_hand, GOOD)
    calls = by_hand.client._calls
    assert "secret" not in repr(problem.value.__dict__) + repr(calls._auth._credentials)


@pytest.mark.parametrize("status", [409, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(by_hand: ByHand, status: int) -> None:
    assert await policies(by_hand, answer(status), answer(status), GOOD) == []


@pytest.mark.parametrize(
    "body", [b"", b"<html>busy</html>", b'[{"id": 1', b"null and void", b'{"a": NaN}']
)
async def test_a_body_that_is_not_whole_json_is_tried_again(by_hand: ByHand, body: bytes) -> None:
    assert await policies(by_hand, httpx.Response(200, content=body), GOOD) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"", "not data"), (b"<html>", "web page"), (b'[{"id": 1', "broke off")],
)
async def test_a_body_that_never_is_json_is_a_failure_and_no_empty_list(
    by_hand: ByHand, body: bytes, words: str
) -> None:
    with pytest.raises(BadAnswer, match=words):
        await policies(by_hand, httpx.Response(200, content=body))


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("reset"),
        httpx.DecodingError("damaged"),
    ],
)
async def test_trouble_on_the_way_ends_after_five_tries(
    by_hand: ByHand, trouble: Exception
) -> None:
    by_hand.answers["/policies"] = trouble
    with pytest.raises(Away):
        await by_hand.client.policies("org", TEST, 5)
    assert by_hand.times("/policies") == 5


async def test_an_answer_that_is_too_large_is_not_asked_for_again(by_hand: ByHand) -> None:
    by_hand.answers["/policies"] = httpx.RequestError("too large")
    with pytest.raises(BadAnswer, match="larger"):
        await by_hand.client.policies("org", TEST, 5)
    assert by_hand.times("/policies") == 1


@pytest.mark.parametrize(
    ("status", "problem", "words"),
    [
        (400, BadAnswer, "status 400"),
        (403, NotAllowed, "Ask an Anypoint administrator for View Policies."),
        (404, Gone, "not there any more"),
        (302, BadAnswer, "status 302"),
        (204, BadAnswer, "status 204"),
    ],
)
async def test_a_final_answer_is_not_asked_for_again(
    by_hand: ByHand, status: int, problem: type[CouldNotRead], words: str
) -> None:
    refused = httpx.Response(status, headers={"location": "http://elsewhere.test/"}, text="<b>no")
    with pytest.raises(problem, match=words) as raised:
        await policies(by_hand, refused)
    assert by_hand.times("/policies") == 1
    assert "<b>" not in raised.value.reason


async def test_a_stated_wait_is_kept_and_costs_no_try(by_hand: ByHand) -> None:
    throttled = [answer(429, Retry_After="7") for _ in range(9)]
    assert await policies(by_hand, *throttled, GOOD) == []
    assert by_hand.clock.passed >= 63
    assert by_hand.times("/policies") == 10


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "30"},
        {"Retry_After": format_datetime(START + timedelta(seconds=30), usegmt=True)},
        {
            # The server's clock is an hour ahead: only the difference counts.
            "Date": format_datetime(START + timedelta(hours=1), usegmt=True),
            "X_RateLimit_Reset": str(int((START + timedelta(hours=1, seconds=30)).timestamp())),
        },
    ],
)
@pytest.mark.parametrize("status", [429, 503, 500])
async def test_every_way_to_state_a_wait_is_understood(
    by_hand: ByHand, status: int, headers: dict[str, str]
) -> None:
    await policies(by_hand, answer(status, **headers), GOOD)
    assert 30 <= by_hand.clock.passed < 31


@pytest.mark.parametrize("nonsense", ["-5", "0", "soon", "9" * 30, "99999999", ""])
async def test_a_nonsensical_wait_is_a_short_one(by_hand: ByHand, nonsense: str) -> None:
    await policies(by_hand, answer(429, Retry_After=nonsense, X_RateLimit_Reset=nonsense), GOOD)
    assert 0 < by_hand.clock.passed <= 1


async def test_a_wait_beyond_the_cap_is_said_and_not_waited_for(by_hand: ByHand) -> None:
    with pytest.raises(Throttled) as problem:
        await policies(by_hand, answer(429, Retry_After="1200"))
    assert problem.value.until == START + timedelta(minutes=20)
    assert problem.value.reason == "Anypoint limits the number of calls until 12:20 UTC."
    assert by_hand.clock.passed == 0
    with pytest.raises(Throttled):
        await by_hand.client.tiers("org", TEST, 5)
    assert by_hand.times("/tiers") == 0


async def test_an_endless_throttling_ends_within_the_cap(by_hand: ByHand) -> None:
    with pytest.raises((Throttled, Away)):
        await policies(by_hand, answer(429))
    assert by_hand.clock.passed < 200
    assert by_hand.times("/policies") < 20


@pytest.mark.parametrize("status", [429, 503])
async def test_a_minute_of_refusals_without_a_word_is_waited_out(
    by_hand: ByHand, status: int
) -> None:
    def busy(_request: httpx.Request) -> httpx.Response:
        return answer(status) if by_hand.clock.passed < 60 else GOOD

    by_hand.answers["/policies"] = busy
    reads = (by_hand.client.policies("org", TEST, number) for number in range(1, 61))
    assert await asyncio.gather(*reads) == [[]] * 60
    assert by_hand.times("/policies") < 90


async def test_an_anypoint_that_stays_away_is_not_asked_for_ever(anypoint: Anypoint) -> None:
    test = anypoint.environment("Test")
    listed = await anypoint.instances(test)
    before = anypoint.control.stats.requests
    anypoint.set_up(faults=[{"action": "status", "status": 503}])
    reads = (
        anypoint.client.policies(anypoint.organization_id, test, item.instance_id)
        for item in listed
        for _ in range(30)
    )
    problems = await asyncio.gather(*reads, return_exceptions=True)
    assert {type(problem) for problem in problems} == {Away}
    assert anypoint.control.stats.requests - before < len(problems) * 1.6


async def test_repetitions_stay_within_half_of_the_calls(by_hand: ByHand) -> None:
    by_hand.answers["/policies"] = httpx.Response(200, text="<html>")
    by_hand.answers["/tiers"] = {"total": 0, "tiers": []}
    for number in range(1, 61):
        with pytest.raises(BadAnswer):
            await by_hand.client.policies("org", TEST, number)
        await by_hand.client.tiers("org", TEST, number)
    assert by_hand.times("/policies") <= 60 + 20 + 60
