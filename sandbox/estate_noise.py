"""What differs between environments without being a difference: none of it may be found."""

from collections.abc import Callable, Sequence
from random import Random

from sandbox.estate_model import MULESOFT, Api, Estate, Instance, Json, Policy

Noise = Callable[[Policy, Random], str | None]
"""Changes a policy in a way that means nothing; returns what it did, None if there was nothing."""

SHARE = 0.55

DEFAULTS: dict[str, dict[str, Json]] = {
    "jwt-validation": {
        "jwtOrigin": "httpBearerAuthenticationHeader",
        "signingKeyLength": 256,
        "jwksServiceTimeToLive": 60,
        "jwksServiceConnectionTimeout": 10000,
        "clientIdExpression": "#[vars.claimSet.client_id]",
        "nonMandatoryCustomClaims": [],
    },
    "external-oauth2-access-token-enforcement": {
        "scopeValidationCriteria": "AND",
        "exposeHeaders": False,
    },
    "rate-limiting": {"clusterizable": True, "exposeHeaders": False},
    "rate-limiting-sla-based": {"clusterizable": True, "exposeHeaders": False},
    "spike-control": {"delayTimeInMillis": 1000, "delayAttempts": 1, "exposeHeaders": False},
}

EMPTY_FIELDS = {
    "rate-limiting": "keySelector",
    "jwt-validation": "claimsToHeaders",
}

SAME_NETWORKS = {
    "10.20.0.0/16": ["10.20"],
    "192.168.2.0/24": ["192.168.2.0/25", "192.168.2.128/25"],
    "203.0.113.7": ["203.0.113.7/32"],
    "172.20.5.0/24": ["172.20.5.9/24"],
}

ENVIRONMENT_BOUND = ("apiId", "endpointUri", "autodiscoveryInstanceName")


def key_order(policy: Policy, rng: Random) -> str | None:
    """Shuffle the keys of the configuration."""
    policy.configuration = _shuffled(policy.configuration, rng)
    return "key order"


def _shuffled(value: Json, rng: Random) -> Json:
    if isinstance(value, dict):
        keys = rng.sample(list(value), len(value))
        return {key: _shuffled(value[key], rng) for key in keys}
    if isinstance(value, list):
        return [_shuffled(item, rng) for item in value]
    return value


def set_order(policy: Policy, rng: Random) -> str | None:
    """Shuffle what is a set in meaning."""
    configuration = policy.configuration
    for name in ("ips", "rateLimits", "mandatoryCustomClaims", "inboundHeaders", "outboundHeaders"):
        if isinstance(configuration.get(name), list):
            rng.shuffle(configuration[name])
    for group in configuration.get("originGroups", []):
        for name in ("origins", "headers", "allowedMethods"):
            rng.shuffle(group[name])
    return "set order"


def text_for_number(policy: Policy, _rng: Random) -> str | None:
    """Write numbers and switches as text."""
    policy.configuration = {
        key: str(value).lower() if isinstance(value, int) and value >= 0 else value
        for key, value in policy.configuration.items()
    }
    for limit in policy.configuration.get("rateLimits", []):
        limit["maximumRequests"] = str(limit["maximumRequests"])
    return "text for a number"


def defaults(policy: Policy, _rng: Random) -> str | None:
    """Leave out what is the default, and write out a default that was left out."""
    known = DEFAULTS.get(policy.asset_id, {})
    for key, value in known.items():
        if key not in policy.configuration:
            policy.configuration[key] = value
        elif policy.configuration[key] == value:
            del policy.configuration[key]
    return "a default written out or left out" if known else None


def emptiness(policy: Policy, rng: Random) -> str | None:
    """Write nothing in another way."""
    field = EMPTY_FIELDS.get(policy.asset_id)
    if field is None or policy.configuration.get(field):
        return None
    policy.configuration[field] = rng.choice([None, "", []])
    return "null, empty text or empty list for nothing"


def network_forms(policy: Policy, _rng: Random) -> str | None:
    """Write the same networks in other forms."""
    if policy.asset_id != "ip-allowlist":
        return None
    ips = policy.configuration["ips"]
    policy.configuration["ips"] = [form for ip in ips for form in SAME_NETWORKS.get(ip, [ip])]
    return "the same networks in another form"


def pointcut_forms(policy: Policy, _rng: Random) -> str | None:
    """Write the same resources in another way."""
    if policy.pointcut:
        for pair in policy.pointcut:
            pair["methodRegex"] = "|".join(reversed(pair["methodRegex"].split("|")))
        return "methods in another order"
    policy.pointcut = []
    return "an empty list for the whole API"


def word_lists(policy: Policy, _rng: Random) -> str | None:
    """Write scopes and audiences in another order, with other separators."""
    for name, separator in (("scopes", ","), ("supportedAudiences", " , ")):
        value = policy.configuration.get(name)
        if isinstance(value, str):
            words = value.replace(",", " ").split()
            policy.configuration[name] = separator.join(reversed(words))
            return "words in another order"
    return None


def blanks_in_expressions(policy: Policy, _rng: Random) -> str | None:
    """Put blanks inside the brackets of an expression, or leave the brackets out."""
    value = policy.configuration.get("clientIdExpression")
    if not isinstance(value, str) or not value.startswith("#["):
        return None
    policy.configuration["clientIdExpression"] = f"#[ {value[2:-1].strip()} ]"
    return "blanks around an expression"


def address_forms(policy: Policy, _rng: Random) -> str | None:
    """Write the host in capitals and the port that is meant anyway."""
    for name in ("jwksUrl", "tokenUrl"):
        value = policy.configuration.get(name)
        if isinstance(value, str):
            host = value.split("/")[2]
            policy.configuration[name] = value.replace(host, f"{host.upper()}:443")
            return "the same address in another form"
    return None


def names_of_rules(policy: Policy, _rng: Random) -> str | None:
    """Rename logging rules: a name there is a label."""
    for rule in policy.configuration.get("loggingConfiguration", []):
        rule["itemName"] = "Renamed by somebody"
        return "a logging rule renamed"
    return None


def header_case(policy: Policy, _rng: Random) -> str | None:
    """Write header names in capitals."""
    if policy.asset_id == "header-removal" and policy.group_id == MULESOFT:
        for name in ("inboundHeaders", "outboundHeaders"):
            policy.configuration[name] = [item.title() for item in policy.configuration[name]]
        return "header names in capitals"
    return None


def environment_bound_keys(policy: Policy, rng: Random) -> str | None:
    """Add the keys that old configurations carry and that belong to the environment."""
    if policy.group_id not in (None, MULESOFT):
        return None
    policy.configuration |= {name: str(rng.randrange(10**6)) for name in ENVIRONMENT_BOUND}
    return "keys bound to the environment"


OF_KNOWN_POLICIES: tuple[Noise, ...] = (
    key_order,
    set_order,
    text_for_number,
    defaults,
    emptiness,
    network_forms,
    pointcut_forms,
    word_lists,
    blanks_in_expressions,
    address_forms,
    names_of_rules,
    header_case,
    environment_bound_keys,
)
OF_OTHER_POLICIES: tuple[Noise, ...] = (key_order, pointcut_forms)


def disturb(estate: Estate, rng: Random) -> None:
    """Add noise to all APIs, and note it."""
    planted = {found["api"] for found in estate.truth}
    for api in estate.apis:
        if api.key not in planted and rng.random() < SHARE:
            _note(estate, api, api.instances[0], [_tier_names(api.instances[0])])
        for item in api.instances:
            _note(estate, api, item, _of_instance(api, item, rng))


def _note(estate: Estate, api: Api, item: Instance, done: Sequence[str | None]) -> None:
    for what in dict.fromkeys(word for word in done if word):
        found = {"api": api.key, "environments": [item.environment_id], "noise": what}
        estate.noise.append(found)


def _of_instance(api: Api, item: Instance, rng: Random) -> list[str | None]:
    done = [_of_policy(policy, rng) for policy in item.policies if rng.random() < SHARE]
    done += [noise(item, rng) for noise in OF_INSTANCES if rng.random() < SHARE]
    if rng.random() < SHARE and not _applies_twice(api):
        item.policies[0].label = "named by somebody"
        done.append("a label on a policy that is applied once")
    return done


def _of_policy(policy: Policy, rng: Random) -> str | None:
    is_known = policy.group_id in (None, MULESOFT)
    return rng.choice(OF_KNOWN_POLICIES if is_known else OF_OTHER_POLICIES)(policy, rng)


def _applies_twice(api: Api) -> bool:
    names = [[policy.asset_id for policy in item.policies] for item in api.instances]
    return any(len(set(applied)) < len(applied) for applied in names)


def _gaps(item: Instance, rng: Random) -> str:
    step, start = rng.randrange(2, 5), rng.randrange(10)
    for policy in item.policies:
        policy.order = start + step * (policy.order or 0)
    return "gaps in the order"


def _tier_order(item: Instance, rng: Random) -> str | None:
    rng.shuffle(item.tiers)
    for tier in item.tiers:
        tier.limits.reverse()
    return "tiers and limits in another order" if item.tiers else None


def _row_order(item: Instance, rng: Random) -> str:
    rng.shuffle(item.contracts)
    rng.shuffle(item.policies)
    return "rows in another order"


def _tier_names(item: Instance) -> str | None:
    for tier in item.tiers:
        tier.name = tier.name.upper()
    for contract in item.contracts:
        contract.tier = contract.tier and contract.tier.upper()
    return "tier names in capitals" if item.tiers else None


OF_INSTANCES = (_gaps, _tier_order, _row_order)
