"""Tokens, query hashes and Anypoint's payloads, whatever they are: an answer or a refusal."""

import base64
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import atlassian_jwt.url_utils
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.anypoint import payloads, translation
from app.anypoint.errors import CouldNotRead
from app.connect import tokens
from app.connect.query_hash import query_fields, query_string_hash
from app.errors import BadValue, NotAuthenticated
from app.hs256 import Key
from app.posture.secrets import sealed_configuration
from app.store.sections import canonical
from app.token_parts import TOKEN
from app.web.bodies import parsed
from tests.connect.atlassian import INSTALL_KEY, hs256

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
SECRET = "a secret that is long enough to sign with, 32 bytes"
FEW = settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def verified(token: str) -> None:
    """Do what the door does with a token of either algorithm."""
    with contextlib.suppress(NotAuthenticated):
        tokens.hs256_issuer(token)
        tokens.verify_hs256(token, Key(SECRET), NOW)
    with contextlib.suppress(NotAuthenticated):
        tokens.rs256_key_id(token)
        key = INSTALL_KEY.public_key()
        tokens.verify_rs256(token, key, "https://plumbline.example.com", NOW)


@FEW
@given(st.text(max_size=300) | st.from_regex(TOKEN, fullmatch=True))
def test_any_text_is_a_token_or_refused(token: str):
    verified(token)


@FEW
@given(
    st.sampled_from(["HS256", "RS256", "none", "", None, 7]) | anything,
    st.dictionaries(st.sampled_from(["kid", "jku", "crit", "b64", "typ", "zip"]), anything),
    st.dictionaries(
        st.sampled_from(["iss", "exp", "iat", "qsh", "sub", "aud", "context"]), anything
    ),
)
def test_any_header_and_claims_are_taken_or_refused(algorithm: Any, header: Any, claims: Any):
    verified(f"{part({'alg': algorithm} | header)}.{part(claims)}.{part('x')}")


@FEW
@given(
    st.fixed_dictionaries({"iss": anything, "exp": anything, "iat": anything, "qsh": anything}),
    st.dictionaries(st.sampled_from(["sub", "aud", "nbf", "jti", "context"]), anything),
)
def test_any_claims_that_are_truly_signed_are_taken_or_refused(needed: Any, further: Any):
    verified(hs256(needed | further, SECRET))


@pytest.mark.parametrize("depth", [100, 500, 900, 1000, 1023, 1024, 1400])
@pytest.mark.parametrize("place", ["header", "claims"])
def test_any_depth_is_refused(depth: int, place: str):
    nested = "[" * depth + "]" * depth
    header = '{"alg":"HS256","x":' + (nested if place == "header" else "1") + "}"
    claims = '{"iss":"ours","exp":1,"iat":1,"qsh":"x","y":' + nested + "}"
    parts = (header, claims if place == "claims" else '{"iss":"ours"}', "x")
    token = ".".join(base64.urlsafe_b64encode(p.encode()).rstrip(b"=").decode() for p in parts)
    with pytest.raises(NotAuthenticated):
        tokens.verify_hs256(token, Key(SECRET), NOW)


@FEW
@given(st.binary(max_size=200), st.binary(max_size=400), st.sampled_from(["", "/base"]))
def test_any_request_has_a_hash_or_is_refused(path: bytes, query: bytes, base_path: str):
    with contextlib.suppress(NotAuthenticated):
        assert len(query_string_hash("GET", path, query_fields(query), base_path)) == 64


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
FIELDS = st.lists(st.tuples(NAMES, st.text(st.characters(codec="utf-8"), max_size=8)), max_size=6)


@FEW
@given(FIELDS)
def test_the_hash_is_that_of_atlassians_own_package(fields: list[tuple[str, str]]):
    from urllib.parse import urlencode

    query = urlencode([(name, value) for name, value in fields if name != "jwt"])
    ours = query_string_hash("GET", b"/pages/posture", query_fields(query.encode()))
    assert ours == atlassian_jwt.url_utils.hash_url("GET", f"/pages/posture?{query}")


@FEW
@given(st.binary(max_size=400) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_strictly_or_refused(body: bytes):
    with contextlib.suppress(json.JSONDecodeError, BadValue):
        parsed(body)


@FEW
@given(anything, anything, st.dictionaries(st.text(max_size=12), anything, max_size=5))
def test_any_payload_is_translated_or_explained(asset: Any, instance: Any, item: Any):
    """And what is translated can be stored, whatever was in it."""
    policy = {"assetId": "p", "disabled": False, "configurationData": item}
    works = (
        lambda: translation.facts(*(payloads.mapping(one, "x") for one in (asset, instance))),
        lambda: translation.policies([policy | item], b"k" * 32),
        lambda: translation.tier({"name": "Gold"} | item),
        lambda: translation.contract({"status": "APPROVED", "applicationId": 1} | item),
        lambda: translation.automated_policies([policy | item], "env", b"k" * 32),
    )
    for work in works:
        with contextlib.suppress(CouldNotRead):
            assert b"\\u0000" not in canonical(work())


@FEW
@given(anything)
def test_any_configuration_is_sealed(configuration: Any):
    cleaned = payloads.cleaned(configuration)
    sealed_configuration(cleaned, group_id=None, asset_id="p", key=b"k" * 32)
