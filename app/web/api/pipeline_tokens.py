"""`/api/spaces/{space_id}/pipeline-tokens`: tokens that read the space's readiness, nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.errors import NotThere
from app.store import audit, pipeline_tokens
from app.store.audit import Act, Action
from app.store.pipeline_tokens import PipelineToken
from app.web.api.syncs import known_id
from app.web.dependencies import Admin, App
from app.web.fields import Body, PageQuery, clean
from app.web.routing import guard, space_router

router = space_router("/api")

MOST_DAYS = 3650

TokenName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(clean),
]


class TokenBody(Body):
    """What an administrator asks for; without days the token does not expire."""

    name: TokenName
    expires_in_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None


class TokenAnswer(BaseModel):
    """A token without its text; `last_used_at` is exact to the day, null: never."""

    id: str
    name: str
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class MadeAnswer(TokenAnswer):
    """A new token with its text, which is shown this once."""

    token: Annotated[str, Field(repr=False)]


class TokensAnswer(BaseModel):
    """A page of the space's tokens, newest first; expired ones stand among them."""

    model_config = ConfigDict(populate_by_name=True)

    tokens: list[TokenAnswer] = Field(alias="pipeline-tokens")
    total: int
    page: int
    size: int


@router.get("/pipeline-tokens")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def list_pipeline_tokens(
    admin: Admin, app: App, wanted: Annotated[PageQuery, Query()]
) -> TokensAnswer:
    """List the space's tokens, newest first."""
    async with app.database.transaction(admin.site_id) as db:
        found, total = await pipeline_tokens.listed(
            db, admin.site_id, admin.space_id, wanted.page, wanted.size
        )
    listed = [TokenAnswer(**_told(token)) for token in found]
    return TokensAnswer(tokens=listed, total=total, page=wanted.page, size=wanted.size)


@router.post("/pipeline-tokens", status_code=201)
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def make_pipeline_token(admin: Admin, app: App, body: TokenBody) -> MadeAnswer:
    """Make a token and show it this once; 409 for a space that was never connected."""
    now = datetime.now(UTC)
    days = body.expires_in_days
    async with app.database.transaction(admin.site_id) as db:
        made, token = await pipeline_tokens.make(
            db,
            admin.site_id,
            admin.space_id,
            name=body.name,
            by=admin.account_id,
            expires_at=now + timedelta(days=days) if days else None,
            now=now,
        )
        act = Act(Action.PIPELINE_TOKEN_MADE, admin.account_id, admin.origin, made.id)
        await audit.write(db, admin.site_id, admin.space_id, act)
    return MadeAnswer(**_told(made), token=token)


@router.delete("/pipeline-tokens/{token_id}", status_code=204)
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def revoke_pipeline_token(admin: Admin, app: App, token_id: str) -> Response:
    """Revoke a token: from now on it opens nothing; 404 for one that the space does not have."""
    wanted = known_id(token_id)
    async with app.database.transaction(admin.site_id) as db:
        if not await pipeline_tokens.revoke(db, admin.site_id, admin.space_id, wanted):
            raise NotThere
        act = Act(Action.PIPELINE_TOKEN_REVOKED, admin.account_id, admin.origin, wanted)
        await audit.write(db, admin.site_id, admin.space_id, act)
    return Response(status_code=204)


def _told(token: PipelineToken) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "made_by": token.made_by,
        "made_at": token.made_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
