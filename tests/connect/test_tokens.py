"""Tokens of the Connect door: what is accepted, and everything that is not."""

import logging
import math

import jwt
import pytest

from app.connect.tokens import (
    CONTEXT_HASH,
    hs256_issuer,
    require_hash,
    rs256_key_id,
    verify_hs256,
    verify_rs256,
)
from app.errors import NotAuthenticated
from app.hs256 import Key
from tests.connect.atlassian import (
    BASE_URL,
    FOREIGN_KEY,
    INSTALL_KEY,
    NOW,
    by_hand,
    claims,
    hs256,
    pem,
    rs256,
    seconds,
)

SECRET = "the secret of our own site, 32 bytes and more"
NOW_SECONDS = seconds(NOW)


def ours(**changes):
    return claims("ours", CONTEXT_HASH, **changes)


def verified(**changes):
    return verify_hs256(hs256(ours(**changes), SECRET), Key(SECRET), NOW)


def verified_install(**changes):
    content = ours(aud=[BASE_URL]) | changes
    token = rs256(content, INSTALL_KEY)
    return verify_rs256(token, INSTALL_KEY.public_key(), BASE_URL, NOW)


def test_a_good_token_says_who_and_where():
    found = verified(context={"confluence": {"space": {"id": 98305, "key": "ORD"}}}, aud=["x"])
    assert found.issuer == "ours"
    assert found.account_id == "5b10a2844c20165700ede21g"
    assert (found.space_id, found.space_key) == ("98305", "ORD")


@pytest.mark.parametrize("subject", [None, ""])
def test_a_token_without_a_subject_is_nobodys(subject):
    assert verified(sub=subject).account_id is None


@pytest.mark.parametrize(
    "context",
    [
        "text",
        [],
        {"confluence": []},
        {"confluence": {"space": "98305"}},
        {"confluence": {"space": {"id": "12x", "key": 5}}},
        {"confluence": {"space": {"id": [], "key": ""}}},
        {"confluence": {"space": {"id": True}}},
        {"user": {"accountId": "someone"}},
    ],
)
def test_a_context_of_another_shape_names_no_space(context):
    found = verified(context=context)
    assert (found.space_id, found.space_key) == (None, None)


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "qsh"])
def test_a_token_without_a_required_claim_is_refused(claim):
    with pytest.raises(NotAuthenticated):
        verified(**{claim: None})


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value", ["1900000000", True, [], {}, -1, 2**80, 10**400, 1e300, math.inf, math.nan]
)
def test_a_time_of_another_type_or_size_is_refused(claim, value):
    with pytest.raises(NotAuthenticated):
        verified(**{claim: value})


@pytest.mark.parametrize(
    "change",
    [
        {"iss": 5},
        {"iss": ["ours"]},
        {"qsh": 5},
        {"qsh": "\ud800"},
        {"sub": 5},
        {"sub": {"a": 1}},
        {"sub": "a b"},
        {"sub": "x" * 129},
        {"sub": "\ud800"},
        {"sub": "a\x00"},
    ],
)
def test_a_claim_of_another_type_is_refused(change):
    with pytest.raises(NotAuthenticated):
        verified(**change)


@pytest.mark.parametrize(
    "times",
    [
        {"exp": NOW_SECONDS - 59},
        {"iat": NOW_SECONDS + 60, "exp": NOW_SECONDS + 100},
        {"nbf": NOW_SECONDS + 60},
        {"exp": NOW_SECONDS + 0.5},
    ],
)
def test_a_minute_of_leeway_is_given(times):
    assert verified(**times).issuer == "ours"


@pytest.mark.parametrize(
    "times",
    [
        {"exp": NOW_SECONDS - 60},
        {"iat": NOW_SECONDS + 61, "exp": NOW_SECONDS + 100},
        {"nbf": NOW_SECONDS + 61},
    ],
)
def test_more_than_a_minute_is_not(times):
    with pytest.raises(NotAuthenticated):
        verified(**times)


def test_a_long_life_is_logged_and_not_refused(caplog):
    caplog.set_level(logging.INFO)
    verified(exp=NOW_SECONDS + 3601)
    assert "longer than an hour" in caplog.text


def test_a_token_of_another_secret_is_refused():
    with pytest.raises(NotAuthenticated):
        verify_hs256(hs256(ours(), "another secret, also of 32 bytes!"), Key(SECRET), NOW)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_with_the_right_secret_is_refused(algorithm):
    secret = SECRET * 2
    token = jwt.encode(ours(), secret, algorithm=algorithm)
    with pytest.raises(NotAuthenticated):
        hs256_issuer(token)
    with pytest.raises(NotAuthenticated):
        verify_hs256(token, Key(secret), NOW)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "hs256"},
        {"alg": "RS256", "kid": "k1"},
        {"alg": ["HS256"]},
        {"alg": None},
        {},
        [],
        "HS256",
        {"alg": "HS256", "crit": ["exp"]},
        {"alg": "HS256", "jku": "https://example.com"},
        {"alg": "HS256", "jwk": {}},
        {"alg": "HS256", "x5u": "https://example.com"},
    ],
)
def test_a_header_other_than_plain_hs256_is_refused_unread(header):
    with pytest.raises(NotAuthenticated):
        hs256_issuer(by_hand(header, ours()))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256"},
        {"alg": "RS256", "kid": ""},
        {"alg": "RS256", "kid": "../x"},
        {"alg": "RS256", "kid": "a/b"},
        {"alg": "RS256", "kid": "a?b"},
        {"alg": "RS256", "kid": "k1\n"},
        {"alg": "RS256", "kid": "ü"},
        {"alg": "RS256", "kid": "x" * 65},
        {"alg": "RS256", "kid": 5},
        {"alg": "RS512", "kid": "k1"},
        {"alg": "HS256", "kid": "k1"},
        {"alg": "none", "kid": "k1"},
        {"alg": "RS256", "kid": "k1", "jku": "https://example.com"},
    ],
)
def test_a_header_without_a_usable_key_id_is_refused(header):
    with pytest.raises(NotAuthenticated):
        rs256_key_id(by_hand(header, ours()))


@pytest.mark.parametrize(
    "issuer", [None, 5, "", [], "x" * 256, "nul\x00", "line\nbreak", "\ud800", {"a": 1}]
)
def test_an_issuer_that_cannot_be_looked_up_is_refused(issuer):
    with pytest.raises(NotAuthenticated):
        hs256_issuer(by_hand({"alg": "HS256"}, {"iss": issuer}))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c.d",
        "..",
        "a.b.c",
        "ü.b.c",
        "a b.c.d",
        "x" * 9000,
        by_hand({"alg": "HS256"}, ours()) + "=",
        by_hand({"alg": "HS256"}, {"iss": "ours", "more": "x" * 8200}),
    ],
)
def test_what_is_no_token_is_refused(token):
    with pytest.raises(NotAuthenticated):
        hs256_issuer(token)
    with pytest.raises(NotAuthenticated):
        rs256_key_id(token)


def test_endless_nesting_is_refused():
    deep: object = []
    for _ in range(900):
        deep = [deep]
    token = by_hand({"alg": "HS256", "x": deep}, {"iss": "ours", "x": deep})
    with pytest.raises(NotAuthenticated):
        verify_hs256(token, Key(SECRET), NOW)


@pytest.mark.parametrize(
    "audience",
    [BASE_URL, f"{BASE_URL}/", [BASE_URL], ["https://other.example.com", f"{BASE_URL}/"]],
)
def test_our_base_url_is_the_audience_with_a_slash_or_without(audience):
    assert verified_install(aud=audience).issuer == "ours"


@pytest.mark.parametrize(
    "audience",
    [
        "https://other.example.com",
        f"{BASE_URL}.evil.example",
        f"{BASE_URL}/path",
        f"{BASE_URL}//",
        BASE_URL.upper(),
        "plumbline.example.com",
        "",
        [],
        [[BASE_URL]],
        5,
        {BASE_URL: 1},
    ],
)
def test_another_audience_is_refused(audience):
    with pytest.raises(NotAuthenticated):
        verified_install(aud=audience)


def test_an_install_token_without_an_audience_is_refused():
    content = claims("ours", "hash")
    with pytest.raises(NotAuthenticated):
        verify_rs256(rs256(content, INSTALL_KEY), INSTALL_KEY.public_key(), BASE_URL, NOW)


def test_an_install_token_of_a_foreign_key_is_refused():
    content = claims("ours", "hash", aud=BASE_URL)
    with pytest.raises(NotAuthenticated):
        verify_rs256(rs256(content, FOREIGN_KEY), INSTALL_KEY.public_key(), BASE_URL, NOW)


def test_the_public_key_is_no_hs256_secret():
    content = claims("ours", "hash", aud=BASE_URL)
    token = hs256(content, pem(INSTALL_KEY), kid="k1")
    with pytest.raises(NotAuthenticated):
        rs256_key_id(token)
    with pytest.raises(NotAuthenticated):
        verify_rs256(token, INSTALL_KEY.public_key(), BASE_URL, NOW)


def test_a_hash_is_compared_whole():
    found = verified(qsh="a" * 64)
    require_hash(found, "a" * 64)
    for other in ("a" * 63, "b" * 64, CONTEXT_HASH, ""):
        with pytest.raises(NotAuthenticated):
            require_hash(found, other)
