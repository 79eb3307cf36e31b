"""Payloads of Anypoint become the words of `app.posture.model`. Secrets end here."""

from collections.abc import Sequence
from typing import Any

from app.anypoint.errors import BadAnswer
from app.anypoint.payloads import (
    Payload,
    cleaned,
    flag,
    mapping,
    needed_id,
    needed_text,
    optional_mapping,
    optional_rows,
    rows,
    text,
    whole_number,
)
from app.posture.model import (
    AutomatedPolicyBody,
    ContractBody,
    FactsBody,
    LimitBody,
    PointcutBody,
    PolicyBody,
    TierBody,
)
from app.posture.secrets import sealed_configuration

MAX_NAME_LENGTH = 400
"""Of what an API is known by: longer than any that Exchange takes, short enough for an index."""


def facts(asset: Payload, instance: Payload) -> FactsBody:
    """Return what an instance says of itself; a legacy one has no group and no asset id."""
    group_id, asset_id = _coordinates(instance, asset)
    name = text(asset.get("exchangeAssetName")) or asset_id or _given_name(asset, instance)
    if max(len(part or "") for part in (name, group_id, asset_id)) > MAX_NAME_LENGTH:
        raise BadAnswer("Anypoint sent an API whose name is too long to be one.")
    return FactsBody(
        name=name,
        group_id=group_id,
        asset_id=asset_id,
        asset_version=text(instance.get("assetVersion")),
        product_version=text(instance.get("productVersion")),
        label=text(instance.get("instanceLabel")),
        status=text(instance.get("status")),
        technology=text(instance.get("technology")),
        deprecated=instance.get("deprecated") is True,
        active_contracts=whole_number(instance.get("activeContractsCount")),
    )


def _given_name(asset: Payload, instance: Payload) -> str:
    # Without any name it must not be lined up with others that have none.
    return text(asset.get("name")) or f"API without a name ({whole_number(instance.get('id'))})"


def _coordinates(instance: Payload, asset: Payload) -> tuple[str | None, str | None]:
    sent = [instance.get(key) or asset.get(key) for key in ("groupId", "assetId")]
    if any(value is not None and not isinstance(value, str) for value in sent):
        raise BadAnswer("Anypoint sent an API whose group or asset id is not a text.")
    group_id, asset_id = (text(value) or None for value in sent)
    return (group_id, asset_id) if group_id and asset_id else (None, None)


def policies(body: Any, key: bytes) -> list[PolicyBody]:
    """Return an instance's own policies, switched-off ones included, in the order as sent."""
    return [_policy(item, key) for item in rows(body, "policies")]


def _policy(item: Payload, key: bytes) -> PolicyBody:
    # Only the complete list says which policies are switched off; the other one leaves them out.
    return _applied(item, key, disabled=flag(item.get("disabled"), "policies"))


def _applied(item: Payload, key: bytes, *, disabled: bool) -> PolicyBody:
    if "configuration" in item and "configurationData" not in item:
        raise BadAnswer("Anypoint sent policies in an unknown form.")
    group_id, asset_id = text(item.get("groupId")), _policy_name(item)
    configuration = cleaned(dict(optional_mapping(item.get("configurationData"), "policies")))
    return PolicyBody(
        group_id=group_id,
        asset_id=asset_id,
        asset_version=text(item.get("assetVersion")),
        configuration=sealed_configuration(
            configuration, group_id=group_id, asset_id=asset_id, key=key
        ),
        order=whole_number(item.get("order")),
        disabled=disabled,
        pointcut=_pointcut(item.get("pointcutData")),
        label=text(item.get("label")),
    )


def _policy_name(item: Payload) -> str:
    if item.get("assetId") is not None:
        return needed_text(item["assetId"], "a policy")
    # Mule 3: a slug stands in the template id. A number there changes with each version.
    slug = needed_text(item.get("policyTemplateId"), "a policy")
    if not slug.isdigit():
        return slug
    if item.get("type") == "custom":
        # Mule 3: a template of the organisation's own, the same one in all its environments.
        return f"custom-policy-{slug}"
    raise BadAnswer("Anypoint sent a policy that does not say which one it is.")


def _pointcut(value: Any) -> list[PointcutBody] | None:
    if value is None or value == []:
        return None
    return [
        PointcutBody(
            method=text(pair.get("methodRegex")) or ".*",
            uri=text(pair.get("uriTemplateRegex")) or ".*",
        )
        for pair in rows(value, "resources of a policy")
    ]


def automated_policies(
    items: Sequence[Payload], environment_id: str, key: bytes
) -> list[AutomatedPolicyBody]:
    """Return the automated policies of one environment; others that were sent are left out."""
    rules = [
        optional_mapping(item.get("ruleOfApplication"), "automated policies") for item in items
    ]
    return [
        _automated(item, rule, key)
        for item, rule in zip(items, rules, strict=True)
        if rule.get("environmentId") in (None, environment_id)
    ]


def _automated(item: Payload, rule: Payload, key: bytes) -> AutomatedPolicyBody:
    disabled = flag(item.get("disabled"), "automated policies", default=False)
    return AutomatedPolicyBody(
        **_applied(item, key, disabled=disabled),
        technologies=_technologies(item, rule),
        range=_range(rule.get("range")),
    )


def _technologies(item: Payload, rule: Payload) -> list[str]:
    named = rule.get("technologies")
    if isinstance(named, list):
        return sorted({text(word) or "" for word in named})
    parts = optional_rows(item.get("implementationAssets"), "automated policies")
    return sorted({text(part["technology"]) or "" for part in parts if part.get("technology")})


def _range(value: Any) -> dict[str, Any] | None:
    return cleaned(dict(mapping(value, "automated policies"))) if value is not None else None


def tier(item: Payload) -> TierBody:
    """Return an SLA tier; its name must be there, since tiers are known by it."""
    return TierBody(
        name=needed_text(item.get("name"), "an SLA tier"),
        limits=[
            _limit(limit) for limit in optional_rows(item.get("limits"), "limits of SLA tiers")
        ],
        status=text(item.get("status")),
        auto_approve=flag(item.get("autoApprove"), "an SLA tier", default=False),
    )


def _limit(item: Payload) -> LimitBody:
    return LimitBody(
        maximum=cleaned(item.get("maximumRequests")),
        milliseconds=cleaned(item.get("timePeriodInMilliseconds")),
    )


def contract(item: Payload) -> ContractBody:
    """Return a contract; an application without a name is called by its id."""
    application = optional_mapping(item.get("application"), "a contract")
    sent_id = item.get("applicationId") or application.get("id")
    name = text(application.get("name"))
    application_id = needed_id(sent_id, "a contract") if sent_id or not name else None
    return ContractBody(
        application_id=application_id,
        application=name or f"Application {application_id}",
        status=needed_text(item.get("status"), "a contract").strip().upper(),
        tier=_own_tier(item),
        requested_tier=_tier_name(item.get("requestedTier")),
        approved_at=text(item.get("approvedDate")),
    )


def _own_tier(item: Payload) -> str | None:
    name = _tier_name(item.get("tier"))
    if not name and item.get("tierId") is not None:
        # Taken for a contract without a tier, it would look the same everywhere.
        raise BadAnswer("Anypoint sent a contract without saying which SLA tier it has.")
    return name


def _tier_name(value: Any) -> str | None:
    return text(mapping(value, "a contract").get("name")) if value is not None else None
