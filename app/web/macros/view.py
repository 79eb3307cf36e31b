"""A macro as its page shows it: the head that an auditor needs, and what stands below it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.caller import AccountId
from app.exports.evidence import ReadEnvironment
from app.exports.storage_format import TOP_FINDINGS, Display, open_first
from app.posture.coverage import unread_automated
from app.posture.model import Environment
from app.store.findings import FindingRow
from app.store.frozen import Content
from app.store.syncs import Outcome
from app.web import sentences, words
from app.web.history.trend_chart import Chart, chart
from app.web.judging.words import REASONS
from app.web.macros import words as macro_words
from app.web.macros.asked import Asked, MacroKind
from app.web.macros.matrices import SectionShown, section
from app.web.macros.output import SHORT_HASH, environments_of, filter_line, population
from app.web.macros.reading import MOST_ROWS, Seen
from app.web.posture import filters as posture_filters
from app.web.posture.heads import BAR, Total, totals
from app.web.posture.table import RowShown, rows

t = macro_words.TEXTS


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the head; a time is shown as the reader's locale has it."""

    label: str
    text: str = ""
    time: datetime | None = None
    ago: str = ""
    full: str = ""


@dataclass(frozen=True, slots=True)
class FindingShown:
    """A finding in a list; `since` is when it was first seen.

    One that is not open has when its exception ends and why it is accepted; one that the sync could
    not confirm has when it was seen last.
    """

    severity: str
    sentence: str
    api: str
    rule: str
    since: datetime | None = None
    accepted_until: datetime | None = None
    accepted_why: str = ""
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MacroView:
    """Everything that a macro's template reads."""

    kind: str
    is_frozen: bool
    title: str
    note: str
    facts: Sequence[Fact]
    warnings: Sequence[str]
    columns: Sequence[ReadEnvironment]
    totals: Sequence[Total] = ()
    bar: int = BAR
    rows: Sequence[RowShown] = ()
    is_filtered: bool = False
    rest: str = ""
    state: str = ""
    display: str = ""
    findings: Sequence[FindingShown] = ()
    more: str = ""
    sections: Sequence[SectionShown] = ()
    chart: Chart | None = None
    snapshot_id: str = ""
    sha256: str = ""


def macro_view(
    wanted: Asked,
    seen: Seen,
    names: Mapping[AccountId, str],
    bases: Iterable[str],
    now: datetime,
) -> MacroView:
    """Return a macro as it is shown; `names` are whom the account ids are of, now."""
    content, snapshot = seen.content, seen.snapshot
    columns = [item for item in environments_of(content) if item.is_shown]
    base = MacroView(
        kind=wanted.kind,
        is_frozen=snapshot is not None,
        title=_title(wanted.kind, seen),
        note=snapshot.note if snapshot else "",
        facts=_facts(wanted.kind, seen, names, now),
        warnings=_warnings(seen),
        columns=columns,
        snapshot_id=snapshot.id if snapshot else "",
        sha256=snapshot.sha256 if snapshot else "",
    )
    if wanted.kind is MacroKind.TREND:
        last = content.sync.finished_at.astimezone(UTC).date()
        return replace(base, chart=chart(content.days, last, wanted.days), state="view=history")
    shown = [Environment(item.id, item.name, item.type) for item in columns]
    table = rows(content.rows[:MOST_ROWS], shown, content.group_names, bases)
    if wanted.kind is MacroKind.API:
        return _api(base, wanted.display, content, table)
    hidden = content.total > len(table)
    return replace(
        base,
        totals=totals(content.summary, content.wanted),
        rows=table,
        is_filtered=content.total != content.summary.total,
        rest=sentences.first_rows(len(table), content.total) if hidden else "",
        state=posture_filters.encoded(content.wanted),
    )


def _title(kind: MacroKind, seen: Seen) -> str:
    if seen.snapshot and seen.snapshot.title:
        return seen.snapshot.title
    if kind is MacroKind.API and seen.content.rows:
        return seen.content.rows[0].name
    return macro_words.MACROS[kind]


def _facts(
    kind: MacroKind, seen: Seen, names: Mapping[AccountId, str], now: datetime
) -> list[Fact]:
    sync, snapshot = seen.content.sync, seen.snapshot
    found = []
    if snapshot is None:
        age = sentences.ago(sync.finished_at, now)
        found.append(Fact(t["as_of"], time=sync.finished_at, ago=age))
    else:
        found.append(Fact(t["taken"], time=snapshot.taken_at))
        found.append(Fact(t["taken_by"], names.get(snapshot.taken_by) or t["former_user"]))
    found.append(Fact(t["sync"], f"#{sync.number}", sync.finished_at if snapshot else None))
    baseline = [item.name for item in environments_of(seen.content) if item.is_baseline]
    found.append(Fact(t["baseline"], "".join(baseline) or t["none"]))
    if kind is MacroKind.OVERVIEW:
        found.append(Fact(t["filter"], filter_line(seen.content)))
    found.append(Fact(t["population"], population(seen.content)))
    if snapshot is not None:
        short = snapshot.sha256[:SHORT_HASH]
        found.append(Fact(t["hash"], short, full=snapshot.sha256))
    return found


def _warnings(seen: Seen) -> list[str]:
    gone = [] if seen.is_connected else [t["gone_text"]]
    tell = {Outcome.FAILED: sentences.not_read, Outcome.PARTIAL: sentences.read_in_part}
    unread = [
        tell[Outcome(item.outcome)](item.name, item.reason or words.REASON_UNKNOWN)
        for item in environments_of(seen.content)
        if item.outcome in tell
    ]
    return [*gone, *unread]


def _api(
    base: MacroView, display: Display, content: Content, table: Sequence[RowShown]
) -> MacroView:
    own = open_first(row for row in content.findings if row.api_id == content.api_id)
    most = {Display.COMPACT: 0, Display.SUMMARY: TOP_FINDINGS, Display.FULL: len(own)}[display]
    is_full = display is Display.FULL
    return replace(
        base,
        rows=table,
        display=display,
        findings=[finding(row) for row in own[:most]],
        more=sentences.more_findings(len(own) - most) if len(own) > most and most else "",
        sections=_sections(content) if is_full else (),
        state=f"api={content.api_id}",
    )


def _sections(content: Content) -> list[SectionShown]:
    unread = unread_automated(content.rows[0].coverage)
    return [section(matrix, unread) for matrix in content.matrices]


def finding(row: FindingRow) -> FindingShown:
    """Return a finding as a list shows it; one of automated policies has no API."""
    shown = FindingShown(
        severity=row.severity,
        sentence=row.sentence,
        api=row.name or t["automated"],
        rule=" · ".join(part for part in (row.rule, row.owasp) if part),
        since=row.first_seen_at,
        confirmed_at=row.last_seen_at if row.unconfirmed else None,
    )
    if row.accepted is None:
        return shown
    until, reason = row.accepted["until"], row.accepted["reason"]
    why = f"{REASONS.get(reason, reason)}. {row.accepted['note']}".strip()
    return replace(shown, accepted_until=datetime.fromisoformat(until), accepted_why=why)
