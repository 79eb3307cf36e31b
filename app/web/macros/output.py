"""Macros out of what is stored: their head, and their static form for PDF, Word and e-mail."""

from collections.abc import Sequence
from datetime import datetime

from app.exports import storage_format
from app.exports.evidence import Population, ReadEnvironment, population_words
from app.exports.storage_format import Display, Head
from app.posture.model import Environment
from app.store.chain import Snapshot
from app.store.frozen import Content
from app.store.rollups import Day
from app.store.syncs import Outcome
from app.web.macros.words import TEXTS
from app.web.posture import filters as posture_filters
from app.web.sentences import ago, moment
from app.web.words import REASON_UNKNOWN

SHORT_HASH = 12

FROZEN = "Frozen snapshot"
LIVE = "Live"


def environments_of(content: Content) -> tuple[ReadEnvironment, ...]:
    """Return the environments of what was seen, the baseline first as everywhere.

    The filter says which of them are columns.
    """
    sync, chosen = content.sync, content.wanted.environments
    found = (
        ReadEnvironment(
            id=item.id,
            name=item.name,
            type=item.type,
            outcome=item.outcome.value,
            reason=item.reason,
            read_at=item.read_at,
            is_baseline=item.id == sync.baseline_environment_id,
            is_shown=not chosen or item.id in chosen,
        )
        for item in sync.environments
    )
    return tuple(sorted(found, key=lambda item: not item.is_baseline))


def population(content: Content) -> str:
    """Return how complete a view is, as `50 of 50 APIs, 3 of 3 environments, 0 read errors`."""
    environments = environments_of(content)
    found = Population(
        content.total, content.summary.total, len(content.findings), content.read_errors
    )
    return population_words(found, sum(item.is_shown for item in environments), len(environments))


def filter_line(content: Content) -> str:
    """Return the filters in force in words, `none` without one."""
    named = [Environment(item.id, item.name, item.type) for item in content.sync.environments]
    groups = list(content.group_names.items())
    tags = posture_filters.tags(content.wanted, named, groups)
    return "; ".join(tag.label for tag in tags) or "none"


def frozen_head(content: Content, snapshot: Snapshot, person: str, title: str) -> Head:
    """Return the head of a frozen macro; `person` is whom the account id is of, now."""
    taken_by = f"{person} ({snapshot.taken_by})" if person else snapshot.taken_by
    lines = (
        ("Mode", FROZEN),
        ("Snapshot", snapshot.title),
        ("Note", snapshot.note),
        ("Taken", moment(snapshot.taken_at)),
        ("Taken by", taken_by),
        *_view_lines(content),
        ("SHA-256", snapshot.sha256[:SHORT_HASH]),
    )
    return Head(title, lines)


def live_head(content: Content, title: str, now: datetime, *, is_connected: bool = True) -> Head:
    """Return the head of a live macro: as of when it is, how long ago, and if nothing is read now."""
    finished = content.sync.finished_at
    as_of = f"{LIVE}, as of last sync, {moment(finished)} ({ago(finished, now)})"
    gone = "" if is_connected else TEXTS["gone_text"]
    return Head(title, (("Mode", as_of), ("Connection", gone), *_view_lines(content)))


def _view_lines(content: Content) -> tuple[tuple[str, str], ...]:
    baseline = [item.name for item in environments_of(content) if item.is_baseline]
    lines = (
        ("Sync", f"{content.sync.id}, finished {moment(content.sync.finished_at)}"),
        ("Baseline", "".join(baseline)),
        ("Filter", filter_line(content) if content.api_id is None else ""),
        ("Population", population(content)),
    )
    return (
        *lines,
        ("Could not be read", _unread(content, Outcome.FAILED)),
        ("Read in part", _unread(content, Outcome.PARTIAL)),
    )


def _unread(content: Content, outcome: Outcome) -> str:
    found = [item for item in environments_of(content) if item.outcome == outcome]
    return "; ".join(f"{item.name}: {item.reason or REASON_UNKNOWN}" for item in found)


def static_overview(head: Head, content: Content) -> str:
    """Return the overview in storage format."""
    return storage_format.overview(
        head,
        content.rows,
        environments_of(content),
        total=content.total,
        summary=content.summary.verdicts,
    )


def static_api(head: Head, content: Content, display: Display) -> str:
    """Return one API in storage format; a snapshot of a list has none, so its first row is taken."""
    if not content.rows:
        return storage_format.sentence("No API matches these filters.")
    row = content.rows[0]
    own = [found for found in content.findings if found.api_id == row.api_id]
    environments = environments_of(content)
    return storage_format.one_api(head, row, own, environments, content.matrices, display)


def static_trend(head: Head, days: Sequence[Day]) -> str:
    """Return the trend in storage format."""
    return storage_format.trend(head, days)
