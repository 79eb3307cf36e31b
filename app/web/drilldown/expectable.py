"""What *Expect this difference* is filled in with: each setting of a finding, and its values."""

import json
from collections.abc import Iterable, Mapping, Sequence

from app.posture.model import Json, Kind, Matrix, MatrixRow
from app.store.findings import FindingRow
from app.store.syncs import SyncEnvironment

MASKED, UNREADABLE = "masked", "unreadable"
"""What stands in place of a value that is hidden, or that was not read."""

SECTION_MARK = " @ "


def expectable(row: FindingRow, policies: Matrix, environments: Sequence[SyncEnvironment]) -> str:
    """Return the values of a finding's settings as JSON; empty where nothing can be expected."""
    if row.kind != Kind.POLICY_CONFIG or not row.subject:
        return ""
    held = next((each for each in policies.rows if each.subject == row.subject), None)
    fields = [_field(row, path, held, policies, environments) for path in row.paths]
    return json.dumps({"policy": policy_of(row.subject), "api": row.api_id, "fields": fields})


def policy_of(subject: str) -> str:
    """Return the asset id in a finding's subject, without its group, its label and its lane."""
    return subject.partition(SECTION_MARK)[0].partition("#")[0].rpartition("/")[2]


def _field(
    row: FindingRow,
    path: str,
    held: MatrixRow | None,
    policies: Matrix,
    environments: Iterable[SyncEnvironment],
) -> dict[str, Json]:
    known = next((each for each in held.fields if each.path == path), None) if held else None
    values: Mapping[str, Json] = row.values
    if path != row.path:
        values = {}
        if known is not None:
            columns = [column.environment_id for column in policies.columns]
            paired = reversed(list(zip(columns, known.values, strict=True)))
            values = {name: value for name, value in paired if name in row.values}
    return {
        "path": path,
        "words": known.words if known else path,
        "environments": [_environment(item, values) for item in environments],
    }


def _environment(item: SyncEnvironment, values: Mapping[str, Json]) -> dict[str, Json]:
    value = values.get(item.id)
    if item.id not in values or value == UNREADABLE:
        state = "unread"
    elif value == MASKED:
        state = "masked"
    else:
        state = "unset" if value is None else "set"
    return {
        "id": item.id,
        "name": f"{item.name} ({item.type})",
        "state": state,
        "value": value if state == "set" else None,
    }
