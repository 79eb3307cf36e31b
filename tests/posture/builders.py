"""Estates for tests of the core: sensible defaults, so that a test shows what it is about."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.posture.assessment import assess_api
from app.posture.matching import api_key
from app.posture.model import (
    MULESOFT_GROUP,
    ApiPosture,
    ApiReading,
    AutomatedPolicyBody,
    ContractBody,
    Environment,
    EnvironmentReading,
    FactsBody,
    Finding,
    InstanceReading,
    Kind,
    PolicyBody,
    Scope,
    Section,
    TierBody,
)
from app.posture.secrets import sealed_configuration

DEV, TEST, PROD = (
    Environment("dev", "Dev", "sandbox"),
    Environment("test", "Test", "sandbox"),
    Environment("prod", "Production", "production"),
)
ALL = (DEV, TEST, PROD)
KEY = b"a key of tests"
AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)
GROUP = "9a11f2a0-0000-4000-8000-000000000001"

JWT = {
    "signingMethod": "rsa",
    "jwtKeyOrigin": "jwks",
    "jwksUrl": "https://login.corp.example/keys",
    "mandatoryExpClaim": True,
    "validateAudClaim": True,
    "supportedAudiences": "orders",
}


def make_policy(asset_id: str = "jwt-validation", **changes: Any) -> PolicyBody:
    defaults: dict[str, Any] = {"jwt-validation": JWT, "rate-limiting": limits(100)}
    group_id = changes.pop("group_id", MULESOFT_GROUP)
    configuration = changes.pop("configuration", defaults.get(asset_id, {}))
    body: dict[str, Any] = {
        "group_id": group_id,
        "asset_id": asset_id,
        "asset_version": "1.0.0",
        "configuration": sealed_configuration(
            configuration, group_id=group_id, asset_id=asset_id, key=KEY
        ),
        "order": 1,
        "disabled": False,
        "pointcut": None,
        "label": None,
    }
    return PolicyBody(**{**body, **changes})  # type: ignore[typeddict-item]


def make_automated(
    asset_id: str = "header-injection",
    technologies: Iterable[str] = ("mule4",),
    range: Any = None,  # noqa: A002
    **changes: Any,
) -> AutomatedPolicyBody:
    policy = make_policy(asset_id, **changes)
    return AutomatedPolicyBody(**policy, technologies=list(technologies), range=range)


def limits(maximum: Any, milliseconds: Any = 60_000) -> dict[str, Any]:
    return {"rateLimits": [{"maximumRequests": maximum, "timePeriodInMilliseconds": milliseconds}]}


def make_tier(name: str = "Gold", *pairs: tuple[Any, Any], **changes: Any) -> TierBody:
    body: dict[str, Any] = {
        "name": name,
        "limits": [
            {"maximum": maximum, "milliseconds": window}
            for maximum, window in pairs or [(1000, 60_000)]
        ],
        "status": "ACTIVE",
        "auto_approve": False,
    }
    return TierBody(**{**body, **changes})  # type: ignore[typeddict-item]


def make_contract(application: str = "crm", **changes: Any) -> ContractBody:
    body: dict[str, Any] = {
        "application_id": int(hashlib.sha256(application.encode()).hexdigest()[:6], 16),
        "application": application,
        "status": "APPROVED",
        "tier": None,
        "requested_tier": None,
        "approved_at": None,
    }
    return ContractBody(**{**body, **changes})  # type: ignore[typeddict-item]


def make_facts(**changes: Any) -> FactsBody:
    body: dict[str, Any] = {
        "name": "Orders API",
        "group_id": GROUP,
        "asset_id": "orders-api",
        "asset_version": "1.0.4",
        "product_version": "v1",
        "label": None,
        "status": "active",
        "technology": "mule4",
        "deprecated": False,
        "active_contracts": None,
    }
    return FactsBody(**{**body, **changes})  # type: ignore[typeddict-item]


def section(body: Any, not_read: str | None = None) -> Section:
    """Return a section with a digest of its canonical JSON, or an unread one."""
    if not_read is not None:
        return Section(not_read=not_read)
    text = json.dumps(body, sort_keys=True)
    return Section(body=body, digest=hashlib.blake2b(text.encode(), digest_size=16).digest())


def make_instance(
    environment: Environment = DEV,
    policies: Any = (),
    tiers: Any = (),
    contracts: Any = (),
    *,
    id: int | None = None,  # noqa: A002
    not_read: Mapping[str, str] | None = None,
    **facts: Any,
) -> InstanceReading:
    reasons = not_read or {}
    return InstanceReading(
        environment.id,
        id or 1 + [e.id for e in (*ALL, environment)].index(environment.id),
        section(make_facts(**facts)),
        section(list(policies), reasons.get("policies")),
        section(list(tiers), reasons.get("tiers")),
        section(list(contracts), reasons.get("contracts")),
        f"https://anypoint.example/{environment.id}",
    )


def everywhere(
    policies: Any = (), tiers: Any = (), contracts: Any = (), environments: Any = ALL, **facts: Any
) -> list[InstanceReading]:
    """Return the same instance in every environment."""
    return [make_instance(e, policies, tiers, contracts, **facts) for e in environments]


def make_scope(
    environments: Iterable[Environment] = ALL,
    *,
    automated: Mapping[str, Any] | None = None,
    not_listed: Mapping[str, str] | None = None,
    **changes: Any,
) -> Scope:
    sections = {
        key: value if isinstance(value, Section) else section(value)
        for key, value in (automated or {}).items()
    }
    readings = tuple(
        EnvironmentReading(e, (not_listed or {}).get(e.id), sections.get(e.id, Section(body=[])))
        for e in environments
    )
    return Scope(readings, changes.pop("baseline", "prod"), AS_OF, **changes)


def assess(instances: Iterable[InstanceReading], scope: Scope | None = None) -> ApiPosture:
    readings = tuple(instances)
    key = api_key(readings[0].facts.content())
    return assess_api(scope or make_scope(), ApiReading(key, readings))


def with_policies(*policies: Any, **facts: Any) -> list[InstanceReading]:
    """Return an instance per environment with the policies given for Dev, Test, Production."""
    return [make_instance(e, p, **facts) for e, p in zip(ALL, policies, strict=False)]


def differences(posture: ApiPosture) -> list[Finding]:
    """Return what is not the same somewhere, posture rules left out."""
    return [f for f in posture.findings if f.kind is not Kind.POSTURE]


def kinds(posture: ApiPosture) -> list[str]:
    return sorted(f.kind for f in differences(posture))


def one(posture: ApiPosture, kind: Kind) -> Finding:
    """Return the only finding of a kind."""
    (found,) = [f for f in posture.findings if f.kind is kind]
    return found


def rules(posture: ApiPosture) -> set[str]:
    return {f.rule for f in posture.findings}


def codes(posture: ApiPosture) -> set[str]:
    return {note.code for note in posture.notes}
