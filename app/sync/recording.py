"""What the audit log says of a connection's commands: names of what changed, never values."""

from app.caller import AccountId, Origin, SiteId, SpaceId
from app.store import audit
from app.store.audit import Act, Action, Outcome
from app.store.connections import Connection
from app.store.database import DB

SETTINGS = (
    "control_plane",
    "organization_id",
    "client_id",
    "environment_ids",
    "baseline_environment_id",
    "sync_interval_hours",
    "ignored_application_suffixes",
)
SCOPE = ("environment_ids", "baseline_environment_id")


async def record_saving(
    db: DB,
    site_id: SiteId,
    space_id: SpaceId,
    before: Connection | None,
    saved: Connection,
    *,
    new_secret: bool,
    by: AccountId | None,
    origin: Origin,
) -> None:
    """Record a saved connection: made or changed, and what of it matters by itself."""
    changed = changes(before, saved)
    made = Action.CONNECTION_CHANGED if before else Action.CONNECTION_CREATED
    acts = [Act(made, by, origin, fields=changed)]
    if before and new_secret:
        acts.append(Act(Action.SECRET_REPLACED, by, origin))
    scope = [name for name in changed if name in SCOPE]
    if before and scope:
        acts.append(Act(Action.ENVIRONMENTS_CHANGED, by, origin, fields=scope))
    for act in acts:
        await audit.write(db, site_id, space_id, act)


def changes(before: Connection | None, saved: Connection) -> list[str]:
    """Return the names of the settings that differ; none of a first connection."""
    if before is None:
        return []
    return [name for name in SETTINGS if getattr(before, name) != getattr(saved, name)]


def trial(*, ok: bool, by: AccountId | None, origin: Origin) -> Act:
    """Return the record of a test of credentials."""
    outcome = Outcome.DONE if ok else Outcome.FAILED
    return Act(Action.CONNECTION_TESTED, by, origin, outcome=outcome)
