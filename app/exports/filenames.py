"""The names under which exports are saved: of our own alphabet, whatever a space is called."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

LONGEST_PART = 60
_FOREIGN = re.compile(r"[^A-Za-z0-9]+")


def file_name(
    subject: str, space_key: str, taken_at: datetime, filters: Iterable[str], extension: str
) -> str:
    """Return a name with subject, space, day and filter; `all` where nothing is filtered."""
    day = taken_at.astimezone(UTC).strftime("%Y-%m-%d")
    told = _plain(" ".join(filters)) or "all"
    return f"plumbline-{subject}_{_plain(space_key) or 'space'}_{day}_{told}.{extension}"


def content_disposition(name: str) -> str:
    """Return the header of RFC 6266 under which a browser saves an answer by this name."""
    return f'attachment; filename="{name}"'


def _plain(text: str) -> str:
    return _FOREIGN.sub("-", text)[:LONGEST_PART].strip("-")
