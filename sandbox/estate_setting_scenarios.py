"""Settings that differ: each function plants one in a policy and notes what must be found."""

from sandbox.estate_case import Case
from sandbox.estate_model import Policy


def other_keys(case: Case) -> None:
    """False alignment: same policy, version and count, another source of keys."""
    case.configuration("jwt-validation")["jwksUrl"] = "https://login.test-idp.example/keys"
    case.found("policy_config", "jwt-validation", "jwksUrl")


def ten_times_the_limit(case: Case) -> None:
    """A limit ten times as high."""
    limits = case.configuration("rate-limiting")["rateLimits"]
    limits[0]["maximumRequests"] = 10_000
    case.found("policy_config", "rate-limiting", "rateLimits[60000]")


def other_limit(case: Case) -> None:
    """A limit somewhat lower."""
    limits = case.configuration("rate-limiting")["rateLimits"]
    limits[1]["maximumRequests"] = 15_000
    case.found("policy_config", "rate-limiting", "rateLimits[3600000]")


def other_window(case: Case) -> None:
    """The same number of requests over another window: two windows differ."""
    limits = case.configuration("rate-limiting")["rateLimits"]
    limits[0]["timePeriodInMilliseconds"] = 1000
    case.found("policy_config", "rate-limiting", "rateLimits[1000]", "rateLimits[60000]")


def other_spike(case: Case) -> None:
    """Another pair of maximum and window."""
    configuration = case.configuration("spike-control")
    configuration |= {"maximumRequests": 600, "timePeriodInMilliseconds": 60_000}
    case.found("policy_config", "spike-control", "maximumRequests", "timePeriodInMilliseconds")


def open_allowlist(case: Case) -> None:
    """An allowlist that lets everybody in."""
    case.configuration("ip-allowlist")["ips"].append("0.0.0.0/0")
    case.found("policy_config", "ip-allowlist", "ips")
    case.breaks("P18", "ip-allowlist")


def other_network(case: Case) -> None:
    """One network more."""
    case.configuration("ip-allowlist")["ips"].append("172.20.5.0/24")
    case.found("policy_config", "ip-allowlist", "ips")


def other_origin(case: Case) -> None:
    """One more origin that browsers may call from."""
    group = case.configuration("cors")["originGroups"][0]
    group["origins"].append("https://preview.northwind.example")
    case.found("policy_config", "cors", "originGroups[Storefront].origins")


def other_secret(case: Case) -> None:
    """Another password, which is never shown."""
    case.configuration("http-basic-authentication")["password"] = "an-invented-other-one"
    case.found("policy_config", "http-basic-authentication", "password")


def other_header_secret(case: Case) -> None:
    """Another key in an injected header, which is never shown."""
    headers = case.configuration("header-injection")["inboundHeaders"]
    headers[1]["value"] = "an-invented-other-key"
    case.found("policy_config", "header-injection", "inboundHeaders[x-api-key]")


def other_header(case: Case) -> None:
    """Another value of an injected header."""
    headers = case.configuration("header-injection")["outboundHeaders"]
    headers[0]["value"] = "max-age=60"
    case.found("policy_config", "header-injection", "outboundHeaders[cache-control]")


def two_settings(case: Case) -> None:
    """Two settings of one policy: one finding that lists both."""
    configuration = case.configuration("jwt-validation")
    configuration |= {"mandatoryNbfClaim": False, "jwksServiceTimeToLive": 600}
    case.found("policy_config", "jwt-validation", "jwksServiceTimeToLive", "mandatoryNbfClaim")


def other_claim(case: Case) -> None:
    """Another value of a claim that tokens must have."""
    claims = case.configuration("jwt-validation")["mandatoryCustomClaims"]
    claims[1]["value"] = "anyone"
    case.found("policy_config", "jwt-validation", "mandatoryCustomClaims[azp]")


def other_scopes(case: Case) -> None:
    """One scope fewer."""
    case.configuration("external-oauth2-access-token-enforcement")["scopes"] = "read"
    case.found("policy_config", "external-oauth2-access-token-enforcement", "scopes")


def hidden_headers(case: Case) -> None:
    """A setting left out where others write it: its default is another value."""
    del case.configuration("rate-limiting")["exposeHeaders"]
    case.found("policy_config", "rate-limiting", "exposeHeaders")


def other_log_level(case: Case) -> None:
    """Another level in a logging rule."""
    rules = case.configuration("message-logging")["loggingConfiguration"]
    rules[0]["itemData"]["level"] = "DEBUG"
    case.found("policy_config", "message-logging", "loggingConfiguration[0].level")


def no_depth_limit(case: Case) -> None:
    """A payload limit switched off."""
    case.configuration("json-threat-protection")["maxContainerDepth"] = -1
    case.found("policy_config", "json-threat-protection", "maxContainerDepth")


def other_removed_header(case: Case) -> None:
    """One header fewer is removed."""
    case.configuration("header-removal")["outboundHeaders"].remove("server")
    case.found("policy_config", "header-removal", "outboundHeaders")


def custom_list_order(case: Case) -> None:
    """A custom policy's list in other order: nobody knows whether that matters, so it is told."""
    case.configuration("partner-signature-check")["partners"].reverse()
    case.found("policy_config", "partner-signature-check", "partners")


def custom_field(case: Case) -> None:
    """A nested field of a custom policy."""
    case.configuration("partner-signature-check")["header"]["required"] = False
    case.found("policy_config", "partner-signature-check", "header.required")


def same_name_in_two_groups(case: Case) -> None:
    """A custom policy that borrows a name of MuleSoft's: two subjects, one differs."""
    case.ensure("header-removal")
    group = case.estate.organization_id
    own = Policy("header-removal", {"level": "strict"}, "1.0.0", group_id=group)
    for item in case.lane:
        item.apply(own)
    case.here.policies[-1].configuration["level"] = "loose"
    case.found("policy_config", f"{group}/header-removal", "level")
