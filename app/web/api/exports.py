"""`/api/spaces/{space_id}/posture.csv` and `.html`: the whole filtered result as a file."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.exports import document, spreadsheet
from app.exports.evidence import texts
from app.exports.filenames import content_disposition, file_name
from app.exports.style import POLICY
from app.store import csv_lines, exporting
from app.store.csv_lines import Sheet
from app.store.posture_rows import Filter
from app.web.api.export_reading import Export, Rows, export_of, filter_words
from app.web.dependencies import App, SpaceCaller, Viewer
from app.web.downloads import Body, Download
from app.web.fields import Text
from app.web.queries import PostureQuery
from app.web.routing import guard, space_router
from app.web.settings.audit_reading import record_export
from app.web.state import Services

router = space_router("/api")

CSV = "text/csv; charset=utf-8; header=present"
HTML = "text/html; charset=utf-8"


class HtmlQuery(PostureQuery):
    """The overview's parameters, and one API alone; `page` and `size` change nothing."""

    api_id: Text = ""

    def filter(self) -> Filter:
        """Return the filter as the store takes it."""
        return replace(super().filter(), api_id=self.api_id)


class CsvQuery(HtmlQuery):
    """The same, and what a row is."""

    rows: Rows = Rows.APIS


@router.get("/posture.csv")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def export_csv(viewer: Viewer, app: App, wanted: Annotated[CsvQuery, Query()]) -> Response:
    """Export a line per API and environment, or per finding."""
    noted = partial(record_export, app, viewer, f"posture.csv {wanted.rows}")
    opened = partial(csv_file, app, viewer, wanted.filter(), wanted.rows)
    return Download(app.downloads, viewer.site_id, opened, noted)


@router.get("/posture.html")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def export_html(viewer: Viewer, app: App, wanted: Annotated[HtmlQuery, Query()]) -> Response:
    """Export one document with evidence, summary, APIs and findings."""
    noted = partial(record_export, app, viewer, "posture.html")
    opened = partial(html_file, app, viewer, wanted.filter())
    return Download(app.downloads, viewer.site_id, opened, noted)


@asynccontextmanager
async def csv_file(
    services: Services, viewer: SpaceCaller, wanted: Filter, rows: Rows
) -> AsyncIterator[Body]:
    """Open a CSV file; its evidence is known before its first line."""
    now = datetime.now(UTC)
    async with export_of(services, viewer, wanted, rows, now) as export:
        subject = "findings" if rows is Rows.FINDINGS else "posture"
        yield Body(_headers(export, subject, "csv", CSV), csv_pieces(export, rows))


@asynccontextmanager
async def html_file(services: Services, viewer: SpaceCaller, wanted: Filter) -> AsyncIterator[Body]:
    """Open an HTML document; its evidence is known before its first line."""
    now = datetime.now(UTC)
    async with export_of(services, viewer, wanted, Rows.APIS, now) as export:
        headers = _headers(export, "posture", "html", HTML)
        headers["content-security-policy"] = f"{POLICY}; frame-ancestors 'none'"
        yield Body(headers, html_pieces(export))


def _headers(export: Export, subject: str, extension: str, kind: str) -> dict[str, str]:
    told = export.evidence
    words = filter_words(export.wanted, export.environments)
    name = file_name(subject, told.space_key, told.taken_at, words, extension)
    return {"content-type": kind, "content-disposition": content_disposition(name)}


async def csv_pieces(export: Export, rows: Rows) -> AsyncGenerator[bytes, None]:
    """Return the file piece by piece: the columns' names, then the rows."""
    is_findings = rows is Rows.FINDINGS
    columns = spreadsheet.FINDING_ROW if is_findings else spreadsheet.POSTURE_ROW
    sheet = Sheet(
        columns=columns,
        end_of_line=spreadsheet.end_of_row(texts(export.evidence)).encode(),
        formula=spreadsheet.FORMULA,
        environments=export.environments if is_findings else export.shown,
    )
    yield spreadsheet.header((*columns, *spreadsheet.EVIDENCE_COLUMNS)).encode()
    lines = csv_lines.finding_lines if is_findings else csv_lines.posture_lines
    async for chunk in lines(export.db, *export.place, export.wanted, sheet):
        yield chunk


async def html_pieces(export: Export) -> AsyncGenerator[bytes, None]:
    """Return the document piece by piece: evidence and summary, the APIs, the findings."""
    told, source = export.evidence, (export.db, *export.place, export.wanted)
    beginning = (
        document.head(told)
        + document.totals(export.summary.total, export.summary.verdicts)
        + document.api_table(told)
    )
    yield beginning.encode()
    async for apis in exporting.api_batches(*source):
        yield document.apis(apis, told).encode()
    yield (document.end_of_apis(told) + document.finding_table(told)).encode()
    async for found in exporting.finding_batches(*source):
        yield document.findings(found, told).encode()
    yield document.end_of_findings(told).encode()
