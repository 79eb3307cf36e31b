"""The history as the tab shows it: what changed, the trend, every sync, every snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.caller import AccountId
from app.store.chain import Snapshot
from app.store.findings import FindingRow
from app.store.history import Changes, Counts, Side
from app.store.syncs import State, Sync
from app.web import sentences
from app.web.history.trend_chart import Chart
from app.web.macros import words as macro_words
from app.web.posture.sync_view import SyncShown

t = macro_words.TEXTS

MOST_CHANGES = 100

ROLES = {State.PUBLISHED: "aligned", State.FAILED: "threat"}
"""The look of a sync's state."""


@dataclass(frozen=True, slots=True)
class SideOption:
    """One that may be compared; `label` has `{time}` where its time belongs."""

    id: str
    label: str
    at: datetime
    is_from: bool
    is_to: bool


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """A finding that is new, gone or changed; `before` is what a changed one said.

    `accepted` says until when it is accepted, '' of an open one.
    """

    severity: str
    api: str
    sentence: str
    rule: str
    first_seen_at: datetime
    before: str = ""
    accepted: str = ""


@dataclass(frozen=True, slots=True)
class ChangeList:
    """One of the three lists; `rest` says how many are left out."""

    key: str
    title: str
    count: int
    rows: Sequence[ChangeShown]
    rest: str


@dataclass(frozen=True, slots=True)
class ChangesShown:
    """What changed between two sides."""

    before: SideOption
    after: SideOption
    line: str
    lists: Sequence[ChangeList]
    unchanged: int
    export_query: str


@dataclass(frozen=True, slots=True)
class EnvironmentOutcome:
    """What became of an environment of a sync."""

    name: str
    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class SyncRow:
    """One sync; `number` is empty unless it was published."""

    id: str
    number: str
    started_at: datetime
    role: str
    word: str
    took: str
    requests: int
    by: str
    reason: str
    environments: Sequence[EnvironmentOutcome]
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One snapshot."""

    id: str
    title: str
    what: str
    taken_at: datetime
    by: str
    short: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Links to the newer and the older part of a list; None where there is none."""

    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True)
class HistoryView:
    """Everything that the history's template reads."""

    now: datetime
    can_edit: bool
    sync: SyncShown | None
    published: int
    options: Sequence[SideOption] = ()
    changes: ChangesShown | None = None
    chart: Chart | None = None
    periods: Sequence[tuple[str, str, bool]] = ()
    syncs: Sequence[SyncRow] = ()
    syncs_turn: Turn = field(default_factory=lambda: Turn(None, None))
    snapshots: Sequence[SnapshotRow] = ()
    snapshots_turn: Turn = field(default_factory=lambda: Turn(None, None))


@dataclass(frozen=True, slots=True)
class Since:
    """What the tab's head says of the sync before."""

    line: str
    parts: Sequence[tuple[str, str]]


def since(counts: Counts) -> Since:
    """Return the changes since the sync before, in one line and in parts."""
    number = sentences.number
    parts = [("added", f"+{number(counts.added)} new")]
    parts.append(("resolved", f"−{number(counts.resolved)} resolved"))
    if counts.changed:
        parts.append(("changed", f"{number(counts.changed)} changed"))
    parts.append(("unchanged", f"{number(counts.unchanged)} unchanged"))
    return Since(", ".join(text for _, text in parts), parts)


def side_option(side: Side, before: Side | None, after: Side | None) -> SideOption:
    """Return one side as a choice."""
    chosen = side.snapshot_id or side.sync_id
    title = (
        f"Snapshot “{side.title or t['untitled']}”" if side.snapshot_id else f"Sync #{side.number}"
    )
    return SideOption(chosen, f"{title}, {{time}}", side.at, side == before, side == after)


def changes_shown(found: Changes) -> ChangesShown | None:
    """Return the changes as lists; None where there are not two to compare."""
    if found.before is None or found.after is None:
        return None
    ends = [side_option(side, found.before, found.after) for side in (found.before, found.after)]
    added = [_change(row) for row in found.added[:MOST_CHANGES]]
    resolved = [_change(row) for row in found.resolved[:MOST_CHANGES]]
    changed = [_change(after, before) for before, after in found.changed[:MOST_CHANGES]]
    return ChangesShown(
        before=ends[0],
        after=ends[1],
        line=since(found.counts).line,
        lists=[
            _list("added", len(found.added), added),
            _list("resolved", len(found.resolved), resolved),
            _list("changed", len(found.changed), changed),
        ],
        unchanged=found.unchanged,
        export_query=f"from={ends[0].id}&to={ends[1].id}",
    )


def _list(key: str, count: int, rows: Sequence[ChangeShown]) -> ChangeList:
    rest = sentences.more_findings(count - len(rows)) if count > len(rows) else ""
    return ChangeList(key, t[key], count, rows, rest)


def _change(row: FindingRow, before: FindingRow | None = None) -> ChangeShown:
    return ChangeShown(
        row.severity,
        row.name or t["automated"],
        row.sentence,
        " · ".join(part for part in (row.rule, row.owasp) if part),
        row.first_seen_at,
        _was(before, row) if before else "",
        _accepted(row),
    )


def _accepted(row: FindingRow) -> str:
    if row.accepted is None:
        return ""
    return sentences.accepted(datetime.fromisoformat(row.accepted["until"]))


def _was(before: FindingRow, after: FindingRow) -> str:
    """Return what a finding said before; only its severity, who accepts it, or its values are others."""
    if before.sentence != after.sentence:
        return before.sentence
    if before.severity != after.severity:
        return f"{before.severity}: {before.sentence}"
    if before.accepted != after.accepted:
        return _accepted(before) or t["was_open"]
    return t["other_values"]


def sync_row(sync: Sync, names: Mapping[AccountId, str], chosen_id: str) -> SyncRow:
    """Return a sync with how long it took, what it asked and what became of each environment."""
    took = ""
    if sync.started_at and sync.finished_at:
        took = sentences.duration(sync.finished_at - sync.started_at)
    is_over = sync.state not in {State.QUEUED, State.RUNNING}
    return SyncRow(
        id=sync.id,
        number=f"#{sync.number}" if sync.number else "",
        started_at=sync.started_at or sync.requested_at,
        role=ROLES.get(sync.state, "not_comparable"),
        word=macro_words.STATES[sync.state],
        took=took,
        requests=sync.requests,
        by=_by(sync.requested_by, names),
        reason=sentences.sentence(sync.reason or "") if is_over else "",
        environments=[
            EnvironmentOutcome(
                item.name,
                macro_words.OUTCOMES[item.outcome],
                sentences.sentence(item.reason or ""),
            )
            for item in sync.environments
        ],
        is_chosen=sync.id == chosen_id,
    )


def _by(account_id: AccountId | None, names: Mapping[AccountId, str]) -> str:
    if account_id is None:
        return t["schedule"]
    return names.get(account_id) or t["former_user"]


def snapshot_row(
    snapshot: Snapshot, names: Mapping[AccountId, str], apis: Mapping[str, str]
) -> SnapshotRow:
    """Return a snapshot as a list shows it; `apis` names the APIs that are still there."""
    if snapshot.api_id is not None:
        what = apis.get(snapshot.api_id, t["one_api"])
    else:
        what = sentences.count(snapshot.api_count, "API")
        if not snapshot.wanted.asks_nothing:
            what = f"{what}, filtered"
    return SnapshotRow(
        snapshot.id,
        snapshot.title or t["untitled"],
        what,
        snapshot.taken_at,
        names.get(snapshot.taken_by) or t["former_user"],
        snapshot.sha256[:12],
        snapshot.sha256,
    )
