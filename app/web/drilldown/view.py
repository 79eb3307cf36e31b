"""One API as the drilldown shows it: plain values for its templates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.posture import words as posture_words
from app.posture.model import CellState, Kind, Matrix, SectionName
from app.store.findings import FindingRow
from app.store.syncs import Outcome
from app.web import words
from app.web.drilldown.columns import COMPARED, ColumnShown, columns, groups, known_matrices
from app.web.drilldown.expectable import expectable
from app.web.drilldown.finding_view import FindingShown, Said, finding_shown
from app.web.drilldown.lines import summary
from app.web.drilldown.matrix import PAGE, CellShown, Rows, RowShown, SectionShown, Wanted, name_of
from app.web.drilldown.notes import notes, unread_automated
from app.web.drilldown.readiness_choice import ReadinessChoice, readiness_choice
from app.web.posture.table import CellShown as EnvironmentCell
from app.web.posture.table import coordinates, environment_cell
from app.web.published_api import PublishedApi

NOTHING_SAID = Said()
WITHOUT_SECTION = (SectionName.FACTS, None)


@dataclass(frozen=True, slots=True)
class EnvironmentShown:
    """One environment above the sections."""

    name: str
    type: str
    is_baseline: bool
    read_at: datetime | None
    cell: EnvironmentCell


@dataclass(frozen=True, slots=True)
class DrilldownView:
    """Everything that the drilldown's templates read."""

    now: datetime
    api_id: str
    name: str
    coordinates: str
    verdict: str
    word: str
    baseline: str
    coverage: str
    synced_at: datetime | None
    read_at: datetime | None
    can_edit: bool
    can_configure: bool
    environments: Sequence[EnvironmentShown]
    findings: Sequence[FindingShown]
    accepted: Sequence[FindingShown]
    severities: Sequence[tuple[str, str]]
    notes: Sequence[str]
    sections: Sequence[SectionShown]
    readiness: ReadinessChoice | None


def drilldown(
    api: PublishedApi,
    group_names: Mapping[str, str],
    bases: Iterable[str],
    now: datetime,
    *,
    can_edit: bool,
    can_configure: bool = False,
    said: Said = NOTHING_SAID,
) -> DrilldownView:
    """Return one API with its findings and its three sections; accepted findings stand apart."""
    row, trusted = api.row, tuple(bases)
    counted = ((severity, row.counts[severity]) for severity in words.SEVERITIES)
    baseline_id = api.scope.baseline_environment_id
    names = {item.id: item.name for item in api.sync.environments}
    known = known_matrices(api)
    sections = [section(api, matrix, trusted, Wanted()) for matrix in known]
    found = _findings(api, known[0], sections[0].columns, said, now)
    return DrilldownView(
        now=now,
        api_id=row.api_id,
        name=row.name,
        coordinates=coordinates(row.group_id, row.asset_id, group_names),
        verdict=row.verdict.value,
        word=words.VERDICTS[row.verdict],
        baseline=names.get(baseline_id or "", ""),
        coverage=str(row.coverage["sentence"]).partition(";")[0],
        synced_at=api.sync.finished_at,
        read_at=api.read_at,
        can_edit=can_edit,
        can_configure=can_configure,
        environments=_environments(api, baseline_id, trusted),
        findings=[each for each in found if each.accepted is None],
        accepted=[each for each in found if each.accepted is not None],
        severities=[(severity, f"{number} {severity}") for severity, number in counted if number],
        notes=notes(api, *WITHOUT_SECTION),
        sections=sections,
        readiness=readiness_choice(api.sync.environments, baseline_id),
    )


def _environments(
    api: PublishedApi, baseline_id: str | None, bases: Sequence[str]
) -> list[EnvironmentShown]:
    ordered = sorted(api.sync.environments, key=lambda item: item.id != baseline_id)
    trusted = tuple(f"{base}/" for base in bases)
    return [
        EnvironmentShown(
            item.name,
            item.type,
            item.id == baseline_id,
            # Read in part, its sections have dates of their own, which stand below.
            item.read_at if item.outcome is Outcome.FAILED else None,
            environment_cell(item.name, item.type, api.row.cells.get(item.id), trusted),
        )
        for item in ordered
    ]


def _findings(
    api: PublishedApi, policies: Matrix, found: Sequence[ColumnShown], said: Said, now: datetime
) -> list[FindingShown]:
    """Return the findings in their order; what an administrator may expect is worked out."""
    baseline_id = api.scope.baseline_environment_id
    places = sorted(api.sync.environments, key=lambda item: item.id != baseline_id)
    return [
        finding_shown(row, found, said, now, expectable(row, policies, places))
        for row in api.findings
    ]


def one_section(
    api: PublishedApi, name: SectionName, bases: Sequence[str], wanted: Wanted
) -> SectionShown:
    """Return the wanted rows of one section."""
    return section(api, known_matrices(api)[COMPARED.index(name)], bases, wanted)


def section(api: PublishedApi, known: Matrix, bases: Sequence[str], wanted: Wanted) -> SectionShown:
    """Return a section as known; one that is longer than a page holds the wanted rows alone."""
    name = known.section
    found = columns(api, name, known, bases)
    is_policies = name is SectionName.POLICIES
    automated = api.automated if is_policies else ()
    rows = Rows(known, found, automated, unread_automated(api))
    orders = _order_rows(api, rows) if is_policies else []
    differing = sum(row.differs for row in known.rows)
    places = {c.environment_id for c in found if c.state != CellState.NOT_DEPLOYED}
    unread = {c.environment_id for c in found if c.is_unread}
    shown = SectionShown(
        name=name.value,
        groups=groups(found),
        columns=found,
        totals=rows.totals(),
        rows=(),
        total=len(known.rows),
        differing=differing + len(orders),
        line=summary(
            name, differing, len(known.rows), order_differs=bool(orders), unread=bool(unread)
        ),
        is_alone=len(places) < 2,
        is_too_little=len(places) >= 2 > len(places - unread),
        is_whole=is_policies or len(known.rows) <= PAGE,
        wanted=wanted,
        notes=notes(api, name),
    )
    if shown.is_whole:
        return replace(shown, rows=[*orders, *(rows.shown(row) for row in known.rows)])
    return _paged(shown, rows, known)


def _paged(shown: SectionShown, rows: Rows, known: Matrix) -> SectionShown:
    """Return a long section with a page of the wanted rows; those that differ come first."""
    wanted = shown.wanted
    word = wanted.search.strip().casefold()
    matching = [row for row in known.rows if word in name_of(row)[0].casefold()]
    differing = [row for row in matching if row.differs]
    chosen = differing
    if wanted.show_all:
        chosen = differing + [row for row in matching if not row.differs]
    pages = max(1, -(-len(chosen) // PAGE))
    page = min(wanted.page, pages)
    on_page = chosen[(page - 1) * PAGE : page * PAGE]
    return replace(
        shown,
        rows=[rows.shown(row) for row in on_page],
        found=len(chosen),
        page=page,
        pages=pages,
    )


def _order_rows(api: PublishedApi, rows: Rows) -> list[RowShown]:
    """Return a row for each finding about the order of policies: the sequences side by side."""
    return [_order_row(row, rows) for row in api.findings if row.kind == Kind.POLICY_ORDER]


def _order_row(finding: FindingRow, rows: Rows) -> RowShown:
    marked = set(finding.outliers or finding.values)
    cells: list[CellShown] = []
    for column in rows.columns:
        sequence = finding.values.get(column.environment_id)
        is_held = isinstance(sequence, list)
        lines = [
            ("sequence", f"{n}. {posture_words.policy(str(item))}")
            for n, item in enumerate(sequence or (), 1)
        ]
        state = "not_deployed" if column.state == CellState.NOT_DEPLOYED else "other"
        cells.append(
            {
                "state": "held" if is_held else state,
                "label": column.title,
                "lines": lines if is_held else [],
                "is_known": False,
                "differs": is_held and column.environment_id in marked,
            }
        )
    return {
        "key": "order",
        "name": words.KINDS["policy_order"],
        "code": "",
        "lane": finding.lane,
        "automated": False,
        "differs": True,
        "cells": cells,
        "fields": [],
        "same_fields": 0,
        "expand": "",
        "counts": True,
    }
