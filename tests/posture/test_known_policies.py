"""What is known of each setting of each known policy: one row a setting, whatever asks about it."""

from typing import Any, NamedTuple

import pytest

from app.posture.model import ApiPosture, ApiReading, Direction, Kind, Scope
from app.posture.policies import POLICIES
from app.posture.suggesting import Sightings
from tests.posture.builders import (
    GROUP,
    PROD,
    TEST,
    assess,
    codes,
    make_instance,
    make_policy,
    make_scope,
    one,
)

UNKNOWN = object()
"""Nobody knows what the policy does where the setting is not set."""

TOKENS = " ".join(
    f"{vendor}-access-token-enforcement"
    for vendor in ("external-oauth2", "openidconnect", "openam", "pingfederate")
)
INTROSPECTION = "oauth2-token-introspection"
ENFORCED = f"{TOKENS} {INTROSPECTION}"
BASIC = "http-basic-authentication simple-security-manager"
LDAP = "ldap-authentication ldap-security-manager"
RATES = "rate-limiting rate-limiting-sla-based"
CLIENTS = "client-id-enforcement rate-limiting-sla-based"
INJECTED = "credential-injection-basic-auth credential-injection-oauth2"
LISTS = "ip-allowlist ip-whitelist"
BLOCKS = "ip-blocklist ip-blacklist"
LOGS = "message-logging message-logging-outbound"
JSON_LIMITS = (
    "maxContainerDepth maxObjectEntryCount maxObjectEntryNameLength maxArrayElementCount "
    "maxStringValueLength"
)
XML_LIMITS = (
    "maxNodeDepth maxAttributeCountPerElement maxChildCount maxTextLength maxAttributeLength "
    "maxCommentLength"
)
WIDE, NARROW = ["10.0.0.0/8", "192.168.0.0/16"], ["10.0.0.0/8"]


class Setting(NamedTuple):
    """A setting: `weak` protects less than `strong` where that `is_known`, and is `same` in other words."""

    assets: str
    names: str
    rule: str
    weak: Any
    strong: Any
    same: Any = None
    default: Any = UNKNOWN
    is_known: bool = True
    usually_differs: bool = False
    beside: dict[str, Any] = {}  # noqa: RUF012  nobody changes it
    inside: str = ""
    at: str = ""


def switch(assets: str, names: str, rule: str, *, weak: bool, **more: Any) -> Setting:
    return Setting(assets, names, rule, weak, not weak, f" {weak} ", **more)


def neutral(assets: str, names: str, rule: str, a: Any, b: Any, same: Any, **more: Any) -> Setting:
    return Setting(assets, names, rule, a, b, same, is_known=False, **more)


def number(assets: str, names: str, default: Any) -> Setting:
    return neutral(assets, names, "D25", 7, 8, "7.0", default=default)


def off(assets: str, names: str, **more: Any) -> Setting:
    return neutral(assets, names, "D25", True, False, "TRUE", **{"default": False, **more})


def secret(assets: str, name: str, **more: Any) -> Setting:
    return neutral(assets, name, "D18", "one", "two", "one", **more)


QUERY, HEADER = "#[attributes.queryParams['id']]", "#[attributes.headers['id']]"
JWKS = {"jwtKeyOrigin": "jwks"}
ISSUERS = {"validateCustomClaim": True}
GROUPS = {"publicResource": False}
ORIGINS: dict[str, Any] = {"beside": GROUPS, "inside": "originGroups"}
LOGGED: dict[str, Any] = {"inside": "loggingConfiguration"}
ITEM = "loggingConfiguration[0]"

SETTINGS = [
    neutral("client-id-enforcement", "credentialsOrigin", "D15", "customExpression", "elsewhere", "CUSTOMEXPRESSION"),
    Setting(CLIENTS, "clientIdExpression clientSecretExpression", "D15", QUERY, HEADER, QUERY[2:-1]),
    Setting(CLIENTS, "clientSecretExpression", "D15", None, HEADER),
    Setting("jwt-validation", "signingMethod", "D04", "none", "rsa", " NONE "),
    Setting("jwt-validation", "signingMethod", "D04", None, "rsa"),
    Setting("jwt-validation", "signingKeyLength", "D04", 128, 256, "128", default=256),
    Setting("jwt-validation", "signingKeyLength", "D04", 256, 512, default=256),
    neutral("jwt-validation", "jwtOrigin", "D15", "customExpression", "other", "CUSTOMEXPRESSION", default="httpBearerAuthenticationHeader"),
    neutral("jwt-validation", "jwtExpression", "D15", "#[a]", "#[b]", "a", default="#[attributes.headers['jwt']]", beside={"jwtOrigin": "customExpression"}),
    neutral("jwt-validation", "jwtKeyOrigin", "D04", "expression", "other", "EXPRESSION", default="text", beside={"textKey": "k"}),
    secret("jwt-validation", "textKey", beside={"jwtKeyOrigin": "text"}),
    neutral("jwt-validation", "customKeyExpression", "D04", "#[a]", "#[b]", "a", beside={"jwtKeyOrigin": "expression"}),
    Setting("jwt-validation", "jwksUrl", "D04", "http://a.example/k", "https://a.example/k", "HTTP://A.example:80/k", usually_differs=True, beside=JWKS),
    Setting("jwt-validation", "jwksUrl", "D04", "https://a.example/k,https://b.example/k,https://c.example/k", "https://a.example/k,https://b.example/k", usually_differs=True, beside=JWKS),
    number("jwt-validation", "jwksServiceTimeToLive", 60),
    number("jwt-validation", "jwksServiceConnectionTimeout", 10_000),
    switch(f"jwt-validation {ENFORCED}", "skipClientIdValidation", "D15", weak=True, default=False),
    neutral("jwt-validation", "clientIdExpression", "D15", "#[a]", "#[b]", "a", default="#[vars.claimSet.client_id]"),
    switch("jwt-validation", "validateAudClaim mandatoryAudClaim mandatoryExpClaim mandatoryNbfClaim validateCustomClaim", "D04", weak=False, default=False),
    Setting("jwt-validation", "supportedAudiences", "D04", "a b c", "b,a", ["c", "b", "a"], default=None, usually_differs=True, beside={"validateAudClaim": True}),
    Setting("jwt-validation", "supportedAudiences", "D04", None, "a", usually_differs=True, default=None, beside={"validateAudClaim": True}),
    neutral("jwt-validation", "mandatoryCustomClaims nonMandatoryCustomClaims", "D04", [{"key": "aud", "value": "a"}], [{"key": "aud", "value": "b"}], {"aud": "a"}, at="[aud]", default=None, beside=ISSUERS),
    neutral("jwt-validation", "mandatoryCustomClaims nonMandatoryCustomClaims", "D04", [{"key": "iss", "value": "a"}], [{"key": "iss", "value": "b"}], {"iss": "a"}, at="[iss]", default=None, usually_differs=True, beside=ISSUERS),
    Setting("jwt-validation", "mandatoryCustomClaims nonMandatoryCustomClaims", "D04", None, ["odd"], default=None, beside=ISSUERS),
    neutral("jwt-validation", "claimsToHeaders", "D25", [{"a": "1"}, {"b": "2"}], [{"a": "1"}], [{"b": "2"}, {"a": "1"}], default=None),
    Setting(TOKENS, "tokenUrl", "D04", "http://a.example/", "https://a.example/", "HTTP://A.example:80", usually_differs=True),
    Setting(INTROSPECTION, "introspectionURL", "D04", "http://a.example/", "https://a.example/", "HTTP://A.example:80", usually_differs=True),
    secret(INTROSPECTION, "authorizationValue"),
    Setting(INTROSPECTION, "validatedTokenTTL", "D04", 900, 300, "900", default=600, beside={"authorizationValue": "x"}),
    Setting(ENFORCED, "scopes", "D04", None, "a b", default=None, beside={"authorizationValue": "x"}),
    neutral(ENFORCED, "scopes", "D04", "a b", "c", ["b", "a"], default=None, beside={"authorizationValue": "x"}),
    Setting(ENFORCED, "scopeValidationCriteria", "D04", "OR", "AND", "or", default="AND", beside={"authorizationValue": "x"}),
    neutral(INTROSPECTION, "consumerBy", "D15", "clientId", "azp", "CLIENTID", beside={"authorizationValue": "x"}),
    off(f"{ENFORCED} {RATES} spike-control", "exposeHeaders"),
    number(TOKENS, "authenticationTimeout maxCacheEntries", UNKNOWN),
    off(TOKENS, "secureTrustStore", default=UNKNOWN),
    number(INTROSPECTION, "authenticationTimeout", 10_000),
    number(INTROSPECTION, "maxCacheEntries", 1_000),
    neutral(f"{BASIC} {INJECTED}", "username", "D15", "Ann", "ann", "Ann", usually_differs=True, beside={"password": "x"}),
    secret(f"{BASIC} {INJECTED}", "password", beside={"username": "u"}),
    Setting(LDAP, "ldapServerURL", "D04", "http://a.example/", "https://a.example/", "HTTP://A.example:80", usually_differs=True),
    neutral(LDAP, "ldapServerUserDn ldapSearchBase ldapSearchFilter", "D04", "dc=A", "dc=a", "dc=A", usually_differs=True),
    secret(LDAP, "ldapServerUserPassword"),
    off(LDAP, "ldapSearchInSubtree"),
    Setting("rate-limiting", "rateLimits", "D06", [{"maximumRequests": 9, "timePeriodInMilliseconds": 60_000}], [{"maximumRequests": 5, "timePeriodInMilliseconds": 60_000}], [{"maximumRequests": "9", "timePeriod": 1, "unit": "minutes"}], at="[60000]"),
    neutral("rate-limiting", "keySelector", "D06", "#[a]", "#[b]", "a", default=None),
    switch(RATES, "clusterizable", "D06", weak=False, default=True),
    Setting("spike-control", "maximumRequests", "D06", 9, 5, "9", default=1),
    neutral("spike-control", "timePeriodInMilliseconds", "D06", 500, 900, "500", default=1_000),
    number("spike-control", "queuingLimit", 0),
    number("spike-control", "delayAttempts", 1),
    number("spike-control", "delayTimeInMillis", 1_000),
    Setting(LISTS, "ips", "D05", WIDE, NARROW, "192.168,10"),
    Setting(BLOCKS, "ips", "D05", NARROW, WIDE, "10"),
    Setting(f"{LISTS} {BLOCKS}", "ipExpression", "D05", "#[attributes.headers['X-Forwarded-For']]", "#[a]", "attributes.headers['X-Forwarded-For']"),
    switch("cors", "publicResource", "D24", weak=True, default=True),
    switch("cors", "supportCredentials", "D24", weak=True, default=False),
    Setting("cors", "origins headers exposedHeaders", "D24", ["a", "b"], ["a"], ["b", "a"], default=None, **ORIGINS),
    Setting("cors", "origins headers exposedHeaders", "D24", ["*"], ["a"], default=None, **ORIGINS),
    Setting("cors", "allowedMethods", "D24", ["GET", "PUT"], ["GET"], [{"methodName": "put", "allowed": True}, {"methodName": "get", "isAllowed": "true"}], default=["CONNECT", "DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"], **ORIGINS),
    neutral("cors", "originGroups", "D24", ["odd", "too"], ["odd"], ["too", "odd"], default=None, beside=GROUPS),
    neutral("cors", "accessControlMaxAge", "D25", 7, 8, "7", default=30, **ORIGINS),
    Setting("json-threat-protection", JSON_LIMITS, "D24", 9, 5, "9", default=-1),
    Setting("json-threat-protection", JSON_LIMITS, "D24", -1, 5, default=-1),
    Setting("xml-threat-protection", XML_LIMITS, "D24", 9, 5, "9", default=-1),
    Setting("xml-threat-protection", XML_LIMITS, "D24", -1, 5, default=-1),
    Setting(LOGS, "message", "D14", "#[payload]", "#[b]", "payload", **LOGGED),
    neutral(LOGS, "conditional", "D14", "#[a]", "#[b]", "a", default="#[true]", **LOGGED),
    neutral(LOGS, "category", "D14", "A", "a", "A", default=None, **LOGGED),
    neutral(LOGS, "level", "D14", "INFO", "DEBUG", "info", **LOGGED),
    neutral(LOGS, "firstSection secondSection", "D14", True, False, "true", default=False, **LOGGED),
    neutral("header-injection", "inboundHeaders outboundHeaders", "D25", [{"key": "X-A", "value": "1"}], [{"key": "X-A", "value": "2"}], {"x-a": "1"}, at="[x-a]", default=None),
    neutral("header-removal", "inboundHeaders outboundHeaders", "D25", ["X-A", "b"], ["b"], ["b", "x-a"], default=None),
    neutral("http-caching", "httpCachingKey", "D25", "#[a]", "#[b]", "a", default="#[attributes.requestPath]"),
    neutral("http-caching", "requestExpression", "D25", "#[a]", "#[b]", "a", default="#[attributes.method == 'GET' or attributes.method == 'HEAD']"),
    neutral("http-caching", "responseExpression", "D25", "#[a]", "#[b]", "a", default="#[[200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501] contains attributes.statusCode]"),
    number("http-caching", "ttl", 600),
    number("http-caching", "maxCacheEntries", 10_000),
    off("http-caching", "useHttpCacheHeaders", default=True),
    off("http-caching", "distributed persistCache"),
    neutral("http-caching", "invalidationHeader", "D25", "X-A", "x-a", "X-A", default=None),
    neutral(INJECTED, "clientId", "D15", "A", "a", "A", usually_differs=True),
    secret(INJECTED, "clientSecret"),
    Setting(INJECTED, "oauthService tokenUrl", "D04", "http://a.example/", "https://a.example/", "HTTP://A.example:80", usually_differs=True),
    neutral(INJECTED, "scope scopes", "D04", "a b", "c", ["b", "a"], default=None),
]  # fmt: skip
ROWS = [
    pytest.param(setting, asset_id, name, id=f"{asset_id} {name} {number}")
    for number, setting in enumerate(SETTINGS)
    for asset_id in setting.assets.split()
    for name in setting.names.split()
]
each_setting = pytest.mark.parametrize(("setting", "asset_id", "name"), ROWS)


def placed(setting: Setting, name: str, value: Any) -> dict[str, Any]:
    """Return a configuration that holds a value in its place; UNKNOWN is not set at all."""
    held = {} if value is UNKNOWN else {name: value}
    if setting.inside == "originGroups":
        return {**setting.beside, "originGroups": [{"originGroupName": "g", **held}]}
    if setting.inside:
        return {setting.inside: [{"itemName": "x", "itemData": {"message": "#[a]", **held}}]}
    return {**setting.beside, **held}


def path_of(setting: Setting, name: str) -> str:
    inside = {"originGroups": "originGroups[g].", "loggingConfiguration": f"{ITEM}."}
    return inside.get(setting.inside, "") + name + setting.at


def compared(asset_id: str, test: Any, production: Any, version: str = "1.0.0") -> ApiPosture:
    there = make_policy(asset_id, configuration=production, asset_version=version)
    readings = [
        make_instance(TEST, [make_policy(asset_id, configuration=test)]),
        make_instance(PROD, [there]),
    ]
    return assess(readings, make_scope((TEST, PROD)))


def changed(posture: ApiPosture) -> list[str]:
    return [p for f in posture.findings if f.kind is Kind.POLICY_CONFIG for p in f.paths]


@each_setting
def test_a_setting_that_differs_is_told_by_the_rule_of_what_it_is_about_and_by_its_weaker_side(
    setting: Setting, asset_id: str, name: str
) -> None:
    weak, strong = (placed(setting, name, value) for value in (setting.weak, setting.strong))
    sides = (Direction.WEAKER_IN_PRODUCTION, Direction.WEAKER_ELSEWHERE)
    for test, production, side in ((strong, weak, sides[0]), (weak, strong, sides[1])):
        posture = compared(asset_id, test, production)
        found = one(posture, Kind.POLICY_CONFIG)
        told = side if setting.is_known else Direction.NEUTRAL
        assert (found.rule, found.paths) == (setting.rule, (path_of(setting, name),))
        assert found.direction is told
        assert not [n for n in posture.notes if n.code == "unknown_field" and name in n.sentence]


@each_setting
def test_another_writing_of_the_same_value_is_no_difference(
    setting: Setting, asset_id: str, name: str
) -> None:
    if setting.same is not None:
        one_way, another = (placed(setting, name, value) for value in (setting.weak, setting.same))
        assert changed(compared(asset_id, one_way, another)) == []


@each_setting
def test_a_setting_at_its_default_is_as_one_that_is_not_set_and_any_other_is_not(
    setting: Setting, asset_id: str, name: str
) -> None:
    unset = placed(setting, name, UNKNOWN)
    if setting.default not in (UNKNOWN, None):
        default = placed(setting, name, setting.default)
        assert changed(compared(asset_id, unset, default)) == []
    others = [v for v in (setting.weak, setting.strong) if v not in (None, setting.default)]
    if setting.rule != "D18":  # a secret that is not there may be hidden
        assert all(changed(compared(asset_id, unset, placed(setting, name, v))) for v in others)


@each_setting
def test_beside_another_major_version_a_setting_of_one_side_is_compared_if_its_default_is_known(
    setting: Setting, asset_id: str, name: str
) -> None:
    is_in_a_list = setting.inside == "loggingConfiguration"  # which both sides hold
    if is_in_a_list or setting.strong == setting.default or setting.rule == "D18":
        return
    unset, held = placed(setting, name, UNKNOWN), placed(setting, name, setting.strong)
    posture = compared(asset_id, unset, held, "2.0.0")
    if setting.default is UNKNOWN:
        assert (changed(posture), "schema_changed" in codes(posture)) == ([], True)
    else:
        assert changed(posture) == [path_of(setting, name)]


@each_setting
def test_what_usually_differs_is_offered_as_an_expected_difference_and_nothing_else_is(
    setting: Setting, asset_id: str, name: str
) -> None:
    readings = [
        make_instance(environment, [make_policy(asset_id, configuration=placed(setting, name, v))])
        for environment, v in ((TEST, setting.weak), (PROD, setting.strong))
    ]
    sightings = Sightings()
    sightings.look(two_environments(), ApiReading(f"{GROUP}/orders-api", tuple(readings)))
    offered = [(asset_id, path_of(setting, name))] if setting.usually_differs else []
    assert list(sightings.changes) == offered


def two_environments() -> Scope:
    return make_scope((TEST, PROD))


def test_every_known_setting_of_every_known_policy_has_its_row() -> None:
    asked = {(a, n) for s in SETTINGS for a in s.assets.split() for n in s.names.split()}
    nested = {"originGroups", "loggingConfiguration"}
    known = {(a, n) for a, schema in POLICIES.items() for n in schema.fields if n not in nested}
    inner = {
        (a, n)
        for a, schema in POLICIES.items()
        for outer in nested & schema.fields.keys()
        for n in schema.fields[outer].members
    }
    assert asked - {("cors", "originGroups")} == known | inner


@pytest.mark.parametrize(
    ("asset_id", "name", "alias"),
    [
        (asset_id, "ips", "ipAddresses") for asset_id in f"{LISTS} {BLOCKS}".split()
    ]
    + [
        ("client-id-enforcement", "credentialsOrigin", "credentialsOriginHasHttpBasicAuthenticationHeader"),
        (INTROSPECTION, "introspectionURL", "introspectionUrl"),
    ],
)  # fmt: skip
def test_a_setting_that_has_two_names_is_the_same_one_under_both(
    asset_id: str, name: str, alias: str
) -> None:
    beside = {"authorizationValue": "x"} if asset_id == INTROSPECTION else {}
    posture = compared(asset_id, {**beside, name: "10.0.0.1"}, {**beside, alias: "10.0.0.1"})
    assert changed(posture) == []


@pytest.mark.parametrize(
    ("asset_id", "name", "beside"),
    [
        ("client-id-enforcement", "clientIdExpression", {"credentialsOrigin": "httpBasicAuthenticationHeader"}),
        ("client-id-enforcement", "clientSecretExpression", {"credentialsOrigin": "httpAuthorizationHeader"}),
        ("jwt-validation", "jwtExpression", {"jwtOrigin": "httpBearerAuthenticationHeader"}),
        ("jwt-validation", "textKey", {"jwtKeyOrigin": "jwks"}),
        ("jwt-validation", "customKeyExpression", {"jwtKeyOrigin": "jwks"}),
        ("jwt-validation", "customKeyExpression", {"jwtKeyOrigin": "text"}),
        ("jwt-validation", "jwksUrl", {"jwtKeyOrigin": "text"}),
        ("jwt-validation", "supportedAudiences", {"validateAudClaim": False}),
        ("jwt-validation", "mandatoryCustomClaims", {"validateCustomClaim": False}),
        ("jwt-validation", "nonMandatoryCustomClaims", {"validateCustomClaim": False}),
        ("cors", "originGroups", {"publicResource": True}),
    ],
)  # fmt: skip
def test_a_setting_that_its_neighbours_leave_without_effect_is_no_difference(
    asset_id: str, name: str, beside: dict[str, Any]
) -> None:
    assert changed(compared(asset_id, {**beside, name: "a"}, {**beside, name: "b"})) == []


@pytest.mark.parametrize(
    ("asset_id", "name", "beside"),
    [
        ("jwt-validation", "textKey", {"jwtKeyOrigin": "text"}),
        (INTROSPECTION, "authorizationValue", {}),
        *((asset_id, "password", {"username": "u"}) for asset_id in BASIC.split()),
    ],
)
def test_a_secret_that_a_policy_cannot_work_without_is_hidden_where_it_is_not_there(
    asset_id: str, name: str, beside: dict[str, Any]
) -> None:
    posture = compared(asset_id, beside, {**beside, name: "b"})
    assert (changed(posture), codes(posture)) == ([], {"unverifiable"})


@pytest.mark.parametrize("asset_id", BASIC.split())
def test_a_password_without_a_user_name_is_not_looked_for(asset_id: str) -> None:
    assert "unverifiable" not in codes(compared(asset_id, {}, {}))
    assert "unverifiable" in codes(compared(asset_id, {"username": "u"}, {"username": "u"}))


@pytest.mark.parametrize("asset_id", f"{LISTS} {BLOCKS}".split())
def test_on_flex_gateway_an_address_comes_from_a_forwarded_header_where_nothing_is_set(
    asset_id: str,
) -> None:
    said = {"ipExpression": "#[attributes.headers['x-forwarded-for']]"}
    readings = [
        make_instance(e, [make_policy(asset_id, configuration=c)], technology="flexGateway")
        for e, c in ((TEST, {}), (PROD, said))
    ]
    assert changed(assess(readings, two_environments())) == []
    assert changed(compared(asset_id, {}, said)) == ["ipExpression"]


@pytest.mark.parametrize(("technology", "is_compared"), [("flexGateway", True), ("mule4", False)])
def test_beside_another_major_version_it_counts_what_is_known_of_the_gateway(
    technology: str, is_compared: bool
) -> None:
    readings = [
        make_instance(
            environment,
            [make_policy(configuration=configuration, asset_version=version)],
            technology=technology,
        )
        for environment, configuration, version in (
            (TEST, {"jwtKeyOrigin": "jwks"}, "1.0.0"),
            (PROD, {"jwtKeyOrigin": "jwks", "signingMethod": "none"}, "2.0.0"),
        )
    ]
    posture = assess(readings, two_environments())
    assert changed(posture) == (["signingMethod"] if is_compared else [])
    assert ("schema_changed" in codes(posture)) is not is_compared
