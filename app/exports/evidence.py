"""Where an export comes from: what an auditor needs in order to trust it, and to make it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

NOT_RECORDED = "not recorded"
NO_SYNC = "no sync was published yet"
NO_FILTER = "none"


@dataclass(frozen=True, slots=True)
class ReadEnvironment:
    """An environment with what became of it in the sync; `is_shown`: the filter has it as a column."""

    id: str
    name: str
    type: str
    outcome: str
    reason: str | None
    read_at: datetime | None
    is_baseline: bool
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class Population:
    """How much the filter let through, of how many APIs; parts that could not be read of them."""

    apis: int
    all_apis: int
    findings: int
    read_errors: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The circumstances of one export; without a sync there is nothing in it.

    `filters` are the parameters of the API in its own words, '' where there were none;
    `told_filters` the same for a reader. `row_count` counts what was hashed: APIs with their
    findings, or findings alone.
    """

    site: str
    space_id: str
    space_key: str
    space_name: str
    control_plane: str | None
    organization_id: str | None
    organization_name: str | None
    sync_id: str | None
    sync_finished_at: datetime | None
    environments: tuple[ReadEnvironment, ...]
    filters: str
    told_filters: tuple[str, ...]
    taken_by: str
    taken_at: datetime
    app_version: str
    population: Population
    row_count: int
    sha256: str

    @property
    def shown(self) -> tuple[ReadEnvironment, ...]:
        """The environments that are columns or rows of the export, in the connection's order."""
        return tuple(item for item in self.environments if item.is_shown)


def iso(time: datetime | None) -> str:
    """Return a time in UTC to the second, '' for none."""
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(time: datetime | None) -> str:
    """Return a time as a reader takes it, in UTC and saying so, '' for none."""
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def population_line(evidence: Evidence) -> str:
    """Return how complete the export is, as `population_words` says it."""
    return population_words(evidence.population, len(evidence.shown), len(evidence.environments))


def population_words(found: Population, shown: int, compared: int) -> str:
    """Return how complete a view is, as `120 of 120 APIs, 3 of 3 environments, 0 read errors`."""
    return (
        f"{found.apis} of {found.all_apis} {_counted(found.all_apis, 'API')}, "
        f"{shown} of {compared} {_counted(compared, 'environment')}, "
        f"{found.read_errors} {_counted(found.read_errors, 'read error')}"
    )


def _counted(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"


def baseline(evidence: Evidence) -> str:
    """Return the name of the environment that the others were compared with, '' without one."""
    return next((item.name for item in evidence.environments if item.is_baseline), "")


def read_times(evidence: Evidence) -> str:
    """Return when each environment was read, in one line."""
    return "; ".join(
        f"{item.name}: {iso(item.read_at) or NOT_RECORDED}" for item in evidence.environments
    )


def texts(evidence: Evidence) -> Mapping[str, str]:
    """Return the evidence by the names of the spreadsheet's last columns, in their order."""
    return {
        "site": evidence.site,
        "space_id": evidence.space_id,
        "space_key": evidence.space_key,
        "space_name": evidence.space_name,
        "control_plane": evidence.control_plane or NOT_RECORDED,
        "organization_id": evidence.organization_id or NOT_RECORDED,
        "organization_name": evidence.organization_name or "",
        "sync_id": evidence.sync_id or "",
        "sync_finished_at": iso(evidence.sync_finished_at),
        "environments_read_at": read_times(evidence),
        "baseline": baseline(evidence),
        "filters": evidence.filters or NO_FILTER,
        "taken_by": evidence.taken_by,
        "taken_at": iso(evidence.taken_at),
        "app_version": evidence.app_version,
        "population": population_line(evidence),
        "row_count": str(evidence.row_count),
        "sha256": evidence.sha256,
    }
