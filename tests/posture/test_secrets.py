"""Secrets: what is one, how it is sealed, and that nothing of it is ever shown."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.posture.model import MULESOFT_GROUP, Kind
from app.posture.secrets import is_secret_name, sealed_configuration, shown
from tests.posture.builders import KEY, assess, codes, make_policy, one, with_policies

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
)


def sealed(configuration: Any, asset_id: str = "x", group_id: str | None = "g") -> Any:
    return sealed_configuration(configuration, group_id=group_id, asset_id=asset_id, key=KEY)


@pytest.mark.parametrize(
    "name",
    ["password", "dbPassword", "db_passwd", "client-secret", "accessToken", "apiKey", "x-api-key",
     "APIKEY", "signingPrivateKey", "private_key", "passphrase", "Authorization", "credentials",
     "openamAuthorizationHeader", "authorization_header", "authorizationValue"],
)  # fmt: skip
def test_a_name_tells_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["passwordPolicy", "tokenUrl", "key", "clientIdExpression", "secretsCount", "", "-"]
)
def test_a_name_tells_no_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_equal_secrets_have_equal_fingerprints_under_one_key_alone() -> None:
    one_way = sealed({"password": "a"})
    assert one_way == sealed({"password": "a"})
    other = sealed_configuration({"password": "a"}, group_id="g", asset_id="x", key=b"other")
    assert one_way != other
    assert len(one_way["password"]["$secret"]) == 64


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"password": ""}, {"password": ""}),
        ({"password": None}, {"password": None}),
        ({"password": True}, {"password": True}),
        ({"password": "***"}, {"password": {"$masked": True}}),
        ({"a": "*"}, {"a": "*"}),
        ("odd", {}),
    ],
)
def test_what_is_not_a_secret_stays(given: Any, kept: Any) -> None:
    assert sealed(given) == kept


def test_secrets_are_found_at_any_depth() -> None:
    found = json.dumps(
        sealed(
            {
                "a": [{"b": {"password": ["hunter2", {"x": "hunter2"}]}}],
                "headers": [{"key": "Authorization", "value": "hunter2"}],
                "list": [{"name": "x-api-key", "value": "hunter2", "other": "stays"}],
                "flag": {"key": "cookie", "value": True},
                "url": "https://user:hunter2@host/p",
                "text": "see https://user:hunter2@host/ and ftp://hunter2@h",
            }
        )
    )
    assert "hunter2" not in found
    assert "stays" in found


def test_fields_of_the_table_decide_before_their_names() -> None:
    kept = sealed({"supportCredentials": "true"}, "cors", MULESOFT_GROUP)
    assert kept == {"supportCredentials": "true"}


def test_the_sample_key_is_marked_without_its_text() -> None:
    kept = sealed({"textKey": "your-256-bit-secret"}, "jwt-validation", MULESOFT_GROUP)
    assert kept["textKey"]["sample"] is True
    assert "256" not in json.dumps({**kept, "textKey": list(kept["textKey"])})


def test_nesting_without_end_is_cut() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    assert "too deeply" in json.dumps(sealed({"a": deep, "password": deep, "b": {"c": deep}}))


@given(st.dictionaries(st.text(max_size=9) | st.sampled_from(["password", "url"]), JSON))
def test_sealing_is_total_and_what_is_sealed_is_shown_masked(configuration: Any) -> None:
    assert "$secret" not in json.dumps(shown(sealed(configuration))) or "$secret" in json.dumps(
        configuration
    )


def test_lone_surrogates_do_no_harm() -> None:
    assert sealed({"password": "\ud800"})["password"]["$secret"]


def with_url(url: str) -> list[Any]:
    configuration = {"jwtKeyOrigin": "jwks", "jwksUrl": url, "signingMethod": "rsa"}
    return [make_policy(configuration=configuration)]


def test_the_user_info_of_a_url_is_compared_as_a_secret() -> None:
    plain, other = "https://u:one@h.example/k", "https://u:two@h.example/k"
    posture = assess(with_policies(with_url(plain), with_url(plain), with_url(other)))
    found = one(posture, Kind.POLICY_CONFIG)
    assert (found.rule, found.path) == ("D18", "jwksUrl.userInfo")
    assert set(found.values.values()) == {"masked"}
    assert "one" not in repr(posture.findings).replace("None", "")


def test_user_info_in_a_text_is_shown_masked() -> None:
    kept = sealed({"text": "https://u:p@h/"})
    assert shown(kept) == {"text": "https://masked@h/"}
    assert shown([1, "a"]) == [1, "a"]


def test_a_hidden_value_in_a_list_is_not_compared() -> None:
    def logging(*messages: str) -> list[Any]:
        items = [{"itemName": "a", "itemData": {"message": m}} for m in messages]
        return [
            make_policy(),
            make_policy("message-logging", configuration={"loggingConfiguration": items}),
        ]

    posture = assess(with_policies(logging("****", "b"), logging("c", "b"), logging("c", "b")))
    assert Kind.POLICY_CONFIG not in {f.kind for f in posture.findings}
    assert "unverifiable" in codes(posture)
