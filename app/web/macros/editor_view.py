"""What a macro's editor offers: plain values for its templates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.posture.model import Environment
from app.store.chain import Snapshot
from app.store.posture_rows import Filter, PostureRow
from app.store.syncs import Sync
from app.web import sentences, words
from app.web.macros import words as macro_words
from app.web.macros.asked import PERIODS, MacroKind
from app.web.posture import filters as posture_filters
from app.web.posture.filters import Option
from app.web.posture.table import coordinates

t = macro_words.TEXTS


@dataclass(frozen=True, slots=True)
class EditorView:
    """One macro's editor; without a published sync there is nothing to choose from."""

    kind: str
    has_sync: bool
    options: Mapping[str, Sequence[Option]] = field(default_factory=dict)
    periods: Sequence[tuple[int, str]] = ()
    synced_at: datetime | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiOption:
    """An API in the list of a search."""

    id: str
    name: str
    coordinates: str
    verdict: str
    word: str


@dataclass(frozen=True, slots=True)
class OptionsView:
    """The first APIs that a search finds, and how many it finds."""

    options: Sequence[ApiOption]
    line: str


@dataclass(frozen=True, slots=True)
class SnapshotOption:
    """A snapshot to choose; `label` holds its time in UTC, which the script rewrites."""

    id: str
    title: str
    taken_at: datetime
    short: str


def editor_view(
    kind: MacroKind, sync: Sync | None, groups: Iterable[str], names: Mapping[str, str]
) -> EditorView:
    """Return what the editor of a macro offers, out of the published sync."""
    if sync is None:
        return EditorView(kind, has_sync=False)
    environments = [Environment(item.id, item.name, item.type) for item in sync.environments]
    named = sorted(((one, names.get(one, one)) for one in groups), key=lambda item: item[1])
    return EditorView(
        kind,
        has_sync=True,
        options=posture_filters.options(Filter(), environments, named),
        periods=[(days, sentences.count(days, "day")) for days in PERIODS],
        synced_at=sync.finished_at,
    )


def options_of(found: Sequence[PostureRow], total: int, names: Mapping[str, str]) -> OptionsView:
    """Return the APIs of a search as a list shows them."""
    options = [
        ApiOption(
            row.api_id,
            row.name,
            coordinates(row.group_id, row.asset_id, names),
            row.verdict,
            words.VERDICTS[row.verdict],
        )
        for row in found
    ]
    return OptionsView(options, sentences.found_apis(len(options), total))


def snapshot_options(found: Iterable[Snapshot], *, is_api: bool) -> list[SnapshotOption]:
    """Return the snapshots that a macro can show, the newest first."""
    return [
        SnapshotOption(item.id, item.title or t["untitled"], item.taken_at, item.sha256[:12])
        for item in found
        if (item.api_id is not None) == is_api
    ]
