"""What a macro asks for, out of its parameters: input of whoever edited the page, never authority."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs

from pydantic import ValidationError

from app.exports.storage_format import Display
from app.store.posture_rows import Filter
from app.web.queries import PostureQuery
from app.web.seeing import Wish

API_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
SNAPSHOT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
INSTANCE = re.compile(
    r"https?://[^\s/]+/apimanager/#/organizations/[^/\s]+"
    # No control character: Postgres refuses NUL, and an export of the page would show an error.
    r"/environments/([^/\s?\x00-\x1f]{1,100})/apis/([0-9]{1,18})\b",
    re.ASCII,
)
PERIODS = (30, 90, 365)
MOST_LETTERS = 4000


class MacroKind(StrEnum):
    """The three macros."""

    API = "api"
    OVERVIEW = "overview"
    TREND = "trend"


class Mode(StrEnum):
    """Whether a macro shows what was, or what is."""

    FROZEN = "frozen"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Instance:
    """An API instance as an address of API Manager names it."""

    environment_id: str
    instance_id: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A macro's wish; ids are empty where none was given, or none that could be one.

    `wanted` is None for a filter that cannot be understood.
    """

    kind: MacroKind
    mode: Mode
    snapshot_id: str
    has_snapshot: bool
    api_id: str
    instance: Instance | None
    display: Display
    wanted: Filter | None
    filter: str
    days: int

    def wish(self, most_rows: int) -> Wish:
        """Return what is to be seen of the published sync."""
        if self.kind is MacroKind.API:
            return Wish(Filter(), self.api_id)
        wanted = self.wanted or Filter()
        if self.kind is MacroKind.TREND:
            return Wish(Filter(size=most_rows), days=self.days)
        return Wish(wanted)


def asked(kind: MacroKind, given: Mapping[str, str]) -> Asked:
    """Return what parameters ask for; whatever they hold, the usual stands for what is odd."""
    snapshot, filter_ = given.get("snapshot", ""), given.get("filter", "")
    instance = instance_of(given.get("instance", ""))
    return Asked(
        kind=kind,
        mode=_mode(given.get("mode", ""), is_pasted=instance is not None and not snapshot),
        snapshot_id=snapshot if SNAPSHOT_ID.fullmatch(snapshot) else "",
        has_snapshot=bool(snapshot),
        api_id=_matched(API_ID, given.get("api", "")),
        instance=instance,
        display=_display(given.get("display", "")),
        wanted=filter_of(filter_),
        filter=filter_,
        days=_days(given.get("days", "")),
    )


def _mode(text: str, *, is_pasted: bool) -> Mode:
    # A pasted address became a macro without anybody taking a snapshot.
    usual = Mode.LIVE if is_pasted else Mode.FROZEN
    return Mode(text) if text in set(Mode) else usual


def _display(text: str) -> Display:
    return Display(text) if text in set(Display) else Display.SUMMARY


def _days(text: str) -> int:
    return next((days for days in PERIODS if text == str(days)), PERIODS[1])


def _matched(pattern: re.Pattern[str], text: str) -> str:
    return text if pattern.fullmatch(text) else ""


def instance_of(url: str) -> Instance | None:
    """Return the instance that an address of API Manager leads to, or None."""
    found = INSTANCE.match(url)
    return Instance(found[1], int(found[2])) if found else None


def filter_of(text: str) -> Filter | None:
    """Return the filter of a query string as the tab's address has it, or None for anything else."""
    if len(text) > MOST_LETTERS:
        return None
    try:
        said = parse_qs(text, strict_parsing=True, max_num_fields=200) if text else {}
        many = {"environment", "group", "verdict", "severity", "kind"}
        values = {name: list(v) if name in many else v[-1] for name, v in said.items()}
        return PostureQuery.model_validate(values).filter()
    except (ValueError, ValidationError):
        return None
