"""`/api/spaces/{space_id}/audit`: who did what with this app in this space."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.store import audit
from app.store.audit import Entry
from app.web.dependencies import Admin, App
from app.web.downloads import Download
from app.web.fields import PageQuery
from app.web.routing import guard, space_router
from app.web.settings.audit_reading import audit_file, record_export

router = space_router("/api")


class EntryAnswer(BaseModel):
    """One act; `scope` is `site` for what concerns all spaces, no account means the app itself."""

    id: str
    at: datetime
    action: str
    outcome: str
    account_id: str | None
    object_id: str | None
    fields: list[str]
    scope: str
    door: str | None
    request_id: str | None

    @classmethod
    def of(cls, entry: Entry) -> "EntryAnswer":
        """Return an entry as it is shown."""
        return cls(
            id=entry.id,
            at=entry.at,
            action=entry.action,
            outcome=entry.outcome,
            account_id=entry.account_id,
            object_id=entry.object_id,
            fields=list(entry.fields),
            scope="space" if entry.space_id else "site",
            door=entry.door,
            request_id=entry.request_id,
        )


class AuditAnswer(BaseModel):
    """A page of the log, newest first."""

    audit: list[EntryAnswer]
    total: int
    page: int
    size: int


@router.get("/audit")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def list_audit(admin: Admin, app: App, wanted: Annotated[PageQuery, Query()]) -> AuditAnswer:
    """List what was done in the space, newest first."""
    async with app.database.transaction(admin.site_id) as db:
        found, total = await audit.newest(
            db, admin.site_id, admin.space_id, wanted.page, wanted.size
        )
    listed = [EntryAnswer.of(entry) for entry in found]
    return AuditAnswer(audit=listed, total=total, page=wanted.page, size=wanted.size)


@router.get("/audit.csv")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def export_audit(admin: Admin, app: App) -> Response:
    """Export the whole log, a line per act."""
    noted = partial(record_export, app, admin, "audit.csv")
    return Download(app.downloads, admin.site_id, partial(audit_file, app, admin), noted)
