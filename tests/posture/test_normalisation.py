"""Normal forms: equal meanings are equal, odd values are kept."""

from typing import Any

import pytest

from app.posture import forms
from app.posture.applied import pointcut
from app.posture.families import Family, families
from app.posture.memory import Memory, memories
from app.posture.model import MULESOFT_GROUP
from app.posture.networks import covers, networks, only_in
from app.posture.normalisation import configuration_of
from app.posture.policies import ALL_METHODS
from app.posture.secrets import sealed_configuration
from app.posture.weaker import larger, smaller
from tests.posture.builders import GROUP, KEY


def fields(asset_id: str, raw: Any, *, is_flex: bool = False) -> Any:
    sealed = sealed_configuration(raw, group_id=MULESOFT_GROUP, asset_id=asset_id, key=KEY)
    return configuration_of(MULESOFT_GROUP, asset_id, sealed, is_flex=is_flex).fields


@pytest.mark.parametrize(
    ("form", "given", "normal"),
    [
        (forms.boolean, "TRUE", True),
        (forms.boolean, "perhaps", "perhaps"),
        (forms.integer, "1000", 1000),
        (forms.integer, " 7 ", 7),
        (forms.integer, "1.0", 1),
        (forms.integer, 1.0, 1),
        (forms.integer, 1.5, 1.5),
        (forms.integer, "007", "007"),
        (forms.integer, "9" * 40, "9" * 40),
        (forms.integer, True, True),
        (forms.expression, " #[ a ] ", "a"),
        (forms.expression, "#[a] ++ #[b]", "#[a] ++ #[b]"),
        (forms.expression, "#[a[0]]", "a[0]"),
        (forms.expression, "#[a]]", "#[a]]"),
        (forms.expression, "#[[a]", "#[[a]"),
        (forms.expression, 5, 5),
        (forms.enumerated, " RSA ", "rsa"),
        (forms.enumerated, 5, 5),
        (forms.text, "e\u0301\r\n", "é\n"),
        (forms.text, ["\r"], ["\n"]),
        (forms.text, {"\r": "\r"}, {"\n": "\n"}),
        (forms.url, "HTTPS://LOGIN.Example:443", "https://login.example/"),
        (forms.url, "http://a:80/X?Y#Z", "http://a/X?Y#Z"),
        (forms.url, "http://a:8080", "http://a:8080/"),
        (forms.url, "http://a?q", "http://a/?q"),
        (forms.url, "no url", "no url"),
        (forms.url, 5, 5),
        (forms.urls, "https://b/, https://a/", ["https://a/", "https://b/"]),
        (forms.urls, ["https://a"], "https://a/"),
        (forms.words, "b, a b", ["a", "b"]),
        (forms.words, 5, 5),
        (forms.names, "one", ["one"]),
        (forms.names, ["b", "a", "b", ""], ["a", "b"]),
        (forms.names, [], None),
        (forms.names, [{"b": 1}, 2], [2, {"b": 1}]),
        (forms.folded_names, ["X-A", "x-a"], ["x-a"]),
        (networks, ["192.168"], ["192.168.0.0/16"]),
        (networks, ["192.168.2", "10"], ["10.0.0.0/8", "192.168.2.0/24"]),
        (networks, "10.0.0.1, 10.0.0.1/32", ["10.0.0.1/32"]),
        (networks, ["10.0.0.0/8", "10.1.2.0/24"], ["10.0.0.0/8"]),
        (networks, ["10.0.1.0/24", "10.0.2.0/24"], ["10.0.1.0/24", "10.0.2.0/24"]),
        (networks, ["0.0.0.0/1", "128.0.0.0/1"], ["0.0.0.0/0"]),
        (networks, ["2001:DB8::1/64"], ["2001:db8::/64"]),
        (networks, ["::/0", "10.0.0.0/8"], ["10.0.0.0/8", "::/0"]),
        (networks, ["300.1.1.1", "10.0.0.0/40", "x", 5, ""], ["10.0.0.0/40", "300.1.1.1", 5, "x"]),
        (networks, 5, 5),
        (networks, [], None),
    ],
)
def test_a_form_gives_one_value_for_one_meaning(form: Any, given: Any, normal: Any) -> None:
    assert form(given) == normal


@pytest.mark.parametrize(
    ("asset_id", "raw", "path", "value"),
    [
        ("ip-allowlist", {"ipAddresses": ["10"]}, "ips", ["10.0.0.0/8"]),
        ("client-id-enforcement", {"credentialsOriginHasHttpBasicAuthenticationHeader": "X"}, "credentialsOrigin", "x"),
        ("rate-limiting", {"rateLimits": {"60000": "5"}}, "rateLimits", [{"60000": "5"}]),
        ("rate-limiting", {"rateLimits": ["odd"]}, "rateLimits", ["odd"]),
        ("rate-limiting", {"rateLimits": "odd"}, "rateLimits", ["odd"]),
        ("rate-limiting", {"rateLimits": [{"maximumRequests": 5, "timePeriod": 2, "timeUnit": "hour"}]}, "rateLimits[7200000]", 5),
        ("rate-limiting", {"rateLimits": [{"maximumRequests": 5, "timePeriod": "x"}]}, "rateLimits[x]", 5),
        ("jwt-validation", {"validateCustomClaim": True, "mandatoryCustomClaims": {"iss": "a"}}, "mandatoryCustomClaims[iss]", "a"),
        ("jwt-validation", {"validateCustomClaim": True, "mandatoryCustomClaims": ["x"]}, "mandatoryCustomClaims", ["x"]),
        ("header-injection", {"inboundHeaders": [{"key": "X-A", "value": "1"}]}, "inboundHeaders[x-a]", "1"),
        ("header-injection", {"inboundHeaders": [{"key": "a", "value": "1"}, {"key": "A", "value": "2"}]}, "inboundHeaders", [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]),
        ("rate-limiting", {"rateLimits": [{"maximumRequests": "5", "timePeriod": 1, "unit": "minutes"}, {"maximumRequests": 9, "timePeriodInMilliseconds": "60000"}]}, "rateLimits", [{"maximumRequests": 5, "timePeriodInMilliseconds": 60000}, {"maximumRequests": 9, "timePeriodInMilliseconds": 60000}]),
        ("jwt-validation", {"claimsToHeaders": [{"claim": "a", "header": None}, {"claim": "b", "header": ""}]}, "claimsToHeaders", [{"claim": "a"}, {"claim": "b"}]),
        ("cors", {"publicResource": False, "originGroups": [{"origins": ["b"], "plainOrigins": ["a"]}]}, "originGroups[default].origins", ["a", "b"]),
        ("cors", {"publicResource": False, "originGroups": [{"allowedMethods": ["get"]}]}, "originGroups[default].allowedMethods", ["get"]),
        ("cors", {"publicResource": False, "originGroups": [{"allowedMethods": [{"methodName": "GET", "isAllowed": True}, {"methodName": "PUT"}]}]}, "originGroups[default].allowedMethods", ["GET"]),
        ("cors", {"publicResource": False, "originGroups": [{"allowedMethods": "odd"}]}, "originGroups[default].allowedMethods", "odd"),
        ("cors", {"publicResource": False, "originGroups": ["odd"]}, "originGroups", ["odd"]),
        ("cors", {"publicResource": False, "originGroups": [{"novel": 1}]}, "originGroups[default].novel", 1),
        ("cors", {"publicResource": False, "originGroups": {"g": 5}}, "originGroups", [{"accessControlMaxAge": 30, "allowedMethods": ALL_METHODS, "g": 5}]),
        ("message-logging", {"loggingConfiguration": {"message": "#[a]"}}, "loggingConfiguration", [{"conditional": "true", "message": "a"}]),
        ("jwt-validation", {"jwtKeyOrigin": "jwks", "jwksUrl": "https://$secret-@x"}, "jwksUrl", "https://x/"),
        ("rate-limiting", {"tags": ["b", "a"]}, "tags", ["a", "b"]),
    ],
)  # fmt: skip
def test_known_fields_take_their_shape(asset_id: str, raw: Any, path: str, value: Any) -> None:
    found = fields(asset_id, raw)[path]
    if isinstance(found, list) and found and isinstance(found[0], dict):
        found = [{k: v for k, v in i.items() if v is not False} for i in found]
    assert found == value


def test_what_an_unset_field_means_depends_on_the_gateway() -> None:
    assert "signingMethod" not in fields("jwt-validation", {})
    assert fields("jwt-validation", {}, is_flex=True)["signingMethod"] == "rsa"


def test_fields_without_effect_are_left_out() -> None:
    found = fields("jwt-validation", {"jwksUrl": "https://a", "jwtKeyOrigin": "text"})
    assert "jwksUrl" not in found
    assert "jwtExpression" not in found
    assert fields("jwt-validation", {"jwtOrigin": "customExpression"})["jwtExpression"]


@pytest.mark.parametrize(
    "name", ["signingMethod", "jwksUrl", "mandatoryExpClaim", "novel", "textKey"]
)
def test_one_field_asked_for_alone_is_as_in_the_whole(name: str) -> None:
    raw = {
        "jwtKeyOrigin": "jwks",
        "jwksUrl": "https://A",
        "mandatoryExpClaim": "true",
        "textKey": "x",
    }
    alone, whole = (
        configuration_of(MULESOFT_GROUP, "jwt-validation", {**raw, "n": n}, is_flex=False)
        for n in range(2)
    )
    assert alone.get(name) == whole.fields.get(name) == whole.get(name)
    sealed = configuration_of(
        MULESOFT_GROUP, "jwt-validation", {"signingMethod": "****"}, is_flex=False
    )
    assert sealed.get("signingMethod") is None


def test_an_unknown_policy_is_taken_as_it_is() -> None:
    raw = {"b": {"c": [2, 1]}, "a": None, "e": {}, "h": "****"}
    found = configuration_of(GROUP, "house", raw, is_flex=False)
    assert found.fields == {"b.c": [2, 1], "a": None, "e": {}}
    assert found.normal.masked == {"h"}
    assert found.field_at("a") is None
    assert found.get("a") is None


def test_a_secret_that_was_not_sealed_is_never_seen() -> None:
    found = configuration_of(
        MULESOFT_GROUP, "credential-injection-oauth2", {"clientSecret": "plain"}, is_flex=False
    )
    assert "plain" not in found.key
    assert found.normal.masked == {"clientSecret"}
    empty = configuration_of(
        MULESOFT_GROUP, "credential-injection-oauth2", {"clientSecret": ""}, is_flex=False
    )
    assert empty.normal.masked == frozenset()


def test_a_hidden_value_inside_a_map_or_a_list_is_marked() -> None:
    headers = {"inboundHeaders": [{"key": "Authorization", "value": "***"}]}
    sealed = sealed_configuration(headers, group_id=None, asset_id="header-injection", key=KEY)
    found = configuration_of(None, "header-injection", sealed, is_flex=False)
    assert found.normal.masked == {"inboundHeaders[authorization]"}
    claims = {"claimsToHeaders": [{"a": {"$masked": True}}]}
    found = configuration_of(None, "jwt-validation", claims, is_flex=False)
    assert found.normal.bags["claimsToHeaders"] == ({"a": {"$masked": True}},)


def test_a_hidden_value_of_an_unknown_key_is_marked() -> None:
    found = configuration_of(MULESOFT_GROUP, "cors", {"novel": "****"}, is_flex=False)
    assert found.normal.masked == {"novel"}


def test_a_text_with_the_mark_of_user_info_and_no_url_has_none() -> None:
    raw = {"jwtKeyOrigin": "jwks", "jwksUrl": "$secret-"}
    found = configuration_of(MULESOFT_GROUP, "jwt-validation", raw, is_flex=False)
    assert not [path for path in found.fields if "userInfo" in path]


def test_methods_of_a_pointcut_are_a_set_and_other_patterns_are_text() -> None:
    pairs: Any = [{"method": "get|POST", "uri": "/a"}, {"method": ".*", "uri": "/b"}]
    assert pointcut(pairs) == ((".*", "/b"), ("GET|POST", "/a"))


def test_networks_are_covered_by_what_holds_them() -> None:
    assert covers(["10.0.0.0/8"], ["10.1.0.0/16"])
    assert not covers(["10.1.0.0/16"], ["10.0.0.0/8"])
    assert only_in(["10.0.0.0/8", "x"], ["x"]) == ["10.0.0.0/8"]
    assert only_in("x", None) == ["x"]
    assert not covers(["10.0.0.0/8"], ["::1/128"])


def test_numbers_compare_only_as_numbers() -> None:
    assert larger(2, 1)
    assert smaller(1, 2)
    assert not larger(True, 0)
    assert not larger("2", 1)


@pytest.mark.parametrize(
    ("group", "asset_id", "family"),
    [
        (None, "client-id-enforcement", Family.IDENTIFY),
        (MULESOFT_GROUP, "mcp-guard", Family.AI),
        (MULESOFT_GROUP, "novel", Family.CUSTOM),
        (GROUP, "jwt-validation", Family.CUSTOM),
    ],
)
def test_a_policy_has_its_family(group: str | None, asset_id: str, family: Family) -> None:
    assert families(group, asset_id) == (family,)


def test_a_full_memory_starts_anew() -> None:
    memory: Memory[int, int] = Memory(2)
    for number in range(3):
        assert memory.keep(number, number) == number
    assert (memory.get(0), memory.get(2)) == (None, 2)
    assert memory in list(memories())
