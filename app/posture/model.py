"""The core's words: what is read, what is compared, what is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict

MULESOFT_GROUP = "68ef9520-24e9-4cf2-b2f5-620025690913"
"""The Exchange group of MuleSoft's own policies."""

Json = Any
"""A value of JSON as parsed: None, bool, int, float, str, list or dict of these."""


# ── What was read ────────────────────────────────────────────────────────────────────────────


class FactsBody(TypedDict):
    """Section `facts` of an instance: what the instance itself says."""

    name: str  # display name: exchangeAssetName, else assetId, else name
    group_id: str | None
    asset_id: str | None  # both null: a legacy API, matched by name
    asset_version: str | None
    product_version: str | None
    label: str | None
    status: str | None
    technology: str | None
    deprecated: bool
    active_contracts: int | None


class PointcutBody(TypedDict):
    """One pair of a policy's resource scope."""

    method: str  # regular expression over methods
    uri: str  # regular expression over resource paths


class PolicyBody(TypedDict):
    """One item of section `policies`, in the order as sent. Secrets are already sealed."""

    group_id: str | None
    asset_id: str  # Mule 3: the slug that stood in policyTemplateId
    asset_version: str | None
    configuration: dict[str, Json]
    order: int | None
    disabled: bool
    pointcut: list[PointcutBody] | None
    label: str | None


class AutomatedPolicyBody(PolicyBody):
    """One automated policy of an environment."""

    technologies: list[str]
    range: dict[str, Json] | None


class LimitBody(TypedDict):
    """One limit of an SLA tier."""

    maximum: Json  # requests; a whole number in sound data
    milliseconds: Json


class TierBody(TypedDict):
    """One item of section `tiers`."""

    name: str
    limits: list[LimitBody]
    status: str | None
    auto_approve: bool


class ContractBody(TypedDict):
    """One item of section `contracts`."""

    application_id: int | None
    application: str  # its name
    status: str
    tier: str | None  # name of the tier
    requested_tier: str | None
    approved_at: str | None  # ISO 8601; shown, never compared


class SectionName(StrEnum):
    """The four things kept of an instance, and the one kept of an environment."""

    FACTS = "facts"
    POLICIES = "policies"
    TIERS = "tiers"
    CONTRACTS = "contracts"
    AUTOMATED = "automated"


class Section(NamedTuple):
    """One section: read (a body and its digest), or not read (a reason in plain words).

    Sections with equal digests have equal bodies. `body` is one of the shapes above; where there
    is a `load`, it gives the body of a digest, and is asked only for what must be looked at.
    """

    body: Json = None
    digest: bytes = b""
    not_read: str | None = None
    load: Callable[[bytes], Json] | None = None

    @property
    def was_read(self) -> bool:
        """Whether the body may be relied on."""
        return self.not_read is None

    def content(self) -> Json:
        """Return the body, parsed now where it is lazy."""
        return self.body if self.load is None else self.load(self.digest)


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of the connection, in the connection's order."""

    id: str
    name: str
    type: str  # production | sandbox

    @property
    def is_production(self) -> bool:
        """Whether Anypoint calls it a production environment."""
        return self.type == "production"


@dataclass(frozen=True, slots=True)
class EnvironmentReading:
    """What one sync learned of an environment as a whole.

    `not_listed` is the reason why its list of instances could not be read, or None.
    """

    environment: Environment
    not_listed: str | None = None
    automated: Section = field(default_factory=lambda: Section(body=[]))


class InstanceReading(NamedTuple):
    """One API instance in one environment, as read in this sync."""

    environment_id: str
    instance_id: int
    facts: Section
    policies: Section
    tiers: Section
    contracts: Section
    url: str | None = None  # the instance in API Manager, for links


class ApiReading(NamedTuple):
    """All instances of one API over all environments; `key` as `api_key` gives it."""

    key: str
    instances: tuple[InstanceReading, ...]


@dataclass(frozen=True, slots=True)
class ExpectedDifference:
    """An admin's word that a field may have these values (`comparison.md` 5.7).

    `allowances` maps an environment id to `{"equals": value}`, `{"matches": glob}` or `{"any": True}`.
    """

    asset_id: str
    path: str
    allowances: Mapping[str, Mapping[str, Json]]
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An exception for one finding: good while its digest is the same and `as_of` < until.

    `api_key` is None for a finding about automated policies.
    """

    fingerprint: str
    values_digest: str
    reason: str
    by: str
    until: datetime
    exception_id: str = ""
    note: str = ""
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What all APIs of a space are compared under; `as_of` is the time of the sync."""

    environments: tuple[EnvironmentReading, ...]
    baseline_environment_id: str | None
    as_of: datetime
    ignored_application_suffixes: tuple[str, ...] = ()
    expected_differences: tuple[ExpectedDifference, ...] = ()
    exceptions: Mapping[str, Acceptance] = field(default_factory=dict)


# ── What was found ───────────────────────────────────────────────────────────────────────────


class Kind(StrEnum):
    """The closed set of differences, and `posture` for rules that need no second environment."""

    API_NOT_DEPLOYED = "api_not_deployed"
    EXTRA_INSTANCE = "extra_instance"
    PRODUCT_VERSION = "product_version"
    ASSET_VERSION = "asset_version"
    POLICY_MISSING = "policy_missing"
    POLICY_VERSION = "policy_version"
    POLICY_CONFIG = "policy_config"
    POLICY_ORDER = "policy_order"
    POLICY_DISABLED = "policy_disabled"
    POLICY_POINTCUT = "policy_pointcut"
    POLICY_DUPLICATE = "policy_duplicate"
    AUTOMATED_POLICY_MISSING = "automated_policy_missing"
    AUTOMATED_POLICY_CONFIG = "automated_policy_config"
    TIER_MISSING = "tier_missing"
    TIER_LIMITS = "tier_limits"
    TIER_APPROVAL = "tier_approval"
    TIER_STATUS = "tier_status"
    CONTRACT_MISSING = "contract_missing"
    CONTRACT_TIER = "contract_tier"
    CONTRACT_STATUS = "contract_status"
    POSTURE = "posture"


class Severity(StrEnum):
    """How much a finding weighs, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Direction(StrEnum):
    """Where a difference protects less."""

    WEAKER_IN_PRODUCTION = "weaker in production"
    WEAKER_ELSEWHERE = "weaker elsewhere"
    NEUTRAL = "neutral"


class Verdict(StrEnum):
    """The row's status, in order of precedence."""

    THREAT = "threat"
    DRIFT = "drift"
    UNKNOWN = "unknown"
    NOT_COMPARABLE = "not_comparable"
    ALIGNED = "aligned"


class CellState(StrEnum):
    """What an environment holds of an API; three texts that never look alike."""

    DEPLOYED = "deployed"
    NOT_DEPLOYED = "not_deployed"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference or a broken posture rule, with its weight and its sentence.

    `values` has an entry per environment in which the API is deployed: the value, None where
    absent, "masked" where hidden, "unreadable" where not read. `accepted` is the exception in
    force, if there is one. The fingerprint holds no value, `values_digest` holds them all.
    """

    fingerprint: str
    values_digest: str
    kind: Kind
    rule: str
    severity: Severity
    direction: Direction
    subject: str | None
    path: str | None
    paths: tuple[str, ...]
    values: Mapping[str, Json]
    outliers: tuple[str, ...]
    sentence: str
    owasp: str
    lane: str = ""
    accepted: Acceptance | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A remark: no severity, no say in the verdict."""

    code: str
    sentence: str
    section: SectionName | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class NotRead:
    """A part that was needed and could not be read."""

    section: str  # a SectionName, or "instances" for the list of an environment
    environment_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what a row needs was read; `sentence` as `comparison.md` 6.4 words it."""

    read: int
    needed: int
    not_read: tuple[NotRead, ...]
    hidden_values: int
    sentence: str


@dataclass(frozen=True, slots=True)
class InstanceSummary:
    """One instance in a cell of the overview."""

    instance_id: int
    label: str | None
    product_version: str | None
    asset_version: str | None
    status: str | None
    technology: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What an earlier sync read of what could not be read now; None where it never was."""

    policies: int | None
    tiers: tuple[str, ...] | None
    contracts: int | None  # approved ones
    instances: tuple[InstanceSummary, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One environment of one row. Numbers are None where they could not be read.

    `policies` counts the API's own, switched-off ones included (`switched_off` of them);
    `automated` counts automated policies that apply; `contracts` counts approved ones.
    """

    state: CellState
    policies: int | None = None
    switched_off: int = 0
    automated: int = 0
    tiers: tuple[str, ...] | None = None
    contracts: int | None = None
    families: tuple[str, ...] = ()
    is_outlier: bool = False
    reason: str | None = None
    instances: tuple[InstanceSummary, ...] = ()
    last_known: LastKnown | None = None  # where it is unreadable


@dataclass(frozen=True, slots=True)
class ApiPosture:
    """One row: everything that the overview and the exports say of an API."""

    key: str
    name: str
    group_id: str | None
    asset_id: str | None
    verdict: Verdict
    headline: str
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]
    coverage: Coverage
    cells: Mapping[str, Cell]  # by environment id, in the connection's order


# ── The matrices of the drilldown ────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class MatrixColumn:
    """An environment, or one of its several instances, as a column; baseline first."""

    environment_id: str
    name: str
    is_baseline: bool
    state: CellState
    instance_id: int | None = None
    label: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """What one column holds of one subject: words by facet, or None where it is missing there."""

    facts: Mapping[str, Json] | None
    summary: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One setting of a policy by its path, a value per column; differing ones are marked."""

    path: str
    words: str
    values: tuple[Json, ...]
    differs: bool
    is_default: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One subject over all columns."""

    subject: str
    cells: tuple[MatrixCell | None, ...]  # None: the column's section holds nothing (see its state)
    differs: bool
    fields: tuple[FieldRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Matrix:
    """One section of the drilldown side by side."""

    section: SectionName
    columns: tuple[MatrixColumn, ...]
    rows: tuple[MatrixRow, ...]
