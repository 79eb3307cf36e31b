"""What lies in a data directory besides the rows, and what is said when it cannot be used."""

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from app.errors import BadConfiguration

UPGRADING = 'docs/operations.md, "Another Postgres"'


def make_home(home: Path) -> None:
    """Make the directory if it is missing; OSError where that may not be."""
    if home.is_dir():
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        # Root's server runs as another user, who must be able to pass through, not to look.
        home.chmod(0o711)


def refuse_other_version(data: Path, major: str) -> None:
    """Raise `BadConfiguration` if the cluster is of another major version of Postgres, or is none."""
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise BadConfiguration(
            f"PLUMBLINE_DATA_DIR: {data} holds no database; restore it or move it away"
        ) from None
    if version != major:
        raise BadConfiguration(
            f"PLUMBLINE_DATA_DIR: its database is of Postgres {version}, this is {major}; "
            f"dump it with the old release and load it with this one: {UPGRADING}"
        )


def passwords(home: Path, roles: Iterable[str]) -> dict[str, str]:
    """Return each role's password, made together with the first cluster; `BadConfiguration` if lost."""
    path = home / "postgres.passwords"
    if not path.exists():
        if (home / "postgres").exists():
            raise BadConfiguration(f"PLUMBLINE_DATA_DIR: {path} is missing; restore it")
        _make_passwords(path, roles)
    try:
        return {str(role): str(word) for role, word in json.loads(path.read_text()).items()}
    except ValueError:
        raise BadConfiguration(f"PLUMBLINE_DATA_DIR: {path} is damaged; restore it") from None


def _make_passwords(path: Path, roles: Iterable[str]) -> None:
    made = {role: secrets.token_urlsafe(24) for role in roles}
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
    part.replace(path)


def drop_stale_lock(data: Path) -> None:
    """Remove the lock of a server that is gone, if its number has gone to some other program.

    Postgres itself takes any living process of that number for a server: in a container that was
    killed and started again, numbers come round.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError, IndexError):
        return
    if name != "postgres":
        lock.unlink(missing_ok=True)
