"""`/api/spaces/{space_id}/expected-differences`: which values a setting is meant to have where."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from starlette.responses import Response

from app.caller import Right, TokenKind
from app.errors import AlreadyThere
from app.posture import globs
from app.posture.suggesting import Suggestion
from app.store import expected_differences, posture_rows, syncs
from app.store.database import DB
from app.store.expected_differences import ExpectedRow
from app.sync.expecting import Expectation, ExpectedAlready, expect, withdraw_expectation
from app.sync.suggesting import suggestions
from app.web.api.syncs import known_id
from app.web.dependencies import Admin, App, SpaceCaller, Viewer
from app.web.fields import Body, Id, Name, PageQuery, clean_lines, trimmed
from app.web.routing import guard, space_router

router = space_router("/api")

MOST_BYTES = 4000
"""Of one value as JSON."""

MOST_LEVELS = 40
"""Nothing deeper is read from Anypoint, and what is much deeper cannot be written as an answer."""


def sound(value: Any) -> Any:
    """Return a value as it is; ValueError for one that cannot be kept as JSON."""
    try:
        text = orjson.dumps(value)
    except TypeError:
        raise ValueError("This value cannot be kept.") from None
    if len(text) > MOST_BYTES or rb"\u0000" in text or _levels(value) > MOST_LEVELS:
        raise ValueError("This value cannot be kept.")
    return value


def _levels(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_levels, inner), default=0)


def allowed_pattern(pattern: str | None) -> str | None:
    """Return a pattern as it is; ValueError for none and for one that is not allowed."""
    said = globs.problem(pattern or "")
    if said:
        raise ValueError(said)
    return pattern


ReasonNote = Annotated[
    str, StringConstraints(max_length=1000), AfterValidator(clean_lines), AfterValidator(trimmed)
]
Named = Annotated[Name, AfterValidator(trimmed)]


class AllowanceBody(Body):
    """What an environment may hold: exactly this, what a pattern covers, or anything."""

    equals: Annotated[Any, AfterValidator(sound)] = None
    matches: Annotated[str | None, AfterValidator(allowed_pattern)] = None
    any: bool | None = None

    @model_validator(mode="after")
    def is_one(self) -> "AllowanceBody":
        """Refuse two rules at once, none, and `any` that does not say true."""
        if len(self.model_fields_set) != 1 or ("any" in self.model_fields_set and not self.any):
            raise ValueError("Give one of equals, matches and any: true.")
        return self

    def said(self) -> dict[str, Any]:
        """Return the rule alone."""
        return self.model_dump(exclude_unset=True)


class ExpectedBody(Body):
    """A setting of a policy, of one API or of all, and what each environment may hold."""

    policy: Named
    path: Named
    api_id: Id | None = None
    note: ReasonNote
    values: Annotated[dict[Id, AllowanceBody], Field(min_length=1, max_length=100)]

    def expectation(self) -> Expectation:
        """Return what is to be put in force."""
        return Expectation(
            asset_id=self.policy,
            path=self.path,
            note=self.note,
            allowances={name: allowance.said() for name, allowance in self.values.items()},
            api_id=self.api_id,
        )


class ExpectedAnswer(BaseModel):
    """An expected difference in force; `settles` counts the settings that it takes away now."""

    id: str
    policy: str
    path: str
    api_id: str | None
    api_name: str | None
    note: str
    values: dict[str, Any]
    made_by: str
    made_at: datetime
    settles: int

    @classmethod
    def of(
        cls, row: ExpectedRow, names: Mapping[str, str], settles: Mapping[str, int]
    ) -> "ExpectedAnswer":
        """Return an expected difference as it is shown."""
        return cls(
            id=row.id,
            policy=row.asset_id,
            path=row.path,
            api_id=row.api_id,
            api_name=row.api_id and names.get(row.api_id, name_of(row.api_key)),
            note=row.note,
            values=dict(row.allowances),
            made_by=row.made_by,
            made_at=row.made_at,
            settles=settles.get(row.id, 0),
        )


class ExpectedListAnswer(BaseModel):
    """A page of what is expected to differ, newest first."""

    expected: Annotated[list[ExpectedAnswer], Field(serialization_alias="expected-differences")]
    total: int
    page: int
    size: int


class SuggestionAnswer(BaseModel):
    """A setting that might be meant to differ: what was seen where, and what would be allowed."""

    policy: str
    path: str
    values: dict[str, Any]
    seen: dict[str, list[Any]]
    apis: int
    settles: int

    @classmethod
    def of(cls, found: Suggestion) -> "SuggestionAnswer":
        """Return a suggestion as it is shown."""
        return cls(
            policy=found.asset_id,
            path=found.path,
            values=dict(found.allowances),
            seen={name: list(values) for name, values in found.seen.items()},
            apis=found.apis,
            settles=found.settles,
        )


class SuggestionsAnswer(BaseModel):
    """The starter set, what settles most first."""

    suggestions: list[SuggestionAnswer]


@router.get("/expected-differences")
@guard(token=TokenKind.CONTEXT, right=Right.VIEWER)
async def list_expected(
    viewer: Viewer, app: App, wanted: Annotated[PageQuery, Query()]
) -> ExpectedListAnswer:
    """List what is expected to differ, newest first."""
    place = (viewer.site_id, viewer.space_id)
    async with app.database.transaction(viewer.site_id) as db:
        rows, total = await expected_differences.listed(db, *place, wanted.page, wanted.size)
        shown = await answers(db, viewer, rows)
    return ExpectedListAnswer(expected=shown, total=total, page=wanted.page, size=wanted.size)


@router.post("/expected-differences", status_code=201)
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def post_expected(admin: Admin, app: App, body: ExpectedBody) -> ExpectedAnswer:
    """Expect a difference from now on; 409 with the one in force for the same setting."""
    place = (app.database, admin.site_id, admin.space_id)
    now = datetime.now(UTC)
    try:
        made = await expect(*place, body.expectation(), admin.account_id, admin.origin, now)
    except ExpectedAlready as met:
        existing = await _answer(app, admin, met.existing)
        raise AlreadyThere(met.message, existing.model_dump(mode="json")) from None
    return await _answer(app, admin, made)


@router.delete("/expected-differences/{expected_id}", status_code=204)
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def delete_expected(admin: Admin, app: App, expected_id: str) -> Response:
    """Withdraw an expected difference; its history is kept."""
    place = (app.database, admin.site_id, admin.space_id)
    now = datetime.now(UTC)
    await withdraw_expectation(*place, known_id(expected_id), admin.account_id, admin.origin, now)
    return Response(status_code=204)


@router.get("/expected-differences/suggestions")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def suggest_expected(admin: Admin, app: App) -> SuggestionsAnswer:
    """Offer what the published sync says that is meant to differ; nothing of it is in force."""
    found = await suggestions(app.database, admin.site_id, admin.space_id)
    return SuggestionsAnswer(suggestions=[SuggestionAnswer.of(each) for each in found])


async def _answer(app: App, admin: SpaceCaller, row: ExpectedRow) -> ExpectedAnswer:
    async with app.database.transaction(admin.site_id) as db:
        (shown,) = await answers(db, admin, [row])
    return shown


async def answers(db: DB, caller: SpaceCaller, rows: Sequence[ExpectedRow]) -> list[ExpectedAnswer]:
    """Return expected differences as they are shown, with what each settles in the published sync."""
    place = (caller.site_id, caller.space_id)
    sync = await syncs.published(db, *place)
    number = (sync.number if sync else None) or 0
    ids = [row.api_id for row in rows if row.api_id is not None]
    names = await posture_rows.names(db, *place, number, ids) if ids else {}
    settles = await expected_differences.settled(db, *place, number, rows)
    return [ExpectedAnswer.of(row, names, settles) for row in rows]


def name_of(api_key: str | None) -> str | None:
    """Return what an API that is not there any more may be called: its asset, or its old name."""
    return api_key and api_key.rpartition("/")[2].removeprefix("name:")
