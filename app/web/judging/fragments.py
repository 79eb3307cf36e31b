"""The settings' sections about expectations, exceptions and tokens, fetched anew by their script."""

from typing import Annotated

from fastapi import Query
from starlette.responses import HTMLResponse

from app.caller import Right, TokenKind
from app.web import rendering
from app.web.dependencies import Admin, App
from app.web.judging.reading import (
    shown_exceptions,
    shown_expected,
    shown_suggestions,
    shown_tokens,
)
from app.web.queries import TurnQuery
from app.web.routing import guard, space_router

router = space_router("/fragments")


class EndedQuery(TurnQuery):
    """Which page, and whether those that have ended are wanted too."""

    ended: bool = False


@router.get("/expected-differences")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def show_expected(
    admin: Admin, app: App, wanted: Annotated[TurnQuery, Query()]
) -> HTMLResponse:
    """Show a page of what is expected to differ."""
    judging = await shown_expected(app, admin, wanted.page)
    return rendering.html("fragments/expected.html", {"judging": judging})


@router.get("/expected-differences/suggestions")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def show_suggestions(admin: Admin, app: App) -> HTMLResponse:
    """Show the starter set: fields that usually differ, with what was seen where."""
    found = await shown_suggestions(app, admin)
    return rendering.html("fragments/suggestions.html", {"suggestions": found})


@router.get("/exceptions")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def show_exceptions(
    admin: Admin, app: App, wanted: Annotated[EndedQuery, Query()]
) -> HTMLResponse:
    """Show a page of what is accepted."""
    judging = await shown_exceptions(app, admin, wanted.page, ended=wanted.ended)
    return rendering.html("fragments/exceptions.html", {"judging": judging})


@router.get("/pipeline-tokens")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def show_tokens(
    admin: Admin, app: App, wanted: Annotated[TurnQuery, Query()]
) -> HTMLResponse:
    """Show the space's tokens, never their text."""
    del wanted  # one page holds them all
    return rendering.html("fragments/tokens.html", {"judging": await shown_tokens(app, admin)})
