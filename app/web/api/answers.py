"""The shapes that several answers of the JSON API share."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.posture.model import Environment
from app.store.findings import FindingRow
from app.store.frozen import SeenSync
from app.store.posture_rows import PostureRow
from app.store.syncs import Sync, SyncEnvironment


class EnvironmentAnswer(BaseModel):
    """An environment as Anypoint names it."""

    id: str
    name: str
    type: str

    @classmethod
    def of(cls, environment: Environment) -> "EnvironmentAnswer":
        """Return an environment as it is shown."""
        return cls(id=environment.id, name=environment.name, type=environment.type)


class ReadEnvironmentAnswer(EnvironmentAnswer):
    """An environment with what became of it in a sync."""

    outcome: str
    reason: str | None
    read_at: datetime | None


class SyncEnvironmentAnswer(ReadEnvironmentAnswer):
    """The same with the number of its instances."""

    instances: int

    @classmethod
    def of_sync(cls, environment: SyncEnvironment) -> "SyncEnvironmentAnswer":
        """Return an environment of a sync as it is shown."""
        return cls(
            id=environment.id,
            name=environment.name,
            type=environment.type,
            outcome=environment.outcome,
            reason=environment.reason,
            read_at=environment.read_at,
            instances=environment.instances,
        )


class StartedAnswer(BaseModel):
    """The sync that will answer a request to start one."""

    id: str
    state: str


class PublishedAnswer(BaseModel):
    """The published sync that an answer is about."""

    id: str
    finished_at: datetime | None
    environments: list[ReadEnvironmentAnswer]

    @classmethod
    def of(cls, sync: Sync | SeenSync) -> "PublishedAnswer":
        """Return a published sync as it is shown."""
        environments = [
            ReadEnvironmentAnswer(
                id=item.id,
                name=item.name,
                type=item.type,
                outcome=item.outcome,
                reason=item.reason,
                read_at=item.read_at,
            )
            for item in sync.environments
        ]
        return cls(id=sync.id, finished_at=sync.finished_at, environments=environments)


class AcceptedAnswer(BaseModel):
    """The exception in force by which a finding is accepted."""

    exception_id: str
    reason: str
    note: str
    by: str
    until: datetime


class FindingAnswer(BaseModel):
    """A finding; one of an automated policy belongs to no API. An open one is accepted by nobody."""

    fingerprint: str
    api_id: str | None
    asset_id: str | None
    group_id: str | None
    kind: str
    rule: str
    severity: str
    subject: str | None
    path: str | None
    paths: list[str]
    values: dict[str, Any]
    outliers: list[str]
    sentence: str
    first_seen_at: datetime
    last_seen_at: datetime
    accepted: AcceptedAnswer | None

    @classmethod
    def of(cls, row: FindingRow) -> "FindingAnswer":
        """Return a finding as it is shown."""
        return cls(
            fingerprint=row.fingerprint,
            api_id=row.api_id,
            asset_id=row.asset_id,
            group_id=row.group_id,
            kind=row.kind,
            rule=row.rule,
            severity=row.severity,
            subject=row.subject,
            path=row.path,
            paths=list(row.paths),
            values=dict(row.values),
            outliers=list(row.outliers),
            sentence=row.sentence,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            accepted=row.accepted and AcceptedAnswer.model_validate(row.accepted),
        )


class InstanceAnswer(BaseModel):
    """One API instance; `url` leads to it in API Manager."""

    instance_id: int
    label: str | None
    product_version: str | None
    asset_version: str | None
    status: str | None
    technology: str | None
    url: str | None


class CellAnswer(BaseModel):
    """What an environment holds of an API; what could not be read is null, with the reason."""

    state: str
    policies: int | None
    tiers: list[str] | None
    contracts: int | None
    reason: str | None
    instances: list[InstanceAnswer]

    @classmethod
    def of(cls, cell: Mapping[str, Any]) -> "CellAnswer":
        """Return a cell as it is shown, out of what is kept of it."""
        return cls(**{name: cell[name] for name in cls.model_fields})


class ApiAnswer(BaseModel):
    """One API of the overview; `environments` has a cell per environment id.

    `findings` counts the open ones by severity, `accepted` those that are accepted.
    """

    id: str
    name: str
    group_id: str | None
    asset_id: str | None
    verdict: str
    findings: dict[str, int]
    accepted: int
    headline: str
    environments: dict[str, CellAnswer]

    @classmethod
    def of(cls, row: PostureRow, environments: Collection[str]) -> "ApiAnswer":
        """Return a row as it is shown, with the named environments only; none named means all."""
        cells = cells_of(row)
        return cls(
            id=row.api_id,
            name=row.name,
            group_id=row.group_id,
            asset_id=row.asset_id,
            verdict=row.verdict,
            findings=dict(row.counts),
            accepted=row.accepted,
            headline=row.headline,
            environments={
                name: cell
                for name, cell in cells.items()
                if not environments or name in environments
            },
        )


def cells_of(row: PostureRow) -> dict[str, CellAnswer]:
    """Return a row's cells by environment id."""
    return {name: CellAnswer.of(cell) for name, cell in row.cells.items()}
