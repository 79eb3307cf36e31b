"""Policies that differ as a whole: missing, switched off, in other order, applied twice."""

import copy

from sandbox.estate_case import Case


def no_limit_here(case: Case) -> None:
    """No rate limit here, though another policy of the family is left."""
    case.ensure("rate-limiting", "spike-control")
    case.here.drop("rate-limiting")
    case.found("policy_missing", "rate-limiting")


def no_allowlist_here(case: Case) -> None:
    """No allowlist here."""
    case.ensure("ip-allowlist")
    case.here.drop("ip-allowlist")
    case.found("policy_missing", "ip-allowlist")


def no_payload_check_here(case: Case) -> None:
    """No protection against huge XML here."""
    case.ensure("xml-threat-protection")
    case.here.drop("xml-threat-protection")
    case.found("policy_missing", "xml-threat-protection")


def no_logging_here(case: Case) -> None:
    """No logging here."""
    case.ensure("message-logging")
    case.here.drop("message-logging")
    case.found("policy_missing", "message-logging")


def nothing_authenticates(case: Case) -> None:
    """The only authentication is missing."""
    case.only_authentication("jwt-validation")
    case.here.drop("jwt-validation")
    case.found("policy_missing", "jwt-validation")
    case.breaks("P01")


def another_authentication(case: Case) -> None:
    """One way of authentication in place of another: two policies are missing, each elsewhere."""
    case.only_authentication("jwt-validation")
    case.ensure("openidconnect-access-token-enforcement")
    case.here.drop("jwt-validation")
    for item in case.lane:
        if item is not case.here:
            item.drop("openidconnect-access-token-enforcement")
    case.found("policy_missing", "jwt-validation")
    case.found("policy_missing", "openidconnect-access-token-enforcement")


def allowlist_off(case: Case) -> None:
    """A policy switched off."""
    case.ensure("ip-allowlist")
    case.here.policy("ip-allowlist").disabled = True
    case.found("policy_disabled", "ip-allowlist")


def authentication_off(case: Case) -> None:
    """The only authentication is switched off."""
    case.only_authentication("jwt-validation")
    case.here.policy("jwt-validation").disabled = True
    case.found("policy_disabled", "jwt-validation")
    case.breaks("P02", "jwt-validation")


def narrower_limit(case: Case) -> None:
    """A limit for some resources only."""
    case.ensure("rate-limiting")
    case.here.policy("rate-limiting").pointcut = [
        {"methodRegex": "GET|POST", "uriTemplateRegex": "/orders/.*"}
    ]
    case.found("policy_pointcut", "rate-limiting")


def other_resources(case: Case) -> None:
    """Other resources in an allowlist that everywhere covers some only."""
    case.ensure("ip-allowlist")
    for item in case.lane:
        item.policy("ip-allowlist").pointcut = [
            {"methodRegex": "PUT|DELETE", "uriTemplateRegex": "/.*"}
        ]
    case.here.policy("ip-allowlist").pointcut = [
        {"methodRegex": "DELETE", "uriTemplateRegex": "/.*"}
    ]
    case.found("policy_pointcut", "ip-allowlist")


def other_order(case: Case) -> None:
    """Two policies change places."""
    case.ensure("rate-limiting", "ip-allowlist")
    first, second = case.here.policy("rate-limiting"), case.here.policy("ip-allowlist")
    first.order, second.order = second.order, first.order
    case.found("policy_order", None)


def older_policy(case: Case) -> None:
    """An older version of the same policy, set up alike."""
    case.ensure("rate-limiting")
    case.here.policy("rate-limiting").version = "1.3.6"
    case.found("policy_version", "rate-limiting")


def newer_major(case: Case) -> None:
    """Another major version, set up alike."""
    case.ensure("json-threat-protection")
    case.here.policy("json-threat-protection").version = "2.0.0"
    case.found("policy_version", "json-threat-protection")


def applied_twice(case: Case) -> None:
    """The same policy once more, told apart by its label."""
    case.ensure("ip-allowlist")
    again = copy.deepcopy(case.here.policy("ip-allowlist"))
    again.label, again.configuration["ips"] = "vpn", ["10.99.0.0/16"]
    case.here.apply(again)
    case.found("policy_duplicate", "ip-allowlist#vpn")


def differs_in_second_lane(case: Case) -> None:
    """Two instances in each environment: the second ones differ among themselves."""
    case.ensure("rate-limiting")
    second = copy.deepcopy(case.lane)
    tokens = {item.id: item.token for item in case.estate.environments}
    for item in second:
        item.label = f"{case.api.asset_id}-v1-internal-{tokens[item.environment_id]}"
    case.api.instances += second
    here = next(item for item in second if item.environment_id == case.environment_id)
    here.policy("rate-limiting").configuration["rateLimits"][0]["maximumRequests"] = 900
    case.found("policy_config", "rate-limiting @ internal", "rateLimits[60000]")
