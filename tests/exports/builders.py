"""Values that an export is made of, with sensible defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from app.exports.evidence import Evidence, Population, ReadEnvironment

NOW = datetime(2026, 11, 25, 14, 3, 7, tzinfo=UTC)

TEST = ReadEnvironment("t", "Test", "sandbox", "ok", None, NOW, is_baseline=False)
PRODUCTION = ReadEnvironment("p", "Production", "production", "ok", None, NOW, is_baseline=True)


def make_evidence(**changes: Any) -> Evidence:
    made = Evidence(
        site="https://northwind.atlassian.net/wiki",
        space_id="65538",
        space_key="ORD",
        space_name="Orders",
        control_plane="us",
        organization_id="9a11f2a0",
        organization_name="Northwind",
        sync_id="0b9cf7a8",
        sync_finished_at=NOW,
        environments=(TEST, PRODUCTION),
        filters="",
        told_filters=(),
        taken_by="5b10a284",
        taken_at=NOW,
        app_version="0.1.0",
        population=Population(apis=2, all_apis=2, findings=1, read_errors=0),
        row_count=2,
        sha256="ab" * 32,
    )
    return replace(made, **changes)


@dataclass(frozen=True)
class Api:
    """One API of a published sync."""

    name: str = "Orders Experience API"
    group_id: str | None = "northwind"
    asset_id: str | None = "orders-experience-api"
    verdict: str = "aligned"
    headline: str = "Same in 2 environments"
    counts: Mapping[str, int] = field(
        default_factory=lambda: dict.fromkeys(("critical", "high", "medium", "low", "info"), 0)
    )
    accepted: int = 0
    cells: Mapping[str, Any] = field(default_factory=lambda: {"t": make_cell(), "p": make_cell()})
    coverage: Mapping[str, Any] = field(
        default_factory=lambda: {
            "not_read": [],
            "hidden_values": 0,
            "sentence": "8 of 8 parts read",
        }
    )


def make_cell(**changes: Any) -> dict[str, Any]:
    made = {
        "state": "deployed",
        "policies": 3,
        "switched_off": 0,
        "automated": 0,
        "tiers": ["Gold", "Silver"],
        "contracts": 12,
        "families": [],
        "is_outlier": False,
        "reason": None,
        "instances": [make_instance()],
    }
    return made | changes


def make_instance(**changes: Any) -> dict[str, Any]:
    made = {
        "instance_id": 19300003,
        "label": "orders-v1",
        "product_version": "v1",
        "asset_version": "1.0.4",
        "status": "active",
        "technology": "mule4",
        "url": "https://anypoint.example.com/1",
    }
    return made | changes


@dataclass(frozen=True)
class Found:
    """One finding of a published sync."""

    severity: str = "high"
    kind: str = "policy_config"
    rule: str = "D04"
    owasp: str = "API2"
    name: str | None = "Orders Experience API"
    group_id: str | None = "northwind"
    asset_id: str | None = "orders-experience-api"
    subject: str | None = "jwt-validation"
    paths: Sequence[str] = ("jwksUrl",)
    values: Mapping[str, Any] = field(
        default_factory=lambda: {"t": "https://test.example/keys", "p": "https://idp.example/keys"}
    )
    outliers: Sequence[str] = ("p",)
    sentence: str = "JWT validation: Production uses other keys than Test"
    fingerprint: str = "f1"
    first_seen_at: datetime = NOW
    last_seen_at: datetime = NOW
    unconfirmed: bool = False
    accepted: Mapping[str, Any] | None = None


ACCEPTED = {
    "exception_id": "0e8f3c1e",
    "reason": "planned",
    "note": "Will be <aligned> in spring.",
    "by": "5b10a284",
    "until": "2026-12-31T00:00:00+00:00",
}
"""An exception as a finding keeps it."""
