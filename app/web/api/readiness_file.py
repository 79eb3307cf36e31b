"""The readiness as a CSV file: all of it, written while it is judged."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from app.exports import readiness as sheet
from app.exports.filenames import content_disposition, file_name
from app.exports.readiness import About
from app.exports.spreadsheet import header
from app.web.api.export_reading import query
from app.web.api.readiness_reading import (
    Asked,
    ToldPoint,
    Wish,
    asked_of,
    batches,
    untold,
)
from app.web.dependencies import SpaceCaller
from app.web.downloads import Body
from app.web.state import Services

CSV = "text/csv; charset=utf-8; header=present"


@asynccontextmanager
async def readiness_file(
    services: Services, viewer: SpaceCaller, wish: Wish
) -> AsyncIterator[Body]:
    """Open the file; what cannot be asked is refused before its first byte."""
    asked = await asked_of(services.database, viewer.site_id, viewer.space_id, wish)
    key = viewer.caller.space_key or viewer.space_id
    name = file_name("readiness", key, wish.now, [wish.origin, wish.target], "csv")
    headers = {"content-type": CSV, "content-disposition": content_disposition(name)}
    yield Body(headers, _pieces(services, viewer, wish, asked))


async def _pieces(
    services: Services, viewer: SpaceCaller, wish: Wish, asked: Asked | str
) -> AsyncGenerator[bytes, None]:
    yield header(sheet.COLUMNS).encode()
    if isinstance(asked, str):
        told = sheet.texts(_told(viewer, wish, None))
        yield "".join(_line(told, each) for each in untold(asked).unknown).encode()
        return
    told = sheet.texts(_told(viewer, wish, asked))
    async for points in batches(services.database, asked):
        if points:
            yield "".join(_line(told, each) for each in points).encode()


def _line(told: Mapping[str, str], each: ToldPoint) -> str:
    api = each.api
    about = About()
    if api is not None:
        about = About(api.name, api.group_id or "", api.asset_id or "", api.api_id)
    return sheet.row(told, about, each.point)


def _told(viewer: SpaceCaller, wish: Wish, asked: Asked | None) -> sheet.Asked:
    return sheet.Asked(
        origin=asked.origin.name if asked else wish.origin,
        origin_id=asked.origin.id if asked else "",
        target=asked.target.name if asked else wish.target,
        target_id=asked.target.id if asked else "",
        apis=asked.apis if asked else 0,
        filters=query(wish.wanted),
        sync_id=asked.sync.id if asked else "",
        sync_finished_at=asked.sync.finished_at if asked else None,
        taken_by=viewer.account_id,
        taken_at=wish.now,
    )
