"""The posture tab, worked out from what is stored: plain values for its templates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from app.posture.model import Environment
from app.store.connections import Connection
from app.store.posture_rows import Filter, PosturePage, Summary
from app.store.rollups import Day
from app.store.syncs import Outcome, Sync
from app.web import sentences, words
from app.web.history.trend_chart import Small, small
from app.web.history.view import Since
from app.web.judging import words as judging_words
from app.web.posture import filters as posture_filters
from app.web.posture.filters import Option, PageLink, Tag
from app.web.posture.heads import Column, Head, Size, Total, columns, heads, sizes, totals
from app.web.posture.sync_view import Message, SyncShown, messages, sync_shown, was_read
from app.web.posture.table import RowShown, rows


@dataclass(frozen=True, slots=True)
class Person:
    """What the person may do here; a control that would be refused is not shown."""

    can_edit: bool
    can_configure: bool


@dataclass(frozen=True, slots=True)
class Published:
    """What a request reads of one published sync."""

    sync: Sync
    summary: Summary
    page: PosturePage
    wanted: Filter
    groups: Sequence[tuple[str, str]]
    automated: Sequence[str] = ()
    since: Since | None = None
    days: Sequence[Day] = ()
    changed: Mapping[str, datetime] = field(default_factory=dict)
    has_starter: bool = False
    last_read: Mapping[tuple[str, str], datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PostureView:
    """Everything that the tab's templates read; lists are empty where a state shows none."""

    now: datetime
    state: str  # table | connect | ask | first | empty
    can_edit: bool
    can_configure: bool
    can_sync: bool = False
    organization: str = ""
    baseline: str = ""
    read_environments: str = ""
    synced_at: datetime | None = None
    sync: SyncShown | None = None
    newest_sync_id: str = ""
    messages: Sequence[Message] = ()
    totals: Sequence[Total] = ()
    coverage: str = ""
    query: Filter = field(default_factory=Filter)
    options: Mapping[str, Sequence[Option]] = field(default_factory=dict)
    tags: Sequence[Tag] = ()
    cleared: str = ""
    count_line: str = ""
    heads: Sequence[Head] = ()
    columns: Sequence[Column] = ()
    rows: Sequence[RowShown] = ()
    range_line: str = ""
    pages: Sequence[PageLink] = ()
    previous: str | None = None
    next: str | None = None
    sizes: Sequence[Size] = ()
    snapshot_filter: str = ""
    since: Since | None = None
    trend: Small | None = None


def without_connection(
    person: Person, now: datetime, read_at: datetime | None = None
) -> PostureView:
    """Return the tab of a space that is not connected: what to do, or whom to ask.

    `read_at` is when it was read last, if ever: its history is still there.
    """
    state = "connect" if person.can_configure else "ask"
    title, text, label = (
        words.TEXTS[key] for key in ("gone_connection", "gone_connection_text", "to_history")
    )
    said = [Message("information", title, text, "history", label)] if read_at else []
    return PostureView(
        now, state, person.can_edit, person.can_configure, messages=said, synced_at=read_at
    )


def connected(
    connection: Connection,
    person: Person,
    now: datetime,
    *,
    recent: Sequence[Sync] = (),
    published: Published | None = None,
    bases: Iterable[str] = (),
) -> PostureView:
    """Return the tab of a connected space; `recent` are its syncs, the newest first."""
    newest = recent[0] if recent else None
    base = _base(connection, person, now, newest)
    said = messages(
        connection,
        newest,
        published.sync if published else None,
        before=_before(recent, published),
        automated=published.automated if published else (),
        now=now,
        can_edit=person.can_edit,
        can_configure=person.can_configure,
    )
    if published is None:
        return replace(base, state="first", can_sync=False, messages=said)
    base = replace(base, synced_at=published.sync.finished_at)
    if not published.summary.total:
        read = [item.name for item in published.sync.environments if was_read(item)]
        return replace(base, state="empty", messages=said, read_environments=", ".join(read))
    return _table(base, said, connection, published, bases)


def _base(
    connection: Connection, person: Person, now: datetime, newest: Sync | None
) -> PostureView:
    names = {item.id: item.name for item in connection.environments}
    baseline_id = connection.baseline_environment_id or usual_baseline(connection.environments)
    return PostureView(
        now,
        "table",
        person.can_edit,
        person.can_configure,
        can_sync=person.can_edit,
        organization=connection.organization_name or connection.organization_id or "Anypoint",
        baseline=names.get(baseline_id or "", ""),
        sync=sync_shown(newest),
        newest_sync_id=newest.id if newest else "",
    )


def _before(recent: Sequence[Sync], published: Published | None) -> Sync | None:
    if published is None or published.sync.number is None:
        return None
    # Assessing anew takes numbers too, so the one before need not be the one below.
    number = published.sync.number
    return next((sync for sync in recent if sync.number is not None and sync.number < number), None)


def _table(
    base: PostureView,
    said: list[Message],
    connection: Connection,
    published: Published,
    bases: Iterable[str],
) -> PostureView:
    wanted = published.wanted
    baseline_id = _baseline_id(connection, published.sync)
    environments = published_environments(published.sync, baseline_id)
    shown = [item for item in environments if item.id in wanted.environments] or environments
    total = published.page.total
    summary = published.summary
    last = posture_filters.page_count(total, wanted.size)
    return replace(
        base,
        baseline=next((item.name for item in environments if item.id == baseline_id), ""),
        messages=[*said, *_praise(published), *_starter(base, published)],
        totals=totals(summary, wanted),
        coverage=_coverage(published),
        query=wanted,
        options=posture_filters.options(wanted, environments, published.groups),
        tags=posture_filters.tags(wanted, environments, published.groups),
        cleared=posture_filters.cleared(wanted),
        count_line=sentences.found(total, summary.total),
        heads=heads(wanted),
        columns=columns(published.sync, shown, baseline_id),
        rows=rows(
            published.page.rows,
            shown,
            dict(published.groups),
            bases,
            published.changed,
            published.last_read,
        ),
        range_line=sentences.range_line(wanted.page, wanted.size, total),
        pages=posture_filters.pages(wanted, total),
        previous=posture_filters.at_page(wanted, wanted.page - 1) if wanted.page > 1 else None,
        next=posture_filters.at_page(wanted, wanted.page + 1) if wanted.page < last else None,
        sizes=sizes(wanted),
        snapshot_filter=posture_filters.encoded(replace(wanted, page=1, size=Filter().size)),
        since=published.since,
        trend=small(published.days, base.now.astimezone(UTC).date()),
    )


def _baseline_id(connection: Connection, sync: Sync) -> str | None:
    """Return the baseline that a sync was compared with."""
    known = sync.baseline_environment_id or connection.baseline_environment_id
    return known or usual_baseline(connection.environments)


def usual_baseline(environments: Iterable[Environment]) -> str | None:
    """Return the baseline where none was chosen: the first production environment, else none."""
    return next((item.id for item in environments if item.is_production), None)


def published_environments(sync: Sync, baseline_id: str | None) -> list[Environment]:
    """Return the environments of a sync as they are shown: the baseline first, then their order."""
    found = [Environment(item.id, item.name, item.type) for item in sync.environments]
    return sorted(found, key=lambda item: item.id != baseline_id)


def _coverage(published: Published) -> str:
    outcomes = [item.outcome for item in published.sync.environments]
    summary = published.summary
    return sentences.coverage(
        outcomes.count(Outcome.OK), len(outcomes), summary.total, summary.verdicts["unknown"]
    )


def _starter(base: PostureView, published: Published) -> list[Message]:
    """Offer an administrator to say what is meant to differ, until something was said."""
    if not published.has_starter or not base.can_configure:
        return []
    texts = judging_words.TEXTS
    title, text, label = texts["offer_title"], texts["offer_text"], texts["offer_action"]
    return [Message("information", title, text, "settings", label)]


def _praise(published: Published) -> list[Message]:
    """Say that all is aligned, with how much was read; nothing when it is not, or not known."""
    summary = published.summary
    is_whole = all(item.outcome is Outcome.OK for item in published.sync.environments)
    if not is_whole or not summary.total or summary.verdicts["aligned"] != summary.total:
        return []
    text = f"{_coverage(published)} {words.TEXTS['all_aligned_text']}"
    return [Message("success", words.TEXTS["all_aligned"], text)]
