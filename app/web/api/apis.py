"""`/api/spaces/{space_id}/apis/{api_id}`: one API, its instances side by side."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.posture.model import FactsBody, InstanceReading, Matrix
from app.store import exceptions
from app.store.exceptions import ExceptionRow
from app.store.instances import SECTIONS
from app.web.api.answers import (
    CellAnswer,
    FindingAnswer,
    InstanceAnswer,
    PublishedAnswer,
    cells_of,
)
from app.web.dependencies import App, Editor, SpaceCaller, Viewer
from app.web.published_api import PublishedApi, as_read, live_api, published_api
from app.web.routing import guard, space_router
from app.web.threads import in_thread

router = space_router("/api")


class PlacedInstanceAnswer(InstanceAnswer):
    """An instance in its environment; `unreadable` says by section what could not be read of it."""

    environment_id: str
    deprecated: bool | None
    active_contracts: int | None
    unreadable: dict[str, str]

    @classmethod
    def of(cls, reading: InstanceReading) -> "PlacedInstanceAnswer":
        """Return an instance as it is shown; facts that were never read are null."""
        facts: FactsBody | dict[str, Any] = reading.facts.body or {}
        sections = {name: getattr(reading, name) for name in SECTIONS}
        return cls(
            environment_id=reading.environment_id,
            instance_id=reading.instance_id,
            url=reading.url,
            unreadable={
                name.value: section.not_read
                for name, section in sections.items()
                if section.not_read
            },
            **{name: facts.get(name) for name in FACTS},
        )


FACTS = (
    "label",
    "product_version",
    "asset_version",
    "status",
    "technology",
    "deprecated",
    "active_contracts",
)


class NotReadAnswer(BaseModel):
    """A part that was needed and could not be read."""

    section: str
    environment_id: str
    reason: str


class CoverageAnswer(BaseModel):
    """How much of what the verdict needs was read."""

    read: int
    needed: int
    not_read: list[NotReadAnswer]
    hidden_values: int
    sentence: str


class NoteAnswer(BaseModel):
    """A remark without weight."""

    code: str
    sentence: str
    section: str | None
    subject: str | None


class ColumnAnswer(BaseModel):
    """A column of a matrix: an environment, or one of its several instances."""

    environment_id: str
    name: str
    is_baseline: bool
    state: str
    instance_id: int | None
    label: str | None
    reason: str | None


class MatrixCellAnswer(BaseModel):
    """What a column holds of a subject; `facts` is null where it is missing there."""

    facts: dict[str, Any] | None
    summary: str
    differs: bool


class FieldAnswer(BaseModel):
    """A setting of a policy by its path, a value per column."""

    path: str
    words: str
    values: list[Any]
    differs: bool
    is_default: list[bool]


class MatrixRowAnswer(BaseModel):
    """A subject over all columns; a cell is null where the column's section holds nothing."""

    subject: str
    cells: list[MatrixCellAnswer | None]
    differs: bool
    fields: list[FieldAnswer]


class MatrixAnswer(BaseModel):
    """One section side by side."""

    columns: list[ColumnAnswer]
    rows: list[MatrixRowAnswer]

    @classmethod
    def of(cls, matrix: Matrix) -> "MatrixAnswer":
        """Return a matrix as it is shown."""
        return cls.model_validate(asdict(matrix))


class MatricesAnswer(BaseModel):
    """The three comparisons."""

    policies: MatrixAnswer
    tiers: MatrixAnswer
    contracts: MatrixAnswer


class PastExceptionAnswer(BaseModel):
    """An exception that a finding has or had; it ended by itself where `ended_by` is null."""

    exception_id: str
    reason: str
    note: str
    by: str
    made_at: datetime
    until: datetime
    ended_at: datetime | None
    ended_by: str | None
    ended_why: str | None

    @classmethod
    def of(cls, row: ExceptionRow) -> "PastExceptionAnswer":
        """Return an exception as its finding's history tells it."""
        return cls(
            exception_id=row.id,
            reason=row.reason,
            note=row.note,
            by=row.made_by,
            made_at=row.made_at,
            until=row.until,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
            ended_why=row.ended_why,
        )


class ToldFindingAnswer(FindingAnswer):
    """A finding with every exception that it ever had, newest first."""

    history: list[PastExceptionAnswer]


class OneApiAnswer(BaseModel):
    """One API with all that the published sync found of it."""

    sync: PublishedAnswer
    baseline_environment_id: str | None
    id: str
    name: str
    group_id: str | None
    asset_id: str | None
    verdict: str
    headline: str
    environments: dict[str, CellAnswer]
    coverage: CoverageAnswer
    notes: list[NoteAnswer]
    instances: list[PlacedInstanceAnswer]
    matrices: MatricesAnswer
    findings: list[ToldFindingAnswer]


class LiveApiAnswer(OneApiAnswer):
    """The same as read live at `read_at`; nothing of it is published."""

    read_at: datetime


@router.get("/apis/{api_id}", response_model=OneApiAnswer)
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_api(viewer: Viewer, app: App, api_id: str) -> Response:
    """Show one API's policies, tiers and contracts side by side; 404 for one not published."""
    found = await published_api(app.database, viewer.site_id, viewer.space_id, api_id)
    history = await _history(viewer, app, found)
    # With thousands of contracts this takes seconds, which are not those of other sites.
    return await in_thread(viewer.site_id, _published_answer, found, history)


@router.post("/apis/{api_id}/refresh", response_model=LiveApiAnswer)
@guard(token=TokenKind.CONTEXT, right=Right.EDITOR)
async def refresh_api(editor: Editor, app: App, api_id: str) -> Response:
    """Read one API live and publish nothing; 429 when it was read live a moment ago."""
    live = await app.refreshes.refresh(editor.site_id, editor.space_id, api_id)
    found = await in_thread(editor.site_id, live_api, live)
    history = await _history(editor, app, found)
    return await in_thread(editor.site_id, _live_answer, found, history, live.read_at)


def _published_answer(found: PublishedApi, history: Sequence[ExceptionRow]) -> Response:
    return _written(api_answer(found, history))


def _live_answer(
    found: PublishedApi, history: Sequence[ExceptionRow], read_at: datetime
) -> Response:
    return _written(LiveApiAnswer(**dict(api_answer(found, history)), read_at=read_at))


def _written(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


async def _history(viewer: SpaceCaller, app: App, found: PublishedApi) -> Sequence[ExceptionRow]:
    fingerprints = [row.fingerprint for row in found.findings]
    async with app.database.transaction(viewer.site_id) as db:
        return await exceptions.of_findings(db, viewer.site_id, viewer.space_id, fingerprints)


def api_answer(found: PublishedApi, history: Sequence[ExceptionRow] = ()) -> OneApiAnswer:
    """Return one API as it is shown; `history` are the exceptions of its findings."""
    told: dict[str, list[PastExceptionAnswer]] = {}
    for past in history:
        told.setdefault(past.fingerprint, []).append(PastExceptionAnswer.of(past))
    row = found.row
    policies, tiers, contracts = (MatrixAnswer.of(matrix) for matrix in found.matrices)
    return OneApiAnswer(
        sync=PublishedAnswer.of(found.sync),
        baseline_environment_id=found.sync.baseline_environment_id,
        id=row.api_id,
        name=row.name,
        group_id=row.group_id,
        asset_id=row.asset_id,
        verdict=row.verdict,
        headline=row.headline,
        environments=cells_of(row),
        coverage=CoverageAnswer.model_validate(row.coverage),
        notes=[NoteAnswer.model_validate(note) for note in row.notes],
        instances=[
            PlacedInstanceAnswer.of(reading) for reading in as_read(found.sync, found.instances)
        ],
        matrices=MatricesAnswer(policies=policies, tiers=tiers, contracts=contracts),
        findings=[
            ToldFindingAnswer(
                **FindingAnswer.of(row).model_dump(), history=told.get(row.fingerprint, [])
            )
            for row in found.findings
        ],
    )
