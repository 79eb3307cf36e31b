"""What the settings page shows of the audit log."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.caller import AccountId
from app.store.audit import Action, Entry, Outcome
from app.web import sentences

APP = "Plumbline"
LONG_ID = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
UNKNOWN = "Former user"

ACTIONS = {
    Action.INSTALLED: "App installed",
    Action.REINSTALLED: "App installed again",
    Action.UNINSTALLED: "App uninstalled",
    Action.PURGED: "Data of the space deleted",
    Action.KEYS_ROTATED: "Encryption keys rotated",
    Action.CONNECTION_CREATED: "Connection made",
    Action.CONNECTION_CHANGED: "Connection saved",
    Action.CONNECTION_TESTED: "Connection tested",
    Action.CONNECTION_REMOVED: "Connection removed",
    Action.SECRET_REPLACED: "Client secret replaced",
    Action.ENVIRONMENTS_CHANGED: "Environments or baseline changed",
    Action.SYNC_STARTED: "Sync started",
    Action.SYNC_CANCELLED: "Sync cancelled",
    Action.SNAPSHOT_TAKEN: "Snapshot taken",
    Action.EXPORT_TAKEN: "Export taken",
    Action.WRITE_REFUSED: "Change refused",
    Action.EXPECTATION_MADE: "Expected difference made",
    Action.EXPECTATION_WITHDRAWN: "Expected difference withdrawn",
    Action.EXCEPTION_MADE: "Exception made",
    Action.EXCEPTION_WITHDRAWN: "Exception withdrawn",
    Action.EXCEPTION_EXPIRED: "Exception expired",
    Action.PIPELINE_TOKEN_MADE: "Pipeline token made",
    Action.PIPELINE_TOKEN_REVOKED: "Pipeline token revoked",
}
FIELDS = {
    "control_plane": "control plane",
    "organization_id": "organisation",
    "client_id": "client id",
    "environment_ids": "environments",
    "baseline_environment_id": "baseline",
    "sync_interval_hours": "interval",
    "ignored_application_suffixes": "ignored suffixes",
}
OUTCOMES = {Outcome.DONE: "", Outcome.FAILED: "failed", Outcome.REFUSED: "not permitted"}


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line of the log."""

    at: datetime
    person: str
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """A page of the log; a neighbouring page is None where there is none."""

    entries: Sequence[EntryView]
    range_line: str
    newer: int | None
    older: int | None


def audit_view(
    entries: Sequence[Entry],
    names: Mapping[AccountId, str],
    *,
    total: int,
    page: int,
    size: int,
) -> AuditView:
    """Return a page of the log in words."""
    first = (page - 1) * size
    of = sentences.count(total, "entry", "entries")
    return AuditView(
        entries=[_line(entry, names) for entry in entries],
        range_line=f"{first + 1}–{first + len(entries)} of {of}" if entries else "",
        newer=page - 1 if page > 1 else None,
        older=page + 1 if first + len(entries) < total else None,
    )


def _line(entry: Entry, names: Mapping[AccountId, str]) -> EntryView:
    person = names.get(entry.account_id) or UNKNOWN if entry.account_id else APP
    fields = ", ".join(FIELDS.get(name, name) for name in entry.fields)
    outcome = OUTCOMES.get(Outcome(entry.outcome), "")
    # The beginning tells them apart by eye; the file has them in full.
    named = LONG_ID.sub(r"\1…", entry.object_id or "")
    parts = (fields, named, outcome)
    return EntryView(
        at=entry.at,
        person=person,
        action=ACTIONS[Action(entry.action)],
        detail=" · ".join(part for part in parts if part),
    )
