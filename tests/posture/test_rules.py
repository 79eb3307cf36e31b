"""Every rule by its own case: posture rules first, then drift rules."""

from typing import Any

import pytest

from app.posture.assessment import assess_automated
from app.posture.model import (
    ApiPosture,
    Direction,
    Environment,
    ExpectedDifference,
    InstanceReading,
    Kind,
    Severity,
    Verdict,
)
from app.posture.rules import RULES
from tests.counting import grows_evenly
from tests.posture.builders import (
    ALL,
    DEV,
    GROUP,
    JWT,
    PROD,
    TEST,
    assess,
    codes,
    differences,
    everywhere,
    kinds,
    limits,
    make_automated,
    make_contract,
    make_instance,
    make_policy,
    make_scope,
    make_tier,
    one,
    rules,
    with_policies,
)

CRITICAL, HIGH, MEDIUM, LOW, INFO = Severity
CONFIG = Kind.POLICY_CONFIG
IN_PRODUCTION, ELSEWHERE, NEUTRAL = Direction

CLIENT = {
    "credentialsOrigin": "customExpression",
    "clientIdExpression": "#[attributes.headers['id']]",
    "clientSecretExpression": "#[attributes.headers['secret']]",
}
QUERY = {**CLIENT, "clientIdExpression": "#[attributes.queryParams['id']]"}
BASE = [make_policy(), make_policy("rate-limiting", order=2)]
SLA = [*BASE, make_policy("rate-limiting-sla-based", configuration=CLIENT, order=3)]
HEALTH = [{"method": "GET", "uri": "/health"}]
LOG = {"loggingConfiguration": [{"itemName": "a", "itemData": {"message": "#[payload]"}}]}


def jwt(**changes: Any) -> Any:
    return make_policy(configuration={**JWT, **changes})


def guarded(asset_id: str, configuration: Any, order: int = 3, **changes: Any) -> list[Any]:
    return [*BASE, make_policy(asset_id, configuration=configuration, order=order, **changes)]


P_CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("P01", "Production has no authentication: anyone", {"policies": BASE[1:]}),
    ("P02", "JWT validation is switched off in", {"policies": [make_policy(disabled=True)]}),
    ("P03", "Production accepts unsigned tokens", {"policies": [jwt(signingMethod="none")]}),
    (
        "P04",
        "JWT validation in Production still has the sample key",
        {"policies": [jwt(jwtKeyOrigin="text", textKey="your-256-bit-secret")]},
    ),
    (
        "P04",
        "JWT validation in Production still has the sample key",
        {"policies": [jwt(jwksUrl="https://your-jwks-service.example/keys")]},
    ),
    (
        "P05",
        "Authentication in Production covers only GET /health",
        {"policies": [make_policy(pointcut=HEALTH)]},
    ),
    (
        "P06",
        "Production asks for a client id without its secret",
        {
            "policies": [
                make_policy(
                    "client-id-enforcement", configuration={**CLIENT, "clientSecretExpression": ""}
                )
            ]
        },
    ),
    (
        "P07",
        "Production accepts tokens that never expire",
        {"policies": [jwt(mandatoryExpClaim=False)]},
    ),
    (
        "P08",
        "Production accepts tokens issued for other APIs",
        {"policies": [jwt(validateAudClaim=False)]},
    ),
    (
        "P09",
        "Production fetches keys over an unencrypted connection",
        {"policies": [jwt(jwksUrl="http://login.corp.example/keys")]},
    ),
    (
        "P10",
        "Production takes credentials from the address",
        {"policies": [make_policy("client-id-enforcement", configuration=QUERY)]},
    ),
    (
        "P11",
        "Contracts do not limit access in Production",
        {"policies": [jwt(skipClientIdValidation=True)], "contracts": [make_contract()]},
    ),
    ("P12", "Production has no rate limit", {"policies": BASE[:1]}),
    (
        "P13",
        "2 SLA tiers in Production limit nothing: no SLA-based policy",
        {"policies": BASE, "tiers": [make_tier("Gold"), make_tier("Silver")]},
    ),
    ("P14", "Production rejects every caller: no active tier", {"policies": SLA}),
    (
        "P15",
        "Rate limiting in Production has no usable limit",
        {"policies": [make_policy("rate-limiting", configuration=limits(0))]},
    ),
    (
        "P16",
        "Any web site may call Production with the user's credentials",
        {"policies": guarded("cors", {"supportCredentials": True})},
    ),
    ("P17", "Any web site may call Production", {"policies": guarded("cors", {})}),
    (
        "P17",
        "Any web site may call Production",
        {
            "policies": guarded(
                "cors",
                {
                    "publicResource": False,
                    "originGroups": [{"originGroupName": "a", "origins": ["*"]}],
                },
            )
        },
    ),
    (
        "P18",
        "The allowlist of Production allows every address",
        {"policies": guarded("ip-allowlist", {"ips": ["0.0.0.0/1", "128.0.0.0/1"]})},
    ),
    (
        "P19",
        "Production writes request contents to its log",
        {"policies": guarded("message-logging", LOG)},
    ),
    (
        "P21",
        "Production is unregistered: its policies are not enforced",
        {"policies": BASE, "status": "unregistered"},
    ),
    (
        "P22",
        "1 application still uses a deprecated instance in Production",
        {"policies": BASE, "contracts": [make_contract()], "deprecated": True},
    ),
    (
        "P25",
        "crm uses the retired tier Old in Production",
        {
            "policies": SLA,
            "tiers": [make_tier(), make_tier("Old", status="DEPRECATED")],
            "contracts": [make_contract(tier="Old")],
        },
    ),
]


@pytest.mark.parametrize(("rule", "sentence", "instance"), P_CASES)
def test_a_posture_rule_is_broken_where_it_should_be(
    rule: str, sentence: str, instance: dict[str, Any]
) -> None:
    (found,) = [f for f in assess(everywhere(**instance)).findings if f.rule == rule]
    assert found.sentence.startswith(sentence)
    assert (found.kind, found.severity) == (Kind.POSTURE, RULES[rule].severity)
    assert found.values == {"dev": None, "test": None, "prod": True}
    assert found.outliers == ("prod",)


def test_every_posture_rule_has_its_case() -> None:
    assert {case[0] for case in P_CASES} == set(RULES)


def cors_of(*groups: dict[str, Any], **changes: Any) -> list[Any]:
    named = [{"originGroupName": str(n), **group} for n, group in enumerate(groups)]
    return guarded("cors", {"publicResource": False, "originGroups": named, **changes})


ISSUER = {"validateCustomClaim": True, "mandatoryCustomClaims": [{"key": "iss", "value": "x"}]}
AUDITED = {"key": "sub", "value": "y"}
KEPT: list[tuple[str, str, list[Any]]] = [
    ("P03", "signed tokens", [jwt(signingMethod="rsa")]),
    ("P03", "a policy of one's own", [make_policy(group_id=GROUP, configuration={})]),
    ("P04", "a key of one's own", [jwt(jwtKeyOrigin="text", textKey="k" * 40, note="sample")]),
    ("P04", "a sample key that has no effect", [jwt(textKey="your-256-bit-secret")]),
    ("P06", "id and secret", [make_policy("client-id-enforcement", configuration=CLIENT)]),
    (
        "P06",
        "a header that has both",
        [
            make_policy(
                "client-id-enforcement",
                configuration={"credentialsOrigin": "httpBasicAuthenticationHeader"},
            )
        ],
    ),
    ("P07", "tokens that expire", [jwt(mandatoryExpClaim=True)]),
    ("P08", "an audience", [jwt(validateAudClaim=True)]),
    ("P08", "an issuer", [jwt(validateAudClaim=False, **ISSUER)]),
    (
        "P08",
        "an issuer beside another claim",
        [jwt(validateAudClaim=False, **{**ISSUER, "nonMandatoryCustomClaims": [AUDITED]})],
    ),
    ("P09", "keys over https", [jwt(jwksUrl="https://a.example/http://b")]),
    ("P15", "the smallest limit", [make_policy("rate-limiting", configuration=limits(1, 1))]),
    ("P16", "credentials for some", cors_of({"origins": ["https://a"]}, supportCredentials=True)),
    ("P16", "anybody without credentials", guarded("cors", {"supportCredentials": False})),
    ("P17", "some origins", cors_of({"origins": ["https://a"]})),
    ("P17", "any header of some origins", cors_of({"origins": ["https://a"], "headers": ["*"]})),
    ("P18", "half of all addresses", guarded("ip-allowlist", {"ips": ["0.0.0.0/1"]})),
    ("P18", "no address at all", guarded("ip-allowlist", {})),
    (
        "P19",
        "a status",
        guarded("message-logging", {"loggingConfiguration": [{"itemData": {"message": "#[a]"}}]}),
    ),
]


@pytest.mark.parametrize(("rule", "policies"), [(each[0], each[2]) for each in KEPT],
                         ids=[f"{each[0]} {each[1]}" for each in KEPT])  # fmt: skip
def test_a_posture_rule_is_kept_where_it_should_be(rule: str, policies: list[Any]) -> None:
    assert rule not in rules(assess(everywhere(policies, contracts=[make_contract()])))


def test_one_weak_part_among_strong_ones_breaks_the_rule() -> None:
    origins = cors_of({"origins": ["https://a"]}, {"origins": ["*"]})
    assert "P17" in rules(assess(everywhere(origins)))
    messages = [{"itemData": {"message": text}} for text in ("#[a]", "#[payload]")]
    logged = guarded("message-logging", {"loggingConfiguration": messages})
    assert "P19" in rules(assess(everywhere(logged)))


def test_a_well_guarded_api_breaks_no_rule() -> None:
    tiers = [make_tier()]
    assert assess(everywhere(SLA, tiers, [make_contract(tier="Gold")])).findings == ()


def test_p11_needs_contracts_to_pass_by() -> None:
    posture = assess(everywhere([jwt(skipClientIdValidation=True), BASE[1]]))
    assert "P11" not in rules(posture)


def test_rules_yield_to_those_that_say_more() -> None:
    public = assess(everywhere(guarded("cors", {"supportCredentials": True})))
    assert "P17" not in rules(public)
    assert rules(assess(everywhere())) == {"P01"}


def test_without_production_every_environment_is_asked() -> None:
    scope = make_scope((DEV, TEST), baseline="test")
    posture = assess([make_instance(DEV, BASE[:1]), make_instance(TEST, BASE[:1])], scope)
    found = one(posture, Kind.POSTURE)
    assert found.values == {"dev": True, "test": True}
    assert found.sentence == "Test and Dev have no rate limit"


def test_an_automated_policy_authenticates_and_its_absence_is_not_guessed() -> None:
    automated = {"prod": [make_automated("jwt-validation")]}
    assert "P01" not in rules(assess(everywhere(), make_scope(automated=automated)))
    unread = {"prod": make_instance(not_read={"tiers": "403"}).tiers}
    posture = assess(everywhere(), make_scope(automated=unread))
    assert (rules(posture), posture.verdict) == (set(), Verdict.UNKNOWN)
    assert "automated policies in Production (403)" in posture.headline


def test_what_was_not_read_breaks_no_rule_of_absence() -> None:
    unread = everywhere(not_read={"policies": "403", "tiers": "403", "contracts": "403"})
    posture = assess(unread)
    assert posture.findings == ()
    inactive = everywhere(not_read={"policies": "403", "contracts": "403"}, status="draft")
    assert assess(inactive).findings == ()


@pytest.mark.parametrize(
    ("message", "is_told"),
    [
        ("#[payload]", True),
        ("#['got: ' ++ payload]", True),
        ("#['got: $(payload)']", True),
        ("#[attributes.headers.authorization]", True),
        ("#[attributes.headers['Authorization']]", True),
        ("#[payload.id]", False),
        ("#[sizeOf(payload)]", False),
        ("#['payload received']", False),
        ("#[attributes.headers['x-id']]", False),
    ],
)
def test_p19_tells_whole_contents_from_parts(message: str, is_told: bool) -> None:
    log = {"loggingConfiguration": [{"itemName": "a", "itemData": {"message": message}}]}
    assert ("P19" in rules(assess(everywhere(guarded("message-logging", log))))) is is_told


def test_p25_names_the_first_of_several_applications() -> None:
    clients = [make_contract("b", tier="Old"), make_contract("a", tier="old")]
    posture = assess(everywhere(SLA, [make_tier(), make_tier("Old", status="x")], clients))
    (found,) = [f for f in posture.findings if f.rule == "P25"]
    assert found.sentence == "a and 1 more use the retired tier Old in Production"


# ── Drift ────────────────────────────────────────────────────────────────────────────────────


def changed(asset_id: str, here: Any, there: Any) -> tuple[Any, Any]:
    """Return the policies of two environments in which one configuration differs."""
    if asset_id == "jwt-validation":
        return [make_policy(configuration=here)], [make_policy(configuration=there)]
    return guarded(asset_id, here), guarded(asset_id, there)


def sandbox_and_production(here: Any, there: Any) -> list[InstanceReading]:
    return with_policies(here, here, there)


def config(asset_id: str, here: Any, there: Any) -> tuple[list[Any], list[Any]]:
    return changed(asset_id, here, there)


A, B = {"ips": ["10.0.0.0/8"]}, {"ips": ["10.0.0.0/8", "192.168.0.0/16"]}
GROUPS = {
    name: {"publicResource": False, "originGroups": [{"originGroupName": "g", "origins": own}]}
    for name, own in {
        "few": ["https://a"],
        "more": ["https://a", "https://b"],
        "all": ["*"],
    }.items()
}
JSON = "json-threat-protection"

CONFIG_CASES: list[tuple[str, str, Any, Any, str, Severity, Direction]] = [
    (
        "D04",
        "openidconnect-access-token-enforcement",
        {},
        {"scopeValidationCriteria": "OR"},
        "scopeValidationCriteria",
        HIGH,
        IN_PRODUCTION,
    ),
    (
        "D24",
        "cors",
        {"publicResource": False, "originGroups": [{"originGroupName": "g", "origins": []}]},
        GROUPS["few"],
        "originGroups[g].origins",
        MEDIUM,
        IN_PRODUCTION,
    ),
    (
        "D04",
        "jwt-validation",
        JWT,
        {**JWT, "validateAudClaim": False},
        "validateAudClaim",
        HIGH,
        IN_PRODUCTION,
    ),
    (
        "D04",
        "jwt-validation",
        {**JWT, "validateAudClaim": False},
        JWT,
        "validateAudClaim",
        HIGH,
        ELSEWHERE,
    ),
    (
        "D04",
        "jwt-validation",
        JWT,
        {**JWT, "jwksUrl": "https://x.example/k"},
        "jwksUrl",
        MEDIUM,
        NEUTRAL,
    ),
    (
        "D04",
        "jwt-validation",
        JWT,
        {**JWT, "jwksUrl": "https://login-test.example/k"},
        "jwksUrl",
        CRITICAL,
        IN_PRODUCTION,
    ),
    (
        "D04",
        "jwt-validation",
        JWT,
        {**JWT, "jwksUrl": "http://login.corp.example/k"},
        "jwksUrl",
        MEDIUM,
        IN_PRODUCTION,
    ),
    (
        "D04",
        "jwt-validation",
        JWT,
        {**JWT, "signingKeyLength": 128},
        "signingKeyLength",
        HIGH,
        IN_PRODUCTION,
    ),
    ("D05", "ip-allowlist", A, B, "ips", HIGH, IN_PRODUCTION),
    ("D05", "ip-allowlist", B, A, "ips", LOW, ELSEWHERE),
    ("D05", "ip-allowlist", A, {"ips": ["172.16.0.0/12"]}, "ips", MEDIUM, NEUTRAL),
    ("D05", "ip-blocklist", B, A, "ips", HIGH, IN_PRODUCTION),
    ("D06", "rate-limiting", limits(100), limits(200), "rateLimits[60000]", MEDIUM, IN_PRODUCTION),
    ("D06", "rate-limiting", limits(100), limits(1000), "rateLimits[60000]", HIGH, IN_PRODUCTION),
    ("D06", "rate-limiting", limits(200), limits(100), "rateLimits[60000]", LOW, ELSEWHERE),
    ("D06", "rate-limiting", limits(1000), limits(100), "rateLimits[60000]", MEDIUM, ELSEWHERE),
    ("D06", "rate-limiting", limits(10, 1000), limits(700), "rateLimits[1000]", LOW, NEUTRAL),
    ("D06", "rate-limiting", limits("x"), limits("y"), "rateLimits[60000]", LOW, NEUTRAL),
    (
        "D06",
        "rate-limiting",
        limits(5),
        {**limits(5), "clusterizable": False},
        "clusterizable",
        MEDIUM,
        IN_PRODUCTION,
    ),
    (
        "D06",
        "spike-control",
        {"maximumRequests": 5},
        {"maximumRequests": 9},
        "maximumRequests",
        MEDIUM,
        IN_PRODUCTION,
    ),
    (
        "D14",
        "message-logging",
        {"loggingConfiguration": [{"itemData": {"message": "#[a]"}}]},
        LOG,
        "loggingConfiguration[0].message",
        HIGH,
        IN_PRODUCTION,
    ),
    (
        "D14",
        "message-logging",
        LOG,
        {"loggingConfiguration": []},
        "loggingConfiguration",
        LOW,
        ELSEWHERE,
    ),
    ("D15", "client-id-enforcement", CLIENT, QUERY, "clientIdExpression", MEDIUM, IN_PRODUCTION),
    ("D15", "client-id-enforcement", QUERY, CLIENT, "clientIdExpression", LOW, ELSEWHERE),
    (
        "D15",
        "jwt-validation",
        JWT,
        {**JWT, "jwtOrigin": "customExpression"},
        "jwtOrigin",
        LOW,
        NEUTRAL,
    ),
    (
        "D05",
        "ip-allowlist",
        {**A, "ipExpression": "#[a]"},
        {**A, "ipExpression": "#[attributes.headers['X-Forwarded-For']]"},
        "ipExpression",
        HIGH,
        IN_PRODUCTION,
    ),
    (
        "D18",
        "http-basic-authentication",
        {"username": "u", "password": "a"},
        {"username": "u", "password": "b"},
        "password",
        INFO,
        NEUTRAL,
    ),
    (
        "D24",
        "cors",
        GROUPS["few"],
        GROUPS["more"],
        "originGroups[g].origins",
        MEDIUM,
        IN_PRODUCTION,
    ),
    ("D24", "cors", GROUPS["few"], GROUPS["all"], "originGroups[g].origins", HIGH, IN_PRODUCTION),
    ("D24", "cors", GROUPS["more"], GROUPS["few"], "originGroups[g].origins", LOW, ELSEWHERE),
    (
        "D24",
        JSON,
        {"maxContainerDepth": 5},
        {"maxContainerDepth": 9},
        "maxContainerDepth",
        MEDIUM,
        IN_PRODUCTION,
    ),
    ("D24", JSON, {"maxContainerDepth": 5}, {}, "maxContainerDepth", HIGH, IN_PRODUCTION),
    ("D24", JSON, {}, {"maxContainerDepth": 5}, "maxContainerDepth", LOW, ELSEWHERE),
    (
        "D24",
        JSON,
        {"maxContainerDepth": "x"},
        {"maxContainerDepth": "y"},
        "maxContainerDepth",
        LOW,
        NEUTRAL,
    ),
    (
        "D25",
        "header-removal",
        {"inboundHeaders": ["a"]},
        {"inboundHeaders": ["b"]},
        "inboundHeaders",
        LOW,
        NEUTRAL,
    ),
    (
        "D25",
        "rate-limiting",
        limits(5),
        {**limits(5), "novel": {"a": [1]}},
        "novel.a",
        LOW,
        NEUTRAL,
    ),
]


@pytest.mark.parametrize(
    ("rule", "asset_id", "here", "there", "path", "severity", "direction"), CONFIG_CASES
)
def test_a_changed_field_takes_the_rule_of_its_class(
    rule: str,
    asset_id: str,
    here: Any,
    there: Any,
    path: str,
    severity: Severity,
    direction: Direction,
) -> None:
    before, after = changed(asset_id, here, there)
    if asset_id == "rate-limiting":
        before, after = before[0:1] + before[2:], after[0:1] + after[2:]
    found = one(assess(sandbox_and_production(before, after)), Kind.POLICY_CONFIG)
    assert (found.rule, found.path, found.severity, found.direction) == (
        rule,
        path,
        severity,
        direction,
    )


def presence(here: Any, there: Any) -> Any:
    (found,) = differences(assess(sandbox_and_production(here, there)))
    return found


@pytest.mark.parametrize(
    ("here", "there", "rule", "severity", "direction"),
    [
        (BASE, BASE[1:], "D01", CRITICAL, IN_PRODUCTION),
        (SLA, SLA[1:], "D01", HIGH, IN_PRODUCTION),
        (BASE, BASE[:1], "D02", HIGH, IN_PRODUCTION),
        ([*BASE, make_policy(JSON)], BASE, "D02", MEDIUM, IN_PRODUCTION),
        (BASE, [*BASE, make_policy("header-removal")], "D02", LOW, NEUTRAL),
        (BASE[:1], BASE, "D03", LOW, ELSEWHERE),
        (BASE, [make_policy(disabled=True), BASE[1]], "D01", CRITICAL, IN_PRODUCTION),
    ],
)
def test_a_missing_policy_weighs_by_what_it_protects(
    here: Any, there: Any, rule: str, severity: Severity, direction: Direction
) -> None:
    found = presence(here, there)
    assert (found.rule, found.severity, found.direction) == (rule, severity, direction)


def test_left_bare_is_said() -> None:
    sentence = presence(BASE, BASE[1:]).sentence
    assert sentence.endswith("present in Dev and Test; nothing else authenticates there")


@pytest.mark.parametrize(
    ("here", "there", "severity", "direction"),
    [
        (None, HEALTH, HIGH, IN_PRODUCTION),
        (HEALTH, None, LOW, ELSEWHERE),
        (HEALTH, [{"method": "POST", "uri": "/x"}], MEDIUM, NEUTRAL),
    ],
)
def test_d07_what_is_covered(here: Any, there: Any, severity: Severity, direction: Any) -> None:
    found = presence(
        [make_policy(), make_policy("rate-limiting", pointcut=here)],
        [make_policy(), make_policy("rate-limiting", pointcut=there)],
    )
    assert (found.rule, found.severity, found.direction) == ("D07", severity, direction)
    custom = presence(*([*BASE, make_policy("x", pointcut=cut)] for cut in (here, there)))
    assert custom.severity is LOW


def test_d07_says_methods_paths_or_the_whole_api() -> None:
    found = presence(BASE, [BASE[0], make_policy("rate-limiting", order=2, pointcut=HEALTH)])
    assert found.sentence == (
        "Rate limiting covers GET /health in Production, the whole API in Dev and Test"
    )
    assert found.values["prod"] == [{"method": "GET", "uri": "/health"}]
    assert found.values["dev"] == []


def test_d08_weighs_more_where_authentication_or_limits_are_crossed() -> None:
    logs = [make_policy("message-logging", order=3), make_policy("ip-allowlist", order=4)]
    turned = [make_policy("message-logging", order=4), make_policy("ip-allowlist", order=3)]
    found = presence([*BASE, *logs], [*BASE, *turned])
    assert (found.rule, found.severity) == ("D08", LOW)
    assert "runs before" in found.sentence


def test_d08_a_pair_that_a_third_environment_lacks_is_still_told() -> None:
    turned = [make_policy(order=2), make_policy("rate-limiting", order=1)]
    posture = assess(with_policies(BASE, turned, BASE[:1]))
    found = one(posture, Kind.POLICY_ORDER)
    assert found.outliers == ()
    assert found.values == {
        "dev": ["jwt-validation", "rate-limiting"],
        "test": ["rate-limiting", "jwt-validation"],
        "prod": ["jwt-validation"],
    }


@pytest.mark.parametrize(
    ("here", "there", "severity", "direction"),
    [
        ("1.4.0", "1.3.0", LOW, IN_PRODUCTION),
        ("2.0.0", "1.3.0", MEDIUM, IN_PRODUCTION),
        ("1.3.0", "1.4.0", LOW, ELSEWHERE),
        ("1.3.0", "latest", LOW, NEUTRAL),
        ("1.3.0", None, LOW, NEUTRAL),
    ],
)
def test_d09_versions(here: str, there: Any, severity: Severity, direction: Direction) -> None:
    found = presence(
        [make_policy(asset_version=here), BASE[1]], [make_policy(asset_version=there), BASE[1]]
    )
    assert (found.rule, found.severity, found.direction) == ("D09", severity, direction)


def agreements(here: Any, there: Any) -> ApiPosture:
    return assess(
        [
            make_instance(DEV, SLA, *here),
            make_instance(TEST, SLA, *here),
            make_instance(PROD, SLA, *there),
        ]
    )


GOLD, BRONZE = make_tier(), make_tier("Bronze", (5, 60_000))
USER = make_contract(tier="Gold")


@pytest.mark.parametrize(
    ("here", "there", "kind", "rule", "severity", "direction"),
    [
        (([GOLD, BRONZE], []), ([GOLD], []), "tier_missing", "D10", LOW, IN_PRODUCTION),
        (([GOLD], []), ([GOLD, BRONZE], []), "tier_missing", "D10", LOW, ELSEWHERE),
        (
            ([GOLD, BRONZE], [USER]),
            ([BRONZE], [USER]),
            "tier_missing",
            "D10",
            MEDIUM,
            IN_PRODUCTION,
        ),
        (
            ([GOLD, BRONZE], [USER]),
            ([make_tier(status="DEPRECATED"), BRONZE], [USER]),
            "tier_status",
            "D10",
            MEDIUM,
            IN_PRODUCTION,
        ),
        (
            ([GOLD], []),
            ([make_tier(auto_approve=True)], []),
            "tier_approval",
            "D11",
            MEDIUM,
            IN_PRODUCTION,
        ),
        (
            ([make_tier(auto_approve=True)], []),
            ([GOLD], []),
            "tier_approval",
            "D11",
            LOW,
            ELSEWHERE,
        ),
        (([GOLD], [USER]), ([GOLD], []), "contract_missing", "D12", LOW, NEUTRAL),
        (
            ([GOLD], [make_contract(tier="Gold", status="REVOKED")]),
            ([GOLD], [USER]),
            "contract_status",
            "D12",
            MEDIUM,
            IN_PRODUCTION,
        ),
        (
            ([GOLD], [USER]),
            ([GOLD], [make_contract(tier="Gold", status="REVOKED")]),
            "contract_status",
            "D12",
            LOW,
            NEUTRAL,
        ),
        (
            ([GOLD, BRONZE], [make_contract(tier="Bronze")]),
            ([GOLD, BRONZE], [USER]),
            "contract_tier",
            "D13",
            MEDIUM,
            IN_PRODUCTION,
        ),
        (
            ([GOLD, BRONZE], [make_contract()]),
            ([GOLD, BRONZE], [USER]),
            "contract_tier",
            "D13",
            LOW,
            NEUTRAL,
        ),
        (
            ([GOLD], []),
            ([make_tier("Gold", (9000, 60_000))], []),
            "tier_limits",
            "D23",
            MEDIUM,
            IN_PRODUCTION,
        ),
        (
            ([GOLD], []),
            ([make_tier("Gold", (9, 60_000))], []),
            "tier_limits",
            "D23",
            LOW,
            ELSEWHERE,
        ),
        (
            ([GOLD], []),
            ([make_tier("Gold", (9, 60_000), (9, 1_000))], []),
            "tier_limits",
            "D23",
            LOW,
            ELSEWHERE,
        ),
    ],
)
def test_tiers_and_contracts(
    here: Any, there: Any, kind: str, rule: str, severity: Severity, direction: Direction
) -> None:
    found = one(agreements(here, there), Kind(kind))
    assert (found.rule, found.severity, found.direction) == (rule, severity, direction)


def test_a_wish_for_another_tier_is_a_note() -> None:
    wish = make_contract(tier="Gold", requested_tier="Bronze")
    assert "tier_change_pending" in codes(agreements(([GOLD], [wish]), ([GOLD], [wish])))


def test_d16_and_d20_say_numbers_and_versions() -> None:
    posture = assess([make_instance(DEV, BASE, asset_version="1.0.3"), make_instance(PROD, BASE)])
    found = one(posture, Kind.ASSET_VERSION)
    assert (found.rule, found.severity) == ("D16", LOW)
    assert found.sentence == "API version is 1.0.4 in Production, 1.0.3 in Dev"


def test_d17_says_the_label() -> None:
    twice = [*BASE, make_policy("rate-limiting", label="vpn", order=3)]
    found = presence(twice, BASE)
    assert (found.rule, found.sentence) == (
        "D17",
        "Rate limiting is applied once more in Dev and Test (vpn)",
    )


def automated(here: Any, there: Any) -> Any:
    (found,) = assess_automated(make_scope(automated={"dev": here, "test": here, "prod": there}))
    return found


BLOCK = make_automated("ip-blocklist", configuration=B)


@pytest.mark.parametrize(
    ("here", "there", "rule", "severity", "direction"),
    [
        ([BLOCK], [], "D21", HIGH, IN_PRODUCTION),
        ([], [BLOCK], "D21", LOW, ELSEWHERE),
        ([make_automated()], [], "D21", LOW, NEUTRAL),
        ([make_automated(JSON)], [], "D21", LOW, IN_PRODUCTION),
        ([BLOCK], [make_automated("ip-blocklist", configuration=A)], "D22", HIGH, IN_PRODUCTION),
        ([make_automated("ip-blocklist", configuration=A)], [BLOCK], "D22", LOW, ELSEWHERE),
        (
            [BLOCK],
            [make_automated("ip-blocklist", configuration=B, disabled=True)],
            "D22",
            HIGH,
            IN_PRODUCTION,
        ),
        (
            [make_automated("jwt-validation")],
            [
                make_automated(
                    "jwt-validation", configuration={**JWT, "jwksUrl": "https://qa.example"}
                )
            ],
            "D22",
            HIGH,
            IN_PRODUCTION,
        ),
        ([make_automated()], [make_automated(range={"from": "4.6"})], "D22", LOW, NEUTRAL),
    ],
)
def test_automated_policies(
    here: Any, there: Any, rule: str, severity: Severity, direction: Direction
) -> None:
    found = automated(here, there)
    assert (found.rule, found.severity, found.direction) == (rule, severity, direction)
    assert found.sentence.startswith("Automated policy ")


def test_an_automated_difference_names_its_path() -> None:
    found = automated([BLOCK], [make_automated("ip-blocklist", configuration=A)])
    assert (found.path, found.outliers) == ("ips", ("prod",))


def test_an_unread_environment_has_no_automated_differences() -> None:
    unread = make_instance(not_read={"tiers": "403"}).tiers
    scope = make_scope(automated={"dev": [BLOCK], "test": unread, "prod": [BLOCK]})
    assert assess_automated(scope) == ()
    alone = make_scope(automated={"dev": [BLOCK], "test": unread, "prod": unread})
    assert assess_automated(alone) == ()


# ── Expected differences ─────────────────────────────────────────────────────────────────────

KEYS = {e.id: f"https://login-{e.id}.corp.example/keys" for e in ALL}


def by_environment() -> list[InstanceReading]:
    return [make_instance(e, [jwt(jwksUrl=KEYS[e.id]), BASE[1]]) for e in ALL]


def expecting(**allowances: Any) -> Any:
    expected = ExpectedDifference("jwt-validation", "jwksUrl", allowances)
    return make_scope(expected_differences=(expected,))


@pytest.mark.parametrize(
    "allowed",
    [
        {e: {"equals": url} for e, url in KEYS.items()},
        {e: {"matches": f"https://login-{e}.*/keys"} for e in KEYS},
        {e: {"any": True} for e in KEYS},
    ],
)
def test_a_value_that_is_expected_is_no_difference(allowed: Any) -> None:
    assert kinds(assess(by_environment(), expecting(**allowed))) == []


@pytest.mark.parametrize("prod", [None, {"equals": "https://x"}, {"matches": "x*"}])
def test_a_value_that_is_not_the_expected_one_is_said(prod: Any) -> None:
    allowed: dict[str, Any] = {"dev": {"any": True}, "test": {"any": True}}
    if prod:
        allowed["prod"] = prod
    found = one(assess(by_environment(), expecting(**allowed)), Kind.POLICY_CONFIG)
    assert found.sentence.endswith(" (not an expected value)")


def test_an_expected_difference_of_another_api_or_field_counts_for_nothing() -> None:
    any_value = {e: {"any": True} for e in KEYS}
    others = (
        ExpectedDifference("jwt-validation", "jwksUrl", any_value, api_key="other"),
        ExpectedDifference("jwt-validation", "jwtOrigin", any_value),
    )
    found = one(
        assess(by_environment(), make_scope(expected_differences=others)), Kind.POLICY_CONFIG
    )
    assert not found.sentence.endswith("(not an expected value)")


def test_several_changed_fields_are_one_finding_named_by_the_worst() -> None:
    other = jwt(jwksUrl="https://x.example/k", mandatoryExpClaim=False, jwksServiceTimeToLive=5)
    found = presence([BASE[0], BASE[1]], [other, BASE[1]])
    assert found.paths == ("mandatoryExpClaim", "jwksUrl", "jwksServiceTimeToLive")
    assert found.sentence == (
        "JWT validation: mandatory exp claim is off in Production, on in Dev and Test"
        " and 2 more settings"
    )


def test_two_groups_reuse_a_name_without_meaning_the_same() -> None:
    own = make_policy("jwt-validation", group_id=GROUP, configuration={"a": None})
    other = make_policy("jwt-validation", group_id=GROUP, configuration={})
    posture = assess(with_policies([*BASE, own], [*BASE, own], [*BASE, other]))
    found = one(posture, Kind.POLICY_CONFIG)
    assert (found.path, found.rule) == ("a", "D25")


def test_a_blocklist_blocks_what_the_sentence_names() -> None:
    own = ([make_policy("ip-blocklist", configuration=c)] for c in (A, A, B))
    told = [f.sentence for f in differences(assess(with_policies(*own)))]
    assert told == ["IP blocklist: Production blocks 192.168.0.0/16 that Dev and Test do not"]


def test_of_a_window_that_is_limited_twice_the_tighter_limit_is_told() -> None:
    twice = {"rateLimits": [*limits(100)["rateLimits"], *limits(900)["rateLimits"]]}
    own = ([make_policy("rate-limiting", configuration=c)] for c in (twice, twice, limits(200)))
    found = one(assess(with_policies(*own)), Kind.POLICY_CONFIG)
    assert found.direction is Direction.WEAKER_IN_PRODUCTION
    assert found.sentence.startswith(
        "Rate limiting: Production allows 200 per minute, Dev and Test 100"
    )
    same = ([make_policy("rate-limiting", configuration=c)] for c in (twice, twice, limits(100)))
    assert one(assess(with_policies(*same)), Kind.POLICY_CONFIG).sentence.startswith(
        "Rate limiting: Production, Dev and Test allow the same, but a window stands there twice"
    )
    odd = ([make_policy("rate-limiting", configuration={"rateLimits": [c]})] for c in "aab")
    assert "not set" not in one(assess(with_policies(*odd)), Kind.POLICY_CONFIG).sentence


def test_a_further_application_is_told_by_its_policy_whatever_its_label() -> None:
    first, again = make_policy("ip-allowlist", label=""), make_policy("ip-allowlist", label="a/b")
    changed = {**again, "configuration": A}
    held = with_policies([first, again], [first, again], [first, changed])
    told = [f.sentence for f in differences(assess(held))]
    assert [each.partition(":")[0] for each in told] == ["IP allowlist#a/b"]


def test_a_test_host_in_an_issuer_is_one_in_whatever_case() -> None:
    claims = ("https://idp.corp", "https://idp.corp", "https://IDP.TEST.corp")
    own = (
        {**JWT, "validateCustomClaim": True, "mandatoryCustomClaims": [{"key": "iss", "value": c}]}
        for c in claims
    )
    posture = assess(with_policies(*([make_policy(configuration=c)] for c in own)))
    assert one(posture, Kind.POLICY_CONFIG).severity is Severity.CRITICAL


def test_a_mule_3_policy_without_a_group_is_mulesofts_own() -> None:
    legacy = make_policy(group_id=None, asset_version=None)
    posture = assess(with_policies([make_policy()], [make_policy()], [legacy]))
    assert kinds(posture) == ["policy_version"]


def test_twice_the_windows_of_a_limit_are_twice_the_work_to_weigh() -> None:
    def weighed(count: int) -> tuple[str, int]:
        windows = [
            [{"maximumRequests": n + side, "timePeriodInMilliseconds": n + 1} for n in range(count)]
            for side in range(len(ALL))
        ]
        held = [
            make_instance(
                environment,
                id=place,
                policies=[
                    *BASE[:1],
                    make_policy("rate-limiting", configuration={"rateLimits": many}),
                ],
            )
            for place, (environment, many) in enumerate(zip(ALL, windows, strict=True))
        ]
        found = one(assess(held), Kind.POLICY_CONFIG)
        return found.rule, len(found.paths)

    assert weighed(100) == ("D06", 100)
    assert grows_evenly(weighed, 200)


def test_no_name_turns_the_numbers_behind_it_round() -> None:
    turning = "\u202e\u2066"
    named = [Environment(e.id, e.name + turning, e.type) for e in ALL]
    held = [
        make_instance(
            environment,
            id=place,
            policies=[
                make_policy(),
                make_policy("rate-limiting", configuration=limits(1000 + place)),
                make_policy("custom" + turning, group_id="g", configuration={"x" + turning: place}),
            ],
            tiers=[make_tier("Gold" + turning, (place + 1, 60_000))],
            contracts=[make_contract(f"crm {place}" + turning)],
        )
        for place, environment in enumerate(named)
    ]
    posture = assess(held, make_scope(named))
    assert len(posture.findings) > 4
    assert "1002 per minute, Dev 1000" in " ".join(found.sentence for found in posture.findings)
    for found in posture.findings:
        assert not set(turning) & set(found.sentence + posture.headline)


def test_cors_that_allows_no_method_is_not_one_that_names_none() -> None:
    def group(*methods: Any) -> Any:
        origins = {"originGroupName": "g", "origins": ["https://a"], "allowedMethods": [*methods]}
        return [
            make_policy("cors", configuration={"publicResource": False, "originGroups": [origins]})
        ]

    none = group({"methodName": "GET", "allowed": False})
    found = one(assess(with_policies(none, none, group())), Kind.POLICY_CONFIG)
    assert found.path == "originGroups[g].allowedMethods"
    assert found.direction is Direction.WEAKER_IN_PRODUCTION
    assert found.values["dev"] == "none"


def test_what_an_unset_setting_means_is_said_by_the_table_alone() -> None:
    name = "openidconnect-access-token-enforcement"
    url = {"tokenUrl": "https://idp.example/token"}
    off = [make_policy(name, configuration={**url, "secureTrustStore": False})]
    unset = [make_policy(name, configuration=url)]
    assert (
        one(assess(with_policies(off, off, unset)), Kind.POLICY_CONFIG).path == "secureTrustStore"
    )
    other = [make_policy(name, configuration={**url, "maxCacheEntries": 5}, asset_version="2.0.0")]
    posture = assess(with_policies(unset, unset, other))
    assert kinds(posture) == ["policy_version"]
    assert "schema_changed" in codes(posture)


def test_how_long_a_browser_remembers_cors_is_a_matter_of_operation() -> None:
    def group(age: int) -> Any:
        groups = [{"originGroupName": "g", "accessControlMaxAge": age}]
        return [
            make_policy("cors", configuration={"publicResource": False, "originGroups": groups})
        ]

    found = one(assess(with_policies(group(30), group(30), group(60))), Kind.POLICY_CONFIG)
    assert (found.rule, found.severity) == ("D25", Severity.LOW)


def test_an_automated_policy_of_each_gateway_is_compared_with_that_gateways() -> None:
    def rules_of(mule: int, flex: int) -> list[Any]:
        made = [
            make_automated("rate-limiting", technologies=[name], configuration=limits(maximum))
            for name, maximum in (("mule4", mule), ("serviceMesh", flex))
        ]
        return made if mule < flex else made[::-1]

    held = {"dev": rules_of(100, 500), "test": rules_of(100, 500), "prod": rules_of(900, 500)}
    (found,) = assess_automated(make_scope(automated=held))
    assert found.sentence == (
        "Automated policy Rate limiting: Production allows 900 per minute, Dev and Test 100"
    )
    same = rules_of(500, 500)
    assert (
        assess_automated(make_scope(automated={"dev": same, "test": same, "prod": same[::-1]}))
        == ()
    )


def test_a_broken_rule_tells_of_each_place_what_is_so_there() -> None:
    sandboxes = make_scope((DEV, TEST), baseline="dev")
    jwt = [make_policy()]

    def told(rule: str, *held: InstanceReading) -> list[str]:
        return [f.sentence for f in assess(held, sandboxes).findings if f.rule == rule]

    gold, silver = make_tier("Gold"), make_tier("Silver")
    assert told(
        "P13", make_instance(DEV, jwt, [gold]), make_instance(TEST, jwt, [gold, silver])
    ) == ["1 SLA tier in Dev limits nothing: no SLA-based policy; Test breaks the same rule"]
    off = [make_instance(e, jwt, status="inactive") for e in (DEV, TEST)]
    assert told("P21", *off) == ["Dev and Test are inactive: their policies are not enforced"]
    gone = make_instance(TEST, jwt, status="undeployed")
    assert told("P21", off[0], gone) == [
        "Dev is inactive: its policies are not enforced; Test breaks the same rule"
    ]


def test_another_key_of_the_limits_does_not_speak_for_a_limit_that_grew() -> None:
    def limited(maximum: int, key: str) -> list[Any]:
        told = {**limits(maximum), "keySelector": f"#[attributes.headers['{key}']]"}
        return guarded("rate-limiting", told)[:1] + guarded("rate-limiting", told)[2:]

    grown = one(assess(with_policies(*[limited(100, "a")] * 2, limited(5000, "b"))), CONFIG)
    assert (grown.severity, grown.path) == (HIGH, "rateLimits[60000]")
    assert grown.paths == ("rateLimits[60000]", "keySelector")
    assert grown.sentence.startswith("Rate limiting: Production allows 5000 per minute")
    other = one(assess(with_policies(*[limited(100, "a")] * 2, limited(100, "b"))), CONFIG)
    assert (other.severity, other.direction) == (LOW, NEUTRAL)


def test_what_a_policy_of_mule_3_carries_of_its_place_is_no_difference() -> None:
    def throttled(number: int, group_id: str | None = None) -> list[Any]:
        place = {
            "apiId": number,
            "policyId": 10 + number,
            "endpointUri": f"http://{number}.example",
        }
        told = {"maximumRequests": 5, **place}
        return guarded("throttling", told, group_id=group_id, asset_version=None)

    assert kinds(assess(with_policies(*map(throttled, range(3))))) == []
    own = [throttled(number, GROUP) for number in range(3)]
    assert one(assess(with_policies(*own)), CONFIG).paths == ("apiId", "endpointUri", "policyId")


def test_an_automated_policy_has_the_defaults_of_the_gateway_that_it_runs_on() -> None:
    silent = {key: value for key, value in JWT.items() if key != "signingMethod"}
    both = make_automated("jwt-validation", ["mule4", "flexGateway"], configuration=silent)
    scope = make_scope(automated={e.id: [both] for e in ALL})
    assert "P03" in rules(assess(everywhere([]), scope))
    assert "P03" not in rules(assess(everywhere([], technology="flexGateway"), scope))


def test_a_broken_rule_says_where_it_holds_and_where_nobody_asked() -> None:
    other = Environment("prod2", "Production 2", "production")
    held = [
        make_instance(DEV, []),
        make_instance(PROD, BASE),
        make_instance(other, []),
    ]
    (found,) = [f for f in assess(held, make_scope((*ALL, other))).findings if f.rule == "P01"]
    assert found.values == {"dev": None, "prod": False, "prod2": True}
    assert found.outliers == ("prod2",)


def test_of_a_window_that_is_limited_twice_the_tighter_limit_weighs() -> None:
    loose = limits(5000)["rateLimits"]
    both = {"rateLimits": [*loose, *limits(100)["rateLimits"]]}
    limited = [
        [BASE[0], make_policy("rate-limiting", configuration=each, order=2)]
        for each in (both, both, {"rateLimits": loose})
    ]
    found = one(assess(with_policies(*limited)), CONFIG)
    assert (found.severity, found.direction) == (HIGH, IN_PRODUCTION)


@pytest.mark.parametrize(
    ("asset_id", "owasp"),
    [
        ("jwt-validation", "API2:2023"),
        ("spike-control", "API4:2023"),
        ("ip-allowlist", "API8:2023"),
        ("json-threat-protection", "API8:2023"),
    ],
)
def test_a_missing_protection_names_the_risk_that_it_guards_against(
    asset_id: str, owasp: str
) -> None:
    full = [make_policy("client-id-enforcement", configuration=CLIENT), make_policy(asset_id)]
    found = one(assess(with_policies(full, full, full[:1])), Kind.POLICY_MISSING)
    assert found.owasp == owasp


def test_every_posture_rule_weighs_what_the_table_of_rules_says() -> None:
    told = {
        "P01 P02 P03 P04": (CRITICAL, "API2:2023"),
        "P05 P06 P08 P11": (INFO, "API2:2023"),
        "P07 P10": (MEDIUM, "API2:2023"),
        "P12": (INFO, "API4:2023"),
        "P13 P14 P15": (MEDIUM, "API4:2023"),
        "P09 P16 P18 P19": (HIGH, "API8:2023"),
        "P17": (INFO, "API8:2023"),
        "P21 P22 P25": (INFO, "API9:2023"),
    }
    weights = {rule: weight for names, weight in told.items() for rule in names.split()}
    assert {name: (rule.severity, rule.owasp) for name, rule in RULES.items()} == weights


def test_a_client_id_without_its_secret_is_not_told_while_more_may_authenticate() -> None:
    id_only = make_policy(
        "client-id-enforcement", configuration={**CLIENT, "clientSecretExpression": ""}
    )
    unread = {"prod": make_instance(not_read={"tiers": "403"}).tiers}
    assert "P06" in rules(assess(everywhere([id_only])))
    assert "P06" not in rules(assess(everywhere([id_only]), make_scope(automated=unread)))


def test_at_most_three_networks_are_told() -> None:
    few, many = (
        guarded("ip-allowlist", {"ips": [f"10.0.{i}.1" for i in n]}) for n in ([9], range(10))
    )
    found = one(assess(with_policies(few, few, many)), CONFIG)
    assert found.sentence == (
        "IP allowlist: Production allows 10.0.0.1/32, 10.0.1.1/32 and 10.0.2.1/32 that Dev and Test"
        " do not"
    )


@pytest.mark.parametrize(
    ("asset_id", "path"),
    [
        ("oauth2-token-introspection", "validatedTokenTTL"),
        ("json-threat-protection", "maxContainerDepth"),
        ("jwt-validation", "signingKeyLength"),
    ],
)
def test_a_number_that_is_none_is_a_difference_whose_weaker_side_nobody_can_tell(
    asset_id: str, path: str
) -> None:
    here, there = ([*BASE, make_policy(asset_id, configuration={path: v})] for v in ("many", 5))
    for held in ((here, here, there), (there, there, here)):
        found = next(f for f in differences(assess(with_policies(*held))) if f.path == path)
        assert found.direction is NEUTRAL


def test_a_deprecated_instance_that_nobody_uses_breaks_no_rule() -> None:
    asked = [make_contract(status="PENDING")]
    assert "P22" not in rules(assess(everywhere(BASE, contracts=asked, deprecated=True)))


def test_authentication_of_a_part_is_not_told_where_another_policy_covers_the_whole() -> None:
    part = make_policy("client-id-enforcement", configuration=CLIENT, order=3, pointcut=HEALTH)
    limited = make_policy("rate-limiting", order=2, pointcut=HEALTH)
    assert "P05" not in rules(assess(everywhere([BASE[0], part, limited])))
    assert "P05" in rules(assess(everywhere([part, limited])))


def test_items_that_are_none_are_told_and_break_nothing() -> None:
    odd = [
        jwt(jwksUrl=["http://login.corp.example/keys", 7]),
        make_policy("rate-limiting", configuration={"rateLimits": ["many", 5]}, order=2),
    ]
    posture = assess(with_policies(BASE, BASE, odd))
    assert kinds(posture) == ["policy_config", "policy_config"]
    assert "P09" in rules(posture)


def test_another_value_of_a_claim_is_not_a_weaker_one_and_none_is() -> None:
    def claiming(*pairs: tuple[str, str]) -> list[Any]:
        claims = [{"key": key, "value": value} for key, value in pairs]
        return [jwt(validateCustomClaim=True, mandatoryCustomClaims=claims)]

    both, other, none = (
        claiming(("a", "1"), ("b", "1")),
        claiming(("a", "2"), ("b", "1")),
        claiming(("b", "1")),
    )
    path = "mandatoryCustomClaims[a]"
    told = {}
    for name, prod in (("other", other), ("none", none)):
        found = one(assess(with_policies(both, both, prod)), CONFIG)
        assert (found.rule, found.path, found.severity) == ("D04", path, HIGH)
        told[name] = found.direction
    assert told == {"other": NEUTRAL, "none": IN_PRODUCTION}


def test_credentials_for_some_origins_open_no_door_to_all() -> None:
    groups = [{"originGroupName": "a", "origins": ["https://a.example"]}]
    closed, with_credentials = (
        guarded("cors", {"publicResource": False, "supportCredentials": on, "originGroups": groups})
        for on in (False, True)
    )
    found = one(assess(with_policies(closed, closed, with_credentials)), CONFIG)
    assert (found.path, found.severity) == ("supportCredentials", MEDIUM)


def test_one_wish_among_equal_contracts_is_noted() -> None:
    contracts = [make_contract("a"), make_contract("b", tier="Silver", requested_tier="Gold")]
    posture = assess(everywhere(BASE, [make_tier("Silver"), make_tier("Gold")], contracts))
    assert "tier_change_pending" in codes(posture)
