"""The space's audit log as it is read: for the JSON API, as a file, and on the settings page."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from app.exports import spreadsheet
from app.exports.filenames import content_disposition, file_name
from app.store import audit
from app.store.audit import Act, Action, Entry
from app.web.dependencies import SpaceCaller
from app.web.downloads import Body
from app.web.macros.people import names_of
from app.web.settings.audit_view import AuditView, audit_view
from app.web.state import Services

SHOWN = 10
CSV = "text/csv; charset=utf-8; header=present"
COLUMNS = (
    "at",
    "action",
    "outcome",
    "account_id",
    "object_id",
    "fields",
    "scope",
    "door",
    "request_id",
    "id",
)


async def record_export(services: Services, viewer: SpaceCaller, what: str) -> None:
    """Keep that a person takes something out: before it is sent, so that nothing leaves unseen.

    `TooSoon` for who does it again and again: nobody may fill a log that nobody can shorten.
    """
    services.turns.command(viewer.caller)
    act = Act(Action.EXPORT_TAKEN, viewer.account_id, viewer.origin, what)
    async with services.database.transaction(viewer.site_id) as db:
        await audit.write(db, viewer.site_id, viewer.space_id, act)


async def shown_audit(services: Services, admin: SpaceCaller, page: int) -> AuditView:
    """Return a page of the log, with people's present names."""
    async with services.database.transaction(admin.site_id) as db:
        entries, total = await audit.newest(db, admin.site_id, admin.space_id, page, SHOWN)
    people = dict.fromkeys(entry.account_id for entry in entries if entry.account_id)
    names = await names_of(services, admin.caller, people) if people else {}
    return audit_view(entries, names, total=total, page=page, size=SHOWN)


@asynccontextmanager
async def audit_file(services: Services, admin: SpaceCaller) -> AsyncIterator[Body]:
    """Open the whole log as a CSV file, newest first."""
    key = admin.caller.space_key or admin.space_id
    name = file_name("audit", key, datetime.now(UTC), (), "csv")
    headers = {"content-type": CSV, "content-disposition": content_disposition(name)}
    yield Body(headers, _pieces(services, admin))


async def _pieces(services: Services, admin: SpaceCaller) -> AsyncGenerator[bytes, None]:
    yield spreadsheet.header(COLUMNS).encode()
    async with services.database.transaction(admin.site_id) as db:
        async for entries in audit.batches(db, admin.site_id, admin.space_id):
            yield "".join(map(line, entries)).encode()


def line(entry: Entry) -> str:
    """Return an entry as a line of the file; no cell can be taken for a formula."""
    cells = (
        f"{entry.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        entry.action,
        entry.outcome,
        entry.account_id or "",
        entry.object_id or "",
        " ".join(entry.fields),
        "space" if entry.space_id else "site",
        entry.door or "",
        entry.request_id or "",
        entry.id,
    )
    return spreadsheet.line(map(spreadsheet.neutralised, cells))
