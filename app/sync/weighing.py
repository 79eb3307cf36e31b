"""Assessing what is kept of many APIs: those whose input is another one, in batches, in a thread."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field

from app.caller import SiteId
from app.posture.assessment import assess_api, assess_automated
from app.posture.confirming import needs_what_was_not_read
from app.posture.findings import acceptance
from app.posture.model import (
    ApiPosture,
    Direction,
    Finding,
    Kind,
    NotRead,
    Scope,
    SectionName,
    Severity,
)
from app.store import kept, sections
from app.store.database import DB
from app.store.findings import FindingRow
from app.store.publishing import AssessedApi, PublishedRows
from app.store.readings import ApiVersions
from app.store.syncs import Sync
from app.sync.inputs import frame_digest, input_digest, own_digests
from app.sync.scope import Bodies, api_reading

BATCH_APIS = 100
"""APIs that are assessed together: their bodies are in memory, and the loop waits so long."""

Earlier = Mapping[str | None, Sequence[FindingRow]]
"""Findings of before that may be carried on unconfirmed, by API key, None for automated policies."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the APIs of a sync are assessed against; `known` are the digests of their last input."""

    sync: Sync
    scope: Scope
    known: Mapping[str, bytes]
    earlier: Earlier


@dataclass(slots=True)
class Work:
    """What is gathered while going through the APIs.

    `changed` are the exceptions whose finding has another value than the one that was accepted.
    """

    baseline_environment_id: str | None
    assessed: list[AssessedApi] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    automated: tuple[Finding, ...] = ()
    unconfirmed: set[str] = field(default_factory=set)
    judged_anew: list[Finding] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def rows(self) -> PublishedRows:
        """What is to be published."""
        return PublishedRows(
            self.assessed,
            self.kept,
            self.automated,
            self.unconfirmed,
            self.judged_anew,
            self.baseline_environment_id,
        )


async def weigh(db: DB, site_id: SiteId, ground: Ground, apis: AsyncIterator[ApiVersions]) -> Work:
    """Assess every API whose input changed, and the automated policies; the others are kept."""
    work = Work(ground.scope.baseline_environment_id)
    frame = frame_digest(ground.scope)
    own = own_digests(ground.scope)
    reasons = {item.id: item.reason for item in ground.sync.environments}
    async for batch in batched(apis):
        digests = {api.api_key: input_digest(frame, own, api) for api in batch}
        is_new = {key: ground.known.get(key) != digest for key, digest in digests.items()}
        changed = [api for api in batch if is_new[api.api_key]]
        work.kept += [key for key in digests if not is_new[key]]
        bodies = await sections.bodies(db, site_id, digests_of(changed))
        made = await asyncio.to_thread(_assess, ground.scope, changed, bodies, reasons)
        for api, result in zip(changed, made, strict=True):
            work.assessed.append(AssessedApi(result, digests[api.api_key]))
            _compare(ground, work, api.api_key, result.findings, result.coverage.not_read)
    work.automated = await asyncio.to_thread(assess_automated, ground.scope)
    _compare(ground, work, None, work.automated, _not_listed(ground.scope))
    return work


def _compare(
    ground: Ground,
    work: Work,
    api_key: str | None,
    found: Sequence[Finding],
    not_read: Sequence[NotRead],
) -> None:
    """Note what is carried on unconfirmed, and which exceptions are for another value."""
    unconfirmed = list(_unconfirmed(ground.earlier.get(api_key, ()), found, not_read))
    work.unconfirmed.update(row.fingerprint for row in unconfirmed)
    work.judged_anew += _judged_anew(ground.scope, unconfirmed)
    work.changed += _changed(ground.scope, found, not_read)


def _changed(scope: Scope, found: Iterable[Finding], not_read: Sequence[NotRead]) -> Iterator[str]:
    """Yield the exceptions that are for another value than the one that was found.

    A part that was not read makes a value look changed. The finding is open then, but nobody knows
    whether what was accepted is still there: the exception waits.
    """
    places = {part.environment_id for part in not_read}
    for finding in found if scope.exceptions else ():
        known = scope.exceptions.get(finding.fingerprint)
        if known is None or known.values_digest == finding.values_digest:
            continue
        if not needs_what_was_not_read(finding.kind, places, not_read):
            yield known.exception_id


def _judged_anew(scope: Scope, unconfirmed: Iterable[FindingRow]) -> Iterator[Finding]:
    for row in unconfirmed:
        finding = _as_found(scope, row)
        known = finding.accepted
        if (known and kept.accepted_json(known)) != row.accepted:
            yield finding


def _as_found(scope: Scope, row: FindingRow) -> Finding:
    return Finding(
        fingerprint=row.fingerprint,
        values_digest=row.values_digest,
        kind=Kind(row.kind),
        rule=row.rule,
        severity=Severity(row.severity),
        direction=Direction(row.direction),
        subject=row.subject,
        path=row.path,
        paths=row.paths,
        values=row.values,
        outliers=row.outliers,
        sentence=row.sentence,
        owasp=row.owasp,
        lane=row.lane,
        accepted=acceptance(scope, row.fingerprint, row.values_digest),
    )


async def batched(apis: AsyncIterator[ApiVersions]) -> AsyncIterator[list[ApiVersions]]:
    """Yield APIs in batches that are assessed together."""
    batch: list[ApiVersions] = []
    async for api in apis:
        batch.append(api)
        if len(batch) == BATCH_APIS:
            yield batch
            batch = []
    if batch:
        yield batch


def digests_of(apis: Iterable[ApiVersions]) -> set[bytes]:
    """Return the digests of all bodies that some APIs are read from."""
    return {
        digest
        for api in apis
        for instance in api.instances
        for digest in astuple(instance.digests)
        if digest is not None
    }


def _assess(
    scope: Scope,
    apis: Sequence[ApiVersions],
    bodies: Bodies,
    reasons: Mapping[str, str | None],
) -> list[ApiPosture]:
    return [assess_api(scope, api_reading(api, bodies, reasons)) for api in apis]


def _unconfirmed(
    earlier: Iterable[FindingRow], found: Iterable[Finding], not_read: Sequence[NotRead]
) -> Iterator[FindingRow]:
    """Yield the earlier findings that are neither found again nor known to be gone."""
    again = {finding.fingerprint for finding in found}
    for row in earlier:
        if row.fingerprint not in again and needs_what_was_not_read(
            row.kind, {*row.values, *row.outliers}, not_read
        ):
            yield row


def _not_listed(scope: Scope) -> tuple[NotRead, ...]:
    return tuple(
        NotRead(SectionName.AUTOMATED, item.environment.id, item.automated.not_read)
        for item in scope.environments
        if item.automated.not_read is not None
    )
