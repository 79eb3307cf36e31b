"""`/api/spaces/{space_id}/changes` and `/trend`: what became of the findings over time."""

import datetime as time
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.exports import changes as sheet
from app.exports.filenames import content_disposition, file_name
from app.store import history, rollups
from app.store.history import Changes, Side
from app.web.api.answers import FindingAnswer
from app.web.api.syncs import known_id
from app.web.dependencies import App, Viewer
from app.web.fields import Id
from app.web.fields import Query as Parameters
from app.web.routing import guard, space_router
from app.web.settings.audit_reading import record_export

router = space_router("/api")

CSV = "text/csv; charset=utf-8; header=present"
MOST_DAYS = 3660

From = Annotated[Id | None, Query(alias="from")]
To = Annotated[Id | None, Query(alias="to")]


class SideAnswer(BaseModel):
    """One of the two that were compared; `snapshot_id` is null for a sync."""

    sync_id: str
    snapshot_id: str | None
    title: str
    at: datetime


class ChangedAnswer(BaseModel):
    """A finding that says something else than before."""

    model_config = ConfigDict(populate_by_name=True)

    before: FindingAnswer = Field(alias="from")
    after: FindingAnswer = Field(alias="to")


class ChangesAnswer(BaseModel):
    """What changed from one to the other, worst first; without two there is nothing to compare."""

    model_config = ConfigDict(populate_by_name=True)

    before: SideAnswer | None = Field(alias="from")
    after: SideAnswer | None = Field(alias="to")
    added: list[FindingAnswer]
    resolved: list[FindingAnswer]
    changed: list[ChangedAnswer]
    unchanged: int


class DayAnswer(BaseModel):
    """The last published sync of a UTC day, in numbers."""

    date: time.date
    sync_id: str
    verdicts: dict[str, int]
    severities: dict[str, int]


class TrendAnswer(BaseModel):
    """The days in order; those without a published sync are absent."""

    days: list[DayAnswer]


class TrendQuery(Parameters):
    """How far back."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 90


@router.get("/changes")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_changes(
    viewer: Viewer, app: App, earlier: From = None, later: To = None
) -> ChangesAnswer:
    """Show what changed between two syncs or snapshots; without ids since the sync before."""
    found = await _changes(viewer, app, earlier, later)
    return ChangesAnswer(
        before=_side(found.before),
        after=_side(found.after),
        added=[FindingAnswer.of(row) for row in found.added],
        resolved=[FindingAnswer.of(row) for row in found.resolved],
        changed=[
            ChangedAnswer(before=FindingAnswer.of(before), after=FindingAnswer.of(after))
            for before, after in found.changed
        ],
        unchanged=found.unchanged,
    )


@router.get("/changes.csv")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def export_changes(
    viewer: Viewer, app: App, earlier: From = None, later: To = None
) -> Response:
    """Export the same, a line per finding that is new, gone or changed."""
    now = datetime.now(UTC)
    await record_export(app, viewer, "changes.csv")
    found = await _changes(viewer, app, earlier, later)
    before, after = found.before, found.after
    compared = sheet.Compared(
        from_id=_id(before),
        from_at=before.at if before else None,
        to_id=_id(after),
        to_at=after.at if after else None,
        unchanged=found.unchanged,
        taken_by=viewer.account_id,
        taken_at=now,
    )
    lines = sheet.lines(compared, found.added, found.resolved, found.changed)
    name = file_name("changes", viewer.caller.space_key or viewer.space_id, now, (), "csv")
    headers = {"content-type": CSV, "content-disposition": content_disposition(name)}
    return Response("".join(lines), headers=headers)


@router.get("/trend")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_trend(
    viewer: Viewer, app: App, wanted: Annotated[TrendQuery, Query()]
) -> TrendAnswer:
    """Show verdicts and severities per day, today included."""
    today = datetime.now(UTC).date()
    first = today - timedelta(days=wanted.days - 1)
    async with app.database.transaction(viewer.site_id) as db:
        found = await rollups.since(db, viewer.site_id, viewer.space_id, first, today)
    return TrendAnswer(days=[DayAnswer.model_validate(day, from_attributes=True) for day in found])


async def _changes(viewer: Viewer, app: App, earlier: str | None, later: str | None) -> Changes:
    place = (viewer.site_id, viewer.space_id)
    async with app.database.transaction(viewer.site_id) as db:
        before, after = await history.latest(db, *place)
        if earlier is not None:
            before = await history.side(db, *place, known_id(earlier))
        if later is not None:
            after = await history.side(db, *place, known_id(later))
        return await history.changes(db, *place, before, after)


def _side(side: Side | None) -> SideAnswer | None:
    if side is None:
        return None
    return SideAnswer(
        sync_id=side.sync_id, snapshot_id=side.snapshot_id, title=side.title, at=side.at
    )


def _id(side: Side | None) -> str:
    return (side.snapshot_id or side.sync_id) if side else ""
