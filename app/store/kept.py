"""How a posture and its findings are written down: the columns, and one tuple of them per row."""

from collections.abc import Mapping
from datetime import UTC

from app.caller import SpaceId
from app.posture.model import (
    Acceptance,
    ApiPosture,
    Cell,
    CellState,
    Finding,
    Json,
    Severity,
)
from app.store.bulk import json_text
from app.store.posture_rows import VERDICT_RANK, api_id
from app.store.sections import digest_of

Values = tuple[object, ...]

SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}

POSTURE_COLUMNS = {
    "api_id": "text",
    "api_key": "text",
    "name": "text",
    "group_id": "text",
    "asset_id": "text",
    "verdict": "text",
    "verdict_rank": "smallint",
    "critical": "integer",
    "high": "integer",
    "medium": "integer",
    "low": "integer",
    "info": "integer",
    "accepted": "integer",
    "kinds": "text[]",
    "severities": "text[]",
    "places": "text[]",
    "headline": "text",
    "cells": "jsonb",
    "coverage": "jsonb",
    "notes": "jsonb",
    "input_digest": "bytea",
    "digest": "bytea",
}
POSTURE_LIST = ", ".join(POSTURE_COLUMNS)

FINDING_COLUMNS = {
    "fingerprint": "text",
    "api_id": "text",
    "api_key": "text",
    "name": "text",
    "group_id": "text",
    "asset_id": "text",
    "kind": "text",
    "rule": "text",
    "severity": "text",
    "severity_rank": "smallint",
    "direction": "text",
    "subject": "text",
    "path": "text",
    "paths": "jsonb",
    '"values"': "jsonb",
    "values_digest": "text",
    "outliers": "jsonb",
    "sentence": "text",
    "owasp": "text",
    "lane": "text",
    "accepted": "jsonb",
    "digest": "bytea",
}
FINDING_LIST = ", ".join(FINDING_COLUMNS)


def posture_values(space_id: SpaceId, posture: ApiPosture, input_digest: bytes) -> Values:
    """Return an API's row; its digest covers what is shown, findings included."""
    open_findings = [finding for finding in posture.findings if finding.accepted is None]
    counts = [sum(f.severity is severity for f in open_findings) for severity in Severity]
    shown = (
        posture.name,
        posture.group_id,
        posture.asset_id,
        posture.verdict.value,
        VERDICT_RANK[posture.verdict],
        *counts,
        len(posture.findings) - len(open_findings),
        sorted({finding.kind.value for finding in open_findings}),
        sorted({finding.severity.value for finding in open_findings}),
        _places(posture.cells),
        posture.headline,
        json_text(dict(posture.cells)),
        json_text(posture.coverage),
        json_text(posture.notes),
    )
    digests = [finding_digest(finding).hex() for finding in posture.findings]
    row_digest = digest_of(json_text([*shown, digests]).encode())
    return (api_id(space_id, posture.key), posture.key, *shown, input_digest, row_digest)


def finding_values(space_id: SpaceId, finding: Finding, posture: ApiPosture | None) -> Values:
    """Return a finding's row; one of an automated policy belongs to no API."""
    return (
        finding.fingerprint,
        None if posture is None else api_id(space_id, posture.key),
        *((posture.key, posture.name, posture.group_id, posture.asset_id) if posture else _NO_API),
        finding.kind.value,
        finding.rule,
        finding.severity.value,
        SEVERITY_RANK[finding.severity],
        finding.direction.value,
        finding.subject,
        finding.path,
        json_text(finding.paths),
        json_text(dict(finding.values)),
        finding.values_digest,
        json_text(finding.outliers),
        finding.sentence,
        finding.owasp,
        finding.lane,
        accepted_text(finding),
        finding_digest(finding) if posture is None else _digest_of_named(finding, posture),
    )


def _digest_of_named(finding: Finding, posture: ApiPosture) -> bytes:
    """Return the digest of a finding with what its API is called, which the row tells too."""
    names = (posture.name, posture.group_id, posture.asset_id)
    return digest_of(json_text([finding_digest(finding).hex(), names]).encode())


def accepted_text(finding: Finding) -> str | None:
    """Return the exception in force as JSON, or None for an open finding."""
    return None if finding.accepted is None else json_text(accepted_json(finding.accepted))


def accepted_json(accepted: Acceptance) -> dict[str, Json]:
    """Return an exception as a finding keeps it."""
    return {
        "exception_id": accepted.exception_id,
        "reason": accepted.reason,
        "note": accepted.note,
        "by": accepted.by,
        "until": accepted.until.astimezone(UTC).isoformat(),
    }


_NO_API = (None, None, None, None)


def _places(cells: Mapping[str, Cell]) -> list[str]:
    return [name for name, cell in cells.items() if cell.state is not CellState.NOT_DEPLOYED]


def finding_digest(finding: Finding) -> bytes:
    """Return the digest of all that a finding says; who accepted it is part of that."""
    said = (
        finding.fingerprint,
        finding.values_digest,
        finding.rule,
        finding.severity.value,
        finding.direction.value,
        finding.subject,
        finding.path,
        finding.paths,
        dict(finding.values),
        finding.outliers,
        finding.sentence,
        finding.owasp,
        finding.lane,
        *(() if finding.accepted is None else (accepted_json(finding.accepted),)),
    )
    return digest_of(json_text(said).encode())
