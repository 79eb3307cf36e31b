"""`/api/spaces/{space_id}/syncs`: starting, following and cancelling the reading of Anypoint."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.errors import NotThere
from app.store import syncs
from app.store.syncs import Sync
from app.web.api.answers import StartedAnswer, SyncEnvironmentAnswer
from app.web.dependencies import App, Editor, Viewer
from app.web.fields import PageQuery
from app.web.routing import guard, space_router

router = space_router("/api")

IdempotencyKey = Annotated[
    str | None, Header(), StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")
]


class ProgressAnswer(BaseModel):
    """How far a sync is, in instances; the total is null until it is known."""

    done: int
    total: int | None


class SyncAnswer(BaseModel):
    """A sync with the outcome of each environment."""

    id: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    reason: str | None
    progress: ProgressAnswer
    environments: list[SyncEnvironmentAnswer]


class SyncsAnswer(BaseModel):
    """A page of the syncs of a space, newest first."""

    syncs: list[SyncAnswer]
    total: int
    page: int
    size: int


@router.post("/syncs", status_code=202)
@guard(token=TokenKind.CONTEXT, right=Right.EDITOR)
async def start_sync(
    editor: Editor, app: App, idempotency_key: IdempotencyKey = None
) -> StartedAnswer:
    """Start a sync, or name the one that is running or queued; 409 without a connection."""
    where = (editor.site_id, editor.space_id, editor.account_id)
    if idempotency_key is not None:
        return StartedAnswer(**await app.syncs.start_once(*where, idempotency_key, editor.origin))
    sync = await app.syncs.start(*where, editor.origin)
    return StartedAnswer(id=sync.id, state=sync.state)


@router.get("/syncs")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_syncs(
    viewer: Viewer, app: App, wanted: Annotated[PageQuery, Query()]
) -> SyncsAnswer:
    """List the space's syncs, newest first."""
    async with app.database.transaction(viewer.site_id) as db:
        found, total = await syncs.newest(
            db, viewer.site_id, viewer.space_id, wanted.page, wanted.size
        )
    listed = [sync_answer(sync) for sync in found]
    return SyncsAnswer(syncs=listed, total=total, page=wanted.page, size=wanted.size)


@router.get("/syncs/{sync_id}")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def show_sync(viewer: Viewer, app: App, sync_id: str) -> SyncAnswer:
    """Show one sync with its progress."""
    async with app.database.transaction(viewer.site_id) as db:
        sync = await syncs.one(db, viewer.site_id, viewer.space_id, known_id(sync_id))
    if sync is None:
        raise NotThere
    return sync_answer(sync)


@router.delete("/syncs/{sync_id}", status_code=204)
@guard(token=TokenKind.CONTEXT, right=Right.EDITOR)
async def cancel_sync(editor: Editor, app: App, sync_id: str) -> Response:
    """Cancel a sync that has not ended."""
    place = (editor.site_id, editor.space_id, known_id(sync_id))
    await app.syncs.cancel(*place, editor.account_id, editor.origin)
    return Response(status_code=204)


def known_id(text: str) -> str:
    """Return a sync's id; `NotThere` for what cannot be one, in any other spelling."""
    try:
        known = str(UUID(text))
    except ValueError:
        raise NotThere from None
    if known != text:
        raise NotThere
    return known


def sync_answer(sync: Sync) -> SyncAnswer:
    """Return a sync as it is shown."""
    return SyncAnswer(
        id=sync.id,
        state=sync.state,
        started_at=sync.started_at,
        finished_at=sync.finished_at,
        reason=sync.reason,
        progress=ProgressAnswer(done=sync.done, total=sync.total),
        environments=[SyncEnvironmentAnswer.of_sync(item) for item in sync.environments],
    )
