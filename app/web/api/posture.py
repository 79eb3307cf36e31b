"""`/api/spaces/{space_id}/posture` and `/findings`: what the published sync found."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from app.caller import Right, TokenKind
from app.posture.model import Verdict
from app.store import findings, posture_rows, syncs
from app.store.findings import FindingsPage
from app.store.posture_rows import PosturePage, Summary
from app.store.syncs import Sync
from app.web.api.answers import ApiAnswer, FindingAnswer, PublishedAnswer
from app.web.dependencies import App, Viewer
from app.web.queries import FindingsQuery, PostureQuery
from app.web.routing import guard, space_router

router = space_router("/api")

NOTHING = Summary(0, {verdict.value: 0 for verdict in Verdict})


class SummaryAnswer(BaseModel):
    """The whole space in numbers, whatever the filter."""

    total: int
    threat: int
    drift: int
    unknown: int
    not_comparable: int
    aligned: int


class PostureAnswer(BaseModel):
    """A page of the overview; `sync` is null before the first one was published."""

    sync: PublishedAnswer | None
    baseline_environment_id: str | None
    summary: SummaryAnswer
    total: int
    page: int
    size: int
    apis: list[ApiAnswer]


class FindingsAnswer(BaseModel):
    """A page of the space's findings, worst first; `accepted` of them are accepted."""

    findings: list[FindingAnswer]
    total: int
    accepted: int
    page: int
    size: int


@router.get("/posture")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_posture(
    viewer: Viewer, app: App, wanted: Annotated[PostureQuery, Query()]
) -> PostureAnswer:
    """Show a page of the space's APIs with their verdicts, filtered and sorted."""
    summary, found = NOTHING, PosturePage((), 0)
    async with app.database.transaction(viewer.site_id) as db:
        sync = await syncs.published(db, viewer.site_id, viewer.space_id)
        if sync and sync.number:
            place = (viewer.site_id, viewer.space_id, sync.number)
            summary = await posture_rows.summary(db, *place)
            known = summary.total if wanted.filter().asks_nothing else None
            found = await posture_rows.page(db, *place, wanted.filter(), known)
    return posture_answer(sync, summary, found, wanted)


@router.get("/findings")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_findings(
    viewer: Viewer, app: App, wanted: Annotated[FindingsQuery, Query()]
) -> FindingsAnswer:
    """List the space's findings, worst first, filtered like the overview."""
    found = FindingsPage((), 0)
    async with app.database.transaction(viewer.site_id) as db:
        sync = await syncs.published(db, viewer.site_id, viewer.space_id)
        if sync and sync.number:
            found = await findings.listed(
                db,
                viewer.site_id,
                viewer.space_id,
                sync.number,
                wanted.filter(),
                wanted.page,
                wanted.size,
            )
    listed = [FindingAnswer.of(row) for row in found.rows]
    return FindingsAnswer(
        findings=listed,
        total=found.total,
        accepted=found.accepted,
        page=wanted.page,
        size=wanted.size,
    )


def posture_answer(
    sync: Sync | None, summary: Summary, found: PosturePage, wanted: PostureQuery
) -> PostureAnswer:
    """Return a page of the overview as it is shown."""
    return PostureAnswer(
        sync=PublishedAnswer.of(sync) if sync else None,
        baseline_environment_id=sync.baseline_environment_id if sync else None,
        summary=SummaryAnswer(total=summary.total, **summary.verdicts),
        total=found.total,
        page=wanted.page,
        size=wanted.size,
        apis=[ApiAnswer.of(row, wanted.environment) for row in found.rows],
    )
