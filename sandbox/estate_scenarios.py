"""Differences in instances, tiers and contracts, and which scenarios there are of each kind."""

import copy
from collections.abc import Callable

from sandbox import estate_policy_scenarios as policies
from sandbox import estate_setting_scenarios as settings
from sandbox import estate_weaknesses as weaknesses
from sandbox.estate_case import Case

Scenario = Callable[[Case], None]


def not_deployed(case: Case) -> None:
    """Not deployed here."""
    case.api.instances.remove(case.here)
    case.found("api_not_deployed", None)


def one_instance_more(case: Case) -> None:
    """A second instance here, of which the others know nothing."""
    extra = copy.deepcopy(case.here)
    token = next(x.token for x in case.estate.environments if x.id == extra.environment_id)
    extra.label = f"{case.api.asset_id}-v1-canary-{token}"
    case.api.instances.append(extra)
    case.found("extra_instance", None)


def older_asset(case: Case) -> None:
    """Another version of the asset."""
    case.here.asset_version = "0.9.14"
    case.found("asset_version", None)


def other_product_version(case: Case) -> None:
    """Another product version, lined up all the same since each environment has one instance."""
    case.here.product_version = "v2"
    case.found("product_version", None)


def tier_missing(case: Case) -> None:
    """A tier that is missing; nobody uses it."""
    case.with_tiers()
    case.here.tiers.remove(case.here.tier("Trial"))
    case.found("tier_missing", "Trial")


def tier_limits(case: Case) -> None:
    """A tier that allows ten times as much."""
    case.with_tiers()
    case.here.tier("Gold").limits[0] = (10_000, 60_000)
    case.found("tier_limits", "Gold")


def tier_window(case: Case) -> None:
    """The same rate over another window is another limit."""
    case.with_tiers()
    case.here.tier("Bronze").limits[0] = (6000, 3_600_000)
    case.found("tier_limits", "Bronze")


def tier_approval(case: Case) -> None:
    """A tier that anyone may join."""
    case.with_tiers()
    case.here.tier("Silver").auto_approve = True
    case.found("tier_approval", "Silver")


def tier_status(case: Case) -> None:
    """A tier that is retired; nobody uses it."""
    case.with_tiers()
    case.here.tier("Trial").status = "DEPRECATED"
    case.found("tier_status", "Trial")


def contract_missing(case: Case) -> None:
    """An application without a contract here."""
    case.with_contract("returns-desk")
    case.here.contracts.remove(case.here.contract("returns-desk"))
    case.found("contract_missing", "returns-desk")


def contract_of_an_alias_missing(case: Case) -> None:
    """One application per environment, named after it: the same consumer, missing here."""
    tokens = {item.id: item.token for item in case.estate.environments}
    case.with_contract("price-watch")
    for number, item in enumerate(case.lane):
        contract = item.contract("price-watch")
        contract.application_id += 1000 * number
        if tokens[item.environment_id] != "prod":
            contract.application = f"price-watch-{tokens[item.environment_id]}"
    case.here.contracts.pop()
    case.found("contract_missing", "price-watch")


def contract_tier(case: Case) -> None:
    """An application on another tier."""
    case.with_tiers()
    case.with_contract("gift-finder", "Gold")
    case.here.contract("gift-finder").tier = "Silver"
    case.found("contract_tier", "gift-finder")


def contract_revoked(case: Case) -> None:
    """A contract that was revoked here."""
    case.with_contract("seat-planner")
    case.here.contract("seat-planner").status = "REVOKED"
    case.found("contract_status", "seat-planner")


def contract_pending(case: Case) -> None:
    """A contract that waits for approval here."""
    case.with_contract("tax-helper")
    case.here.contract("tax-helper").status = "PENDING"
    case.found("contract_status", "tax-helper")


PRODUCTION, ELSEWHERE = "production", "elsewhere"

ALONE: tuple[tuple[Scenario, str], ...] = (
    (not_deployed, ELSEWHERE),
    (one_instance_more, ELSEWHERE),
    (policies.nothing_authenticates, PRODUCTION),
    (policies.authentication_off, PRODUCTION),
    (policies.another_authentication, PRODUCTION),
    (policies.differs_in_second_lane, ELSEWHERE),
)
"""Scenarios that bear no second one beside them."""

OF_POLICIES: tuple[tuple[Scenario, str], ...] = (
    (settings.other_keys, ELSEWHERE),
    (policies.no_allowlist_here, PRODUCTION),
    (policies.allowlist_off, PRODUCTION),
    (policies.narrower_limit, PRODUCTION),
    (policies.other_order, ELSEWHERE),
    (policies.older_policy, PRODUCTION),
    (policies.applied_twice, ELSEWHERE),
    (settings.ten_times_the_limit, PRODUCTION),
    (settings.other_keys, PRODUCTION),
    (settings.other_limit, ELSEWHERE),
    (settings.other_window, ELSEWHERE),
    (settings.other_spike, PRODUCTION),
    (settings.open_allowlist, PRODUCTION),
    (settings.other_network, ELSEWHERE),
    (settings.other_origin, ELSEWHERE),
    (settings.other_secret, PRODUCTION),
    (settings.other_header_secret, ELSEWHERE),
    (settings.other_header, PRODUCTION),
    (settings.two_settings, ELSEWHERE),
    (settings.other_claim, ELSEWHERE),
    (settings.other_scopes, PRODUCTION),
    (settings.hidden_headers, PRODUCTION),
    (settings.other_log_level, ELSEWHERE),
    (settings.no_depth_limit, ELSEWHERE),
    (settings.other_removed_header, PRODUCTION),
    (settings.custom_list_order, ELSEWHERE),
    (settings.custom_field, ELSEWHERE),
    (settings.same_name_in_two_groups, ELSEWHERE),
    (policies.no_limit_here, PRODUCTION),
    (policies.no_payload_check_here, ELSEWHERE),
    (policies.no_logging_here, ELSEWHERE),
    (policies.other_resources, ELSEWHERE),
    (policies.newer_major, ELSEWHERE),
)
"""One per API; the first seven are of seven kinds."""

OF_OTHER_PARTS: tuple[tuple[Scenario, str], ...] = (
    (older_asset, PRODUCTION),
    (other_product_version, ELSEWHERE),
    (tier_missing, ELSEWHERE),
    (tier_limits, PRODUCTION),
    (tier_approval, ELSEWHERE),
    (tier_status, PRODUCTION),
    (contract_missing, ELSEWHERE),
    (contract_tier, PRODUCTION),
    (contract_revoked, ELSEWHERE),
    (contract_pending, PRODUCTION),
    (contract_of_an_alias_missing, ELSEWHERE),
    (tier_window, ELSEWHERE),
)
"""May stand beside a difference in policies; the first nine are of nine kinds."""

OF_POSTURE: tuple[Scenario, ...] = (
    weaknesses.eternal_tokens,
    weaknesses.tiers_without_policy,
    weaknesses.any_origin,
    weaknesses.credentials_in_the_address,
    weaknesses.unlimited_everywhere,
)
"""Weak, but alike in every environment: no difference at all."""
