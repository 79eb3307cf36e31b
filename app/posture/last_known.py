"""What is still known of an environment that could not be read now: shown, never compared."""

from app.posture.model import (
    ApiReading,
    FactsBody,
    InstanceReading,
    InstanceSummary,
    LastKnown,
    Section,
)


def last_known(api: ApiReading, environment_id: str) -> LastKnown | None:
    """Return what was read there before, or None where nothing ever was."""
    held = sorted(
        (item for item in api.instances if item.environment_id == environment_id),
        key=lambda item: item.instance_id,
    )
    if not held:
        return None
    main = held[0]
    policies, tiers, contracts = (
        section.content() if _is_kept(section) else None
        for section in (main.policies, main.tiers, main.contracts)
    )
    return LastKnown(
        policies=None if policies is None else len(policies),
        tiers=None if tiers is None else tuple(sorted(tier["name"] for tier in tiers)),
        contracts=None
        if contracts is None
        else sum(item["status"] == "APPROVED" for item in contracts),
        instances=tuple(summary(item) for item in held),
    )


def summary(reading: InstanceReading) -> InstanceSummary:
    """Return an instance as a cell shows it."""
    facts: FactsBody = reading.facts.content()
    return InstanceSummary(
        reading.instance_id,
        facts["label"],
        facts["product_version"],
        facts["asset_version"],
        facts["status"],
        facts["technology"],
        reading.url,
    )


def _is_kept(section: Section) -> bool:
    return section.was_read or section.load is not None or section.body is not None
