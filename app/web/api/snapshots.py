"""`/api/spaces/{space_id}/snapshots`: taking what is published now, and opening what was taken."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, BaseModel, StringConstraints
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.errors import BadValue, NotThere
from app.exports.filenames import content_disposition, file_name
from app.store import snapshots
from app.store.chain import Snapshot
from app.store.frozen import Content, filter_json
from app.store.posture_rows import Filter, PostureRow
from app.store.snapshots import Frozen, Taking
from app.web.api.answers import ApiAnswer, FindingAnswer, PublishedAnswer
from app.web.api.apis import (
    CoverageAnswer,
    MatricesAnswer,
    MatrixAnswer,
    NoteAnswer,
    PastExceptionAnswer,
)
from app.web.api.posture import SummaryAnswer
from app.web.api.syncs import IdempotencyKey, known_id
from app.web.dependencies import App, Editor, Viewer
from app.web.fields import Body, Id, PageQuery, Text, clean_lines
from app.web.macros.output import population
from app.web.queries import PostureQuery
from app.web.routing import guard, space_router
from app.web.seeing import Wish, take_snapshot
from app.web.settings.audit_reading import record_export

router = space_router("/api")


Note = Annotated[str, StringConstraints(max_length=2000), AfterValidator(clean_lines)]


class SnapshotBody(Body):
    """What to freeze: the rows that a filter lets through, or one API; all without either."""

    title: Text = ""
    note: Note = ""
    filter: PostureQuery | None = None
    api_id: Id | None = None

    def wish(self) -> Wish:
        """Return what is to be seen; `BadValue` where a filter would have to pick of one API."""
        wanted = self.filter.filter() if self.filter else Filter()
        picks = (wanted.search, wanted.groups, wanted.verdicts, wanted.severities, wanted.kinds)
        if self.api_id is not None and any(picks):
            raise BadValue({"filter": "Of one API a filter picks environments only."})
        return Wish(wanted, self.api_id)


class SnapshotAnswer(BaseModel):
    """A snapshot without its content; `taken_by` is an account id, whose name may change."""

    id: str
    position: int
    title: str
    note: str
    taken_at: datetime
    taken_by: str
    sync_id: str
    filter: dict[str, Any]
    api_id: str | None
    api_count: int
    previous_sha256: str | None
    sha256: str


class SnapshotsAnswer(BaseModel):
    """A page of the snapshots of a space, newest first."""

    snapshots: list[SnapshotAnswer]
    total: int
    page: int
    size: int


class FrozenApiAnswer(ApiAnswer):
    """One API of a snapshot, with how much of it was read and what was remarked."""

    coverage: CoverageAnswer
    notes: list[NoteAnswer]


class FrozenAnswer(SnapshotAnswer):
    """A snapshot with everything that was seen; `matrices` only of one API."""

    sync: PublishedAnswer
    baseline_environment_id: str | None
    summary: SummaryAnswer
    population: str
    read_errors: int
    total: int
    apis: list[FrozenApiAnswer]
    findings: list[FindingAnswer]
    exceptions: list[PastExceptionAnswer]
    matrices: MatricesAnswer | None


@router.post("/snapshots", status_code=201)
@guard(token=TokenKind.CONTEXT, right=Right.EDITOR)
async def post_snapshot(
    editor: Editor,
    app: App,
    body: SnapshotBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> SnapshotAnswer:
    """Freeze the published sync as seen through a filter; 409 before the first one."""
    wanted = body or SnapshotBody()
    taking = Taking(
        editor.account_id,
        wanted.title.strip(),
        wanted.note.strip(),
        idempotency_key,
        editor.origin,
    )
    place = (app.database, editor.site_id, editor.space_id)
    taken = await take_snapshot(*place, wanted.wish(), taking, datetime.now(UTC))
    return SnapshotAnswer(**header(taken))


@router.get("/snapshots")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_snapshots(
    viewer: Viewer, app: App, wanted: Annotated[PageQuery, Query()]
) -> SnapshotsAnswer:
    """List the space's snapshots, newest first."""
    async with app.database.transaction(viewer.site_id) as db:
        found, total = await snapshots.newest(
            db, viewer.site_id, viewer.space_id, wanted.page, wanted.size
        )
    listed = [SnapshotAnswer(**header(item)) for item in found]
    return SnapshotsAnswer(snapshots=listed, total=total, page=wanted.page, size=wanted.size)


@router.get("/snapshots/{snapshot_id}")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_snapshot(viewer: Viewer, app: App, snapshot_id: str) -> FrozenAnswer:
    """Open a snapshot, verified; 404 in another space, 409 if it does not match its hash."""
    return frozen_answer(await _opened(viewer, app, snapshot_id))


@router.get("/snapshots/{snapshot_id}/evidence.json")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def export_snapshot(viewer: Viewer, app: App, snapshot_id: str) -> Response:
    """Export the very bytes that the hash is of, after the bytes of the hash before."""
    found = await _opened(viewer, app, snapshot_id)
    await record_export(app, viewer, f"snapshot {found.snapshot.id}")
    key = viewer.caller.space_key or viewer.space_id
    name = file_name("snapshot", key, found.snapshot.taken_at, (found.snapshot.id,), "json")
    headers = {"content-disposition": content_disposition(name)}
    return Response(found.body, media_type="application/json", headers=headers)


async def _opened(viewer: Viewer, app: App, snapshot_id: str) -> Frozen:
    async with app.database.transaction(viewer.site_id) as db:
        found = await snapshots.one(db, viewer.site_id, viewer.space_id, known_id(snapshot_id))
    if found is None:
        raise NotThere
    return found


def header(snapshot: Snapshot) -> dict[str, Any]:
    """Return what is said of a snapshot, by the names of the contract."""
    return {
        "id": snapshot.id,
        "position": snapshot.position,
        "title": snapshot.title,
        "note": snapshot.note,
        "taken_at": snapshot.taken_at,
        "taken_by": snapshot.taken_by,
        "sync_id": snapshot.sync_id,
        "filter": filter_json(snapshot.wanted),
        "api_id": snapshot.api_id,
        "api_count": snapshot.api_count,
        "previous_sha256": snapshot.previous_sha256,
        "sha256": snapshot.sha256,
    }


def frozen_answer(found: Frozen) -> FrozenAnswer:
    """Return a snapshot as it is shown."""
    content = found.content
    return FrozenAnswer(
        **header(found.snapshot),
        sync=PublishedAnswer.of(content.sync),
        baseline_environment_id=content.sync.baseline_environment_id,
        summary=SummaryAnswer(total=content.summary.total, **content.summary.verdicts),
        population=population(content),
        read_errors=content.read_errors,
        total=content.total,
        apis=[_api(row, content) for row in content.rows],
        findings=[FindingAnswer.of(row) for row in content.findings],
        exceptions=[PastExceptionAnswer.of(row) for row in content.exceptions],
        matrices=_matrices(content),
    )


def _api(row: PostureRow, content: Content) -> FrozenApiAnswer:
    shown = ApiAnswer.of(row, content.wanted.environments)
    return FrozenApiAnswer(
        **shown.model_dump(),
        coverage=CoverageAnswer.model_validate(row.coverage),
        notes=[NoteAnswer.model_validate(note) for note in row.notes],
    )


def _matrices(content: Content) -> MatricesAnswer | None:
    if not content.matrices:
        return None
    policies, tiers, contracts = (MatrixAnswer.of(matrix) for matrix in content.matrices)
    return MatricesAnswer(policies=policies, tiers=tiers, contracts=contracts)
