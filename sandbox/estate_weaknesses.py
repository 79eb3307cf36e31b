"""What is weak but alike in every environment: no difference, yet a finding of posture."""

from sandbox.estate_case import LIMITS, Case


def unlimited_everywhere(case: Case) -> None:
    """No limit in any environment."""
    case.drop(*LIMITS)
    case.ensure("jwt-validation")
    case.breaks("P12")


def eternal_tokens(case: Case) -> None:
    """Tokens need not expire, in any environment."""
    for configuration in case.everywhere("jwt-validation"):
        configuration["mandatoryExpClaim"] = False
    case.breaks("P07", "jwt-validation")


def any_origin(case: Case) -> None:
    """Browsers may call from anywhere, in all environments."""
    for configuration in case.everywhere("cors"):
        configuration["supportCredentials"] = False
        configuration["originGroups"][0]["origins"] = ["*"]
    case.breaks("P17", "cors")


def credentials_in_the_address(case: Case) -> None:
    """Credentials are read from the address, in all environments."""
    for configuration in case.everywhere("client-id-enforcement"):
        configuration["clientIdExpression"] = "#[attributes.queryParams['client_id']]"
        configuration["clientSecretExpression"] = "#[attributes.queryParams['client_secret']]"
    case.breaks("P10", "client-id-enforcement")


def tiers_without_policy(case: Case) -> None:
    """Tiers that no policy uses, in all environments."""
    case.with_tiers()
    for item in case.lane:
        item.drop("rate-limiting-sla-based")
    case.ensure("jwt-validation", "rate-limiting")
    case.breaks("P13")
