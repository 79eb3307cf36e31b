"""What the posture tab says of syncs: the running one's progress, and messages about the last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.store.connections import Connection
from app.store.syncs import Outcome, State, Sync, SyncEnvironment
from app.web import sentences, words

t = words.TEXTS
SHRUNK_BELOW = 0.5
MOST_AUTOMATED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class EnvironmentShown:
    """How far an environment is."""

    name: str
    word: str


@dataclass(frozen=True, slots=True)
class SyncShown:
    """A queued or running sync."""

    id: str
    state: str
    line: str
    done: int
    total: int | None
    environments: Sequence[EnvironmentShown]


@dataclass(frozen=True, slots=True)
class Message:
    """A section message; `action` is what its link does, `read_at` how old that is what is shown."""

    role: str  # information | success | warning | unknown | error
    title: str
    text: str
    action: str = ""  # settings | history | sync
    label: str = ""
    read_at: datetime | None = None
    items: Sequence[str] = ()


def sync_shown(sync: Sync | None) -> SyncShown | None:
    """Return a sync's progress, or None when it is over or there is none."""
    if sync is None or sync.state not in {State.QUEUED, State.RUNNING}:
        return None
    current = next((item for item in sync.environments if item.outcome is Outcome.PENDING), None)
    line = sentences.reading(current.name if current else None, sync.done, sync.total)
    return SyncShown(
        id=sync.id,
        state=sync.state,
        # A running sync has a reason while it waits for a limit of Anypoint's to be over.
        line=t["waiting"] if sync.state is State.QUEUED else sync.reason or line,
        done=sync.done,
        total=sync.total,
        environments=[EnvironmentShown(item.name, progress(item)) for item in sync.environments],
    )


def progress(environment: SyncEnvironment) -> str:
    """Say how far an environment of a running sync is."""
    if environment.outcome is Outcome.FAILED:
        return environment.reason or t["could_not_read"]
    read = sentences.count(environment.instances, "instance")
    if environment.outcome is Outcome.PENDING:
        return f"{read} so far" if environment.instances else "waiting"
    return f"{read} read" if environment.outcome is Outcome.OK else f"{read} read, not all of each"


def messages(
    connection: Connection,
    newest: Sync | None,
    published: Sync | None,
    *,
    before: Sync | None,
    automated: Sequence[str],
    now: datetime,
    can_edit: bool,
    can_configure: bool,
) -> list[Message]:
    """Return what must be said above the table, the gravest first; empty when all is well."""
    found = list(_of_credentials(connection, can_configure=can_configure))
    found = found or list(_of_failure(newest, can_edit=can_edit))
    is_told = bool(found)
    if published is not None:
        found += _of_environments(published)
        # What is wrong with the sync itself stands above, with the next step.
        found += _of_age(connection, published, now, can_edit=can_edit, is_told=is_told)
        found += _of_shrinking(before, published)
    found += _of_automated(automated)
    return found


def _of_credentials(connection: Connection, *, can_configure: bool) -> Iterator[Message]:
    if connection.refused_at is None:
        return
    if can_configure:
        yield Message("error", t["refused"], t["refused_text"], "settings", t["refused_action"])
    else:
        yield Message("error", t["refused"], f"{t['refused_text']} {t['refused_ask']}")


def _of_failure(newest: Sync | None, *, can_edit: bool) -> Iterator[Message]:
    if newest is None or newest.state is not State.FAILED:
        return
    text = f"{sentences.sentence(newest.reason or words.REASON_UNKNOWN)} {t['stays']}"
    action = ("sync", t["try_again"]) if can_edit else ("", "")
    yield Message("error", t["failed_sync"], text, *action)


def _of_environments(published: Sync) -> Iterator[Message]:
    for item in published.environments:
        reason = sentences.sentence(item.reason or words.REASON_UNKNOWN)
        if item.outcome is Outcome.FAILED:
            title = f"{item.name} could not be read"
            text = f"{reason} {t['read_again']}"
            yield Message("unknown", title, text, read_at=item.read_at)
        elif item.outcome is Outcome.PARTIAL:
            title = f"{item.name} was read in part"
            yield Message("unknown", title, reason)


def _of_age(
    connection: Connection, published: Sync, now: datetime, *, can_edit: bool, is_told: bool
) -> Iterator[Message]:
    interval = connection.sync_interval_hours
    finished = published.finished_at
    if finished is None or now - finished <= timedelta(hours=2 * interval):
        return
    said = sentences.stale(sentences.ago(finished, now), interval)
    action = ("", "")
    if not is_told and can_edit:
        action = ("sync", t["sync_now"])
    elif not is_told:
        said = f"{said} {t['stale_ask']}"
    yield Message("warning", t["stale"], said, *action)


def _of_shrinking(before: Sync | None, published: Sync) -> Iterator[Message]:
    if before is None:
        return
    earlier = {item.id: item.instances for item in before.environments if was_read(item)}
    shrunk = [
        sentences.shrunk(item.name, earlier[item.id], item.instances)
        for item in published.environments
        if was_read(item) and item.instances < earlier.get(item.id, 0) * SHRUNK_BELOW
    ]
    if shrunk:
        action = ("history", t["compare_syncs"])
        yield Message("warning", t["shrunk"], t["shrunk_why"], *action, items=shrunk)


def was_read(environment: SyncEnvironment) -> bool:
    """Tell whether an environment's number of instances says something."""
    return environment.outcome in {Outcome.OK, Outcome.PARTIAL}


def _of_automated(sentences: Sequence[str]) -> Iterator[Message]:
    if not sentences:
        return
    shown = [*sentences[:MOST_AUTOMATED_SHOWN]]
    hidden = len(sentences) - MOST_AUTOMATED_SHOWN
    if hidden > 0:
        shown.append(f"and {hidden} more")
    yield Message("warning", t["automated"], "", items=shown)
