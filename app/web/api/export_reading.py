"""Reading what an export holds: one transaction, one published sync, and the evidence of both."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version

from app.caller import SiteId, SpaceId
from app.confluence.spaces import Space
from app.errors import NotAuthenticated, NotThere
from app.exports.evidence import Evidence, Population, ReadEnvironment
from app.posture.model import Environment
from app.store import exporting, posture_rows, sites, syncs
from app.store.database import DB
from app.store.posture_rows import Filter, Summary
from app.store.syncs import Source, Sync, SyncEnvironment
from app.web import words
from app.web.dependencies import SpaceCaller
from app.web.posture import filters as posture_filters
from app.web.state import Services

APP_VERSION = version("plumbline")

BEFORE_THE_FIRST = 0
"""The number of no sync: nothing is valid under it."""

NOT_RECORDED = Source("", None, None)

Place = tuple[SiteId, SpaceId, int]


class Rows(StrEnum):
    """What a row of an export is."""

    APIS = "apis"
    FINDINGS = "findings"


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported, while its transaction is open; `place` ends in the number of its sync."""

    db: DB
    place: Place
    wanted: Filter
    evidence: Evidence
    environments: tuple[SyncEnvironment, ...]
    summary: Summary

    @property
    def shown(self) -> tuple[SyncEnvironment, ...]:
        """The environments that the filter has as columns."""
        return shown(self.environments, self.wanted)


@asynccontextmanager
async def export_of(
    services: Services, viewer: SpaceCaller, wanted: Filter, rows: Rows, now: datetime
) -> AsyncIterator[Export]:
    """Open the whole filtered result of the space's published sync; empty before the first one."""
    space = await _space(services, viewer)
    async with services.database.transaction(viewer.site_id) as db:
        await exporting.prepare(db)
        sync = await syncs.published(db, viewer.site_id, viewer.space_id)
        number = (sync.number if sync else None) or BEFORE_THE_FIRST
        place = (viewer.site_id, viewer.space_id, number)
        environments = baseline_first(sync) if sync else ()
        summary = await posture_rows.summary(db, *place)
        apis = await exporting.hashed_apis(db, *place, wanted)
        found = await exporting.hashed_findings(db, *place, wanted)
        hashed = found if rows is Rows.FINDINGS else apis
        errors = await exporting.read_errors(db, *place, wanted, environments)
        site = await sites.installation(db, viewer.site_id, services.keyring, viewer.caller.door)
        source = (sync.source if sync else None) or NOT_RECORDED
        evidence = Evidence(
            site=site.display_url if site else "",
            space_id=space.space_id,
            space_key=space.key,
            space_name=space.name,
            control_plane=source.control_plane or None,
            organization_id=source.organization_id,
            organization_name=source.organization_name,
            sync_id=sync.id if sync else None,
            sync_finished_at=sync.finished_at if sync else None,
            environments=_read(sync, wanted),
            filters=query(wanted),
            told_filters=filters(wanted, environments),
            taken_by=viewer.account_id,
            taken_at=now,
            app_version=APP_VERSION,
            population=Population(apis.row_count, summary.total, found.row_count, errors),
            row_count=hashed.row_count,
            sha256=hashed.sha256,
        )
        yield Export(db, place, wanted, evidence, environments, summary)


async def _space(services: Services, viewer: SpaceCaller) -> Space:
    auth = viewer.caller.rest_auth
    if auth is None:
        raise NotAuthenticated("no sign of a user")
    space = await services.spaces(viewer.caller.rest_base, auth, viewer.space_id)
    if space is None:
        raise NotThere
    return space


def _read(sync: Sync | None, wanted: Filter) -> tuple[ReadEnvironment, ...]:
    if sync is None:
        return ()
    environments = baseline_first(sync)
    columns = shown(environments, wanted)
    return tuple(
        ReadEnvironment(
            id=item.id,
            name=item.name,
            type=item.type,
            outcome=item.outcome.value,
            reason=item.reason,
            read_at=item.read_at,
            is_baseline=item.id == sync.baseline_environment_id,
            is_shown=item in columns,
        )
        for item in environments
    )


def baseline_first(sync: Sync) -> tuple[SyncEnvironment, ...]:
    """Return the environments of a sync as the tab has them: the baseline first, then their order."""
    return tuple(
        sorted(sync.environments, key=lambda item: item.id != sync.baseline_environment_id)
    )


def shown(environments: Sequence[SyncEnvironment], wanted: Filter) -> tuple[SyncEnvironment, ...]:
    """Return the environments that a filter has as columns; all where it names none."""
    chosen = wanted.environments
    return tuple(item for item in environments if not chosen or item.id in chosen)


def query(wanted: Filter) -> str:
    """Return the parameters by which the same rows are asked for again."""
    usual = Filter()
    return posture_filters.encoded(replace(wanted, page=usual.page, size=usual.size))


def filters(wanted: Filter, environments: Sequence[SyncEnvironment]) -> tuple[str, ...]:
    """Return the filters in force, each as it stands above the table."""
    named = [Environment(item.id, item.name, item.type) for item in environments]
    labels = [tag.label for tag in posture_filters.tags(wanted, named, ())]
    return (f"{words.TEXTS['api']}: {wanted.api_id}", *labels) if wanted.api_id else tuple(labels)


def filter_words(wanted: Filter, environments: Sequence[SyncEnvironment]) -> list[str]:
    """Return what is filtered by, as short as a file's name wants it."""
    names = {item.id: item.name for item in environments}
    chosen = [names.get(item, item) for item in wanted.environments]
    others = (wanted.groups, wanted.verdicts, wanted.severities, wanted.kinds)
    one = "one api" if wanted.api_id else ""
    found = [one, wanted.search, *chosen, *(word for field in others for word in field)]
    return [word.lower() for word in found if word]
