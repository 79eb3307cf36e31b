"""What the settings page shows: the stored connection, never its secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.caller import AccountId
from app.posture.model import Environment
from app.store.connections import Connection
from app.web import sentences, words
from app.web.posture.view import usual_baseline

DEFAULT_INTERVAL_HOURS = 24


@dataclass(frozen=True, slots=True)
class SettingsView:
    """The form's values; `is_explicit` tells that the environments were chosen one by one.

    `is_locked`: the secret is there, and the key that opens it is not.
    """

    control_planes: Sequence[tuple[str, str]]
    control_plane: str = "us"
    version: int | None = None
    is_saved: bool = False
    is_refused: bool = False
    is_locked: bool = False
    is_explicit: bool = False
    connected_line: str = ""
    client_id: str = ""
    secret_saved_at: datetime | None = None
    secret_saved_by: str = ""
    organizations: Sequence[tuple[str, str]] = ()
    environments: Sequence[Environment] = ()
    baseline_id: str | None = None
    interval_hours: int = DEFAULT_INTERVAL_HOURS
    suffixes: str = ""


def settings(
    connection: Connection | None,
    account_id: AccountId | None,
    control_planes: Mapping[str, str],
    saver: str = "",
    *,
    is_locked: bool = False,
) -> SettingsView:
    """Return the form for a stored connection, or an empty one before there is any.

    `saver` is the name of who saved the secret, where it is somebody else's and known.
    """
    planes = choices(control_planes)
    if connection is None:
        return SettingsView(planes, control_plane=planes[0][0])
    name = connection.organization_name or connection.organization_id
    organization_id = connection.organization_id
    return SettingsView(
        planes,
        control_plane=connection.control_plane,
        version=connection.version,
        is_saved=True,
        is_refused=connection.refused_at is not None,
        is_locked=is_locked,
        is_explicit=connection.environment_ids is not None,
        connected_line=sentences.connected(name, [item.name for item in connection.environments]),
        client_id=connection.client_id,
        secret_saved_at=connection.secret_saved_at,
        secret_saved_by=_saved_by(connection.secret_saved_by, account_id, saver),
        organizations=((organization_id, name or ""),) if organization_id else (),
        environments=connection.environments,
        baseline_id=connection.baseline_environment_id or usual_baseline(connection.environments),
        interval_hours=connection.sync_interval_hours,
        suffixes=", ".join(connection.ignored_application_suffixes),
    )


def _saved_by(saved_by: AccountId | None, account_id: AccountId | None, saver: str) -> str:
    if saved_by is not None and saved_by == account_id:
        return words.TEXTS["saved_by_you"]
    return f"by {saver}" if saver else words.TEXTS["saved_by_other"]


def choices(control_planes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the control planes with a label each: Anypoint's own, then the operator's."""
    return [
        (plane, words.CONTROL_PLANES.get(plane, f"{plane} ({url})"))
        for plane, url in control_planes.items()
    ]
