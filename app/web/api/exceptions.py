"""`/api/spaces/{space_id}/exceptions`: findings that an administrator accepts until a date."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
)
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.errors import AlreadyThere
from app.store import exceptions, findings, posture_rows, syncs
from app.store.database import DB
from app.store.exceptions import ExceptionRow, Reason
from app.store.findings import FindingRow
from app.sync.accepting import Acceptable, AcceptedAlready, accept, withdraw_exception
from app.web.api.expected_differences import ReasonNote, name_of
from app.web.api.syncs import known_id
from app.web.dependencies import Admin, App, SpaceCaller, Viewer
from app.web.fields import Body, PageQuery, distinct
from app.web.routing import guard, space_router

router = space_router("/api")

IN_FORCE = "in_force"
FINDING_GONE = "finding_gone"

MOST_AT_ONCE = 1000


def written(value: object) -> object:
    """Return a time as it is written; ValueError for a number, which could be of any unit."""
    if not isinstance(value, str):
        raise ValueError("Write the time as ISO 8601 does.")
    return value


def in_utc(value: datetime) -> datetime:
    """Return a time in UTC; ValueError for one that has none there, at either end of the calendar."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("This time is outside of the calendar.") from None


Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Fingerprints = Annotated[
    list[Fingerprint], Field(min_length=1, max_length=MOST_AT_ONCE), AfterValidator(distinct)
]
Time = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(written), AfterValidator(in_utc)
]


class ExceptionBody(Body):
    """Which findings are accepted, why, and until when."""

    fingerprints: Fingerprints
    reason: Literal["accepted_risk", "planned", "false_positive"]
    note: ReasonNote
    until: Time

    def acceptable(self) -> Acceptable:
        """Return what is to be put in force."""
        return Acceptable(tuple(self.fingerprints), Reason(self.reason), self.note, self.until)


class ExceptionAnswer(BaseModel):
    """An exception; sentence and severity are null where its finding is gone."""

    id: str
    fingerprint: str
    api_id: str | None
    api_name: str | None
    sentence: str | None
    severity: str | None
    reason: str
    note: str
    made_by: str
    made_at: datetime
    until: datetime
    state: str
    ended_at: datetime | None

    @classmethod
    def of(
        cls, row: ExceptionRow, finding: FindingRow | None, names: Mapping[str, str]
    ) -> "ExceptionAnswer":
        """Return an exception as it is shown."""
        return cls(
            id=row.id,
            fingerprint=row.fingerprint,
            api_id=row.api_id,
            api_name=row.api_id and names.get(row.api_id, name_of(row.api_key)),
            sentence=finding.sentence if finding else None,
            severity=finding.severity if finding else None,
            reason=row.reason,
            note=row.note,
            made_by=row.made_by,
            made_at=row.made_at,
            until=row.until,
            state=row.ended_why or (IN_FORCE if finding else FINDING_GONE),
            ended_at=row.ended_at,
        )


class MadeAnswer(BaseModel):
    """The exceptions that were made, in the order of the fingerprints."""

    exceptions: list[ExceptionAnswer]


class ExceptionsAnswer(MadeAnswer):
    """A page of the exceptions, newest first."""

    total: int
    page: int
    size: int


class ExceptionsQuery(PageQuery):
    """Which exceptions: those that have not ended, or with `ended` all of them."""

    ended: bool = False


@router.get("/exceptions")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_exceptions(
    viewer: Viewer, app: App, wanted: Annotated[ExceptionsQuery, Query()]
) -> ExceptionsAnswer:
    """List the exceptions, newest first; the ended ones only if they are asked for."""
    place = (viewer.site_id, viewer.space_id)
    async with app.database.transaction(viewer.site_id) as db:
        rows, total = await exceptions.listed(
            db, *place, wanted.page, wanted.size, ended=wanted.ended
        )
        shown = await answers(db, viewer, rows)
    return ExceptionsAnswer(exceptions=shown, total=total, page=wanted.page, size=wanted.size)


@router.post("/exceptions", status_code=201)
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def post_exceptions(admin: Admin, app: App, body: ExceptionBody) -> MadeAnswer:
    """Accept findings until a date, all or none; 409 with those that are accepted already."""
    place = (app.database, admin.site_id, admin.space_id)
    now = datetime.now(UTC)
    try:
        made = await accept(*place, body.acceptable(), admin.account_id, admin.origin, now)
    except AcceptedAlready as met:
        existing = await _answers(app, admin, met.existing)
        said = [each.model_dump(mode="json") for each in existing]
        raise AlreadyThere(met.message, said) from None
    return MadeAnswer(exceptions=await _answers(app, admin, made))


@router.delete("/exceptions/{exception_id}", status_code=204)
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def delete_exception(admin: Admin, app: App, exception_id: str) -> Response:
    """Withdraw an exception, which opens its finding; its history is kept."""
    place = (app.database, admin.site_id, admin.space_id)
    now = datetime.now(UTC)
    await withdraw_exception(*place, known_id(exception_id), admin.account_id, admin.origin, now)
    return Response(status_code=204)


async def _answers(
    app: App, admin: SpaceCaller, rows: Sequence[ExceptionRow]
) -> list[ExceptionAnswer]:
    async with app.database.transaction(admin.site_id) as db:
        return await answers(db, admin, rows)


async def answers(
    db: DB, caller: SpaceCaller, rows: Sequence[ExceptionRow]
) -> list[ExceptionAnswer]:
    """Return exceptions as they are shown, with what the published sync says of their findings."""
    place = (caller.site_id, caller.space_id)
    sync = await syncs.published(db, *place)
    number = (sync.number if sync else None) or 0
    known = await findings.known(db, *place, number, [row.fingerprint for row in rows])
    ids = {row.api_id for row in rows if row.api_id is not None}
    names = await posture_rows.names(db, *place, number, ids) if ids else {}
    return [ExceptionAnswer.of(row, known.get(row.fingerprint), names) for row in rows]
