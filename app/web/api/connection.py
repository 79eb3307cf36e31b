"""`/api/spaces/{space_id}/connection`: a space's link to Anypoint, without its secret."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import Header
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response

from app.caller import Door, Right, TokenKind
from app.errors import NotThere, Unavailable
from app.store import connections
from app.store.connections import Connection
from app.sync.trying import ConnectionChange, ConnectionTest
from app.web.api.answers import EnvironmentAnswer
from app.web.api.trial_words import missing_names, places_told
from app.web.dependencies import Admin, App, SpaceCaller
from app.web.fields import Body, Id, Name, Secret, distinct
from app.web.routing import guard, space_router
from app.web.state import Services

router = space_router("/api")

HOURS_A_YEAR = 8760
ENTITY_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})"', re.ASCII)
NEVER_GIVEN = 0

EnvironmentIds = Annotated[list[Id], Field(min_length=1, max_length=100), AfterValidator(distinct)]
Suffixes = Annotated[list[Name], Field(max_length=50), AfterValidator(distinct)]


class ConnectionBody(Body):
    """What an administrator saves or tests; an absent secret keeps the stored one."""

    control_plane: Name
    client_id: Name
    client_secret: Annotated[Secret | None, Field(repr=False)] = None
    organization_id: Id | None = None
    environment_ids: EnvironmentIds | None = None
    baseline_environment_id: Id | None = None
    sync_interval_hours: Annotated[int, Field(ge=1, le=HOURS_A_YEAR)] = 24
    ignored_application_suffixes: Suffixes = Field(default_factory=list)


class ConnectionAnswer(BaseModel):
    """A connection as it is shown: no secret, no part of it, not its length."""

    control_plane: str
    organization_id: str | None
    client_id: str
    secret_saved_at: datetime | None
    secret_saved_by: str | None
    environments: list[EnvironmentAnswer]
    baseline_environment_id: str | None
    sync_interval_hours: int
    ignored_application_suffixes: list[str]


class OrganizationAnswer(BaseModel):
    """An organisation or business group that the Connected App can see."""

    id: str
    name: str


class TrialAnswer(BaseModel):
    """What a test of credentials found; `problem` is a sentence, or null when all is well."""

    ok: bool
    organizations: list[OrganizationAnswer]
    environments: list[EnvironmentAnswer]
    missing_scopes: list[str]
    problem: str | None


@router.get("/connection")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def show_connection(admin: Admin, app: App, response: Response) -> ConnectionAnswer:
    """Show the space's connection without its secret; 404 before it is made.

    Its `ETag` is the version that a later PUT may name in `If-Match`.
    """
    async with app.database.transaction(admin.site_id) as db:
        connection = await connections.current(db, admin.site_id, admin.space_id)
    if connection is None:
        raise NotThere
    response.headers["ETag"] = etag(connection)
    return connection_answer(connection)


@router.put("/connection")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def save_connection(
    admin: Admin,
    app: App,
    body: ConnectionBody,
    response: Response,
    if_match: Annotated[str | None, Header(max_length=100)] = None,
) -> ConnectionAnswer:
    """Save the connection and start a sync; refused credentials store nothing.

    With `If-Match` it is saved over that version alone: 409 when it was saved meanwhile.
    """
    change = replace(change_of(body), seen_version=version_of(if_match))
    saved = await app.connections.save(
        admin.site_id, admin.space_id, admin.account_id, change, admin.origin
    )
    response.headers["ETag"] = etag(saved)
    await _note_key(admin, app)
    return connection_answer(saved)


async def _note_key(admin: SpaceCaller, app: Services) -> None:
    """Keep what Confluence calls the space: by its key it will say that the space was removed."""
    caller = admin.caller
    if caller.rest_auth is None or caller.door is not Door.CONNECT:
        return
    try:
        space = await app.spaces(caller.rest_base, caller.rest_auth, admin.space_id)
    except Unavailable:
        return
    if space is not None:
        await app.removed_spaces.called(admin.site_id, admin.space_id, space.key)


@router.post("/connection/test")
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def try_connection(admin: Admin, app: App, body: ConnectionBody | None = None) -> TrialAnswer:
    """Try given or stored credentials and name what is missing; stores nothing."""
    change = change_of(body) if body else None
    found = await app.connections.test(
        admin.site_id, admin.space_id, change, admin.account_id, admin.origin
    )
    return trial_answer(found)


@router.delete("/connection", status_code=204)
@guard(token=TokenKind.CONTEXT, right=Right.ADMIN)
async def remove_connection(admin: Admin, app: App) -> Response:
    """Destroy the credentials and keep the history; 404 without a connection."""
    await app.connections.remove(admin.site_id, admin.space_id, admin.account_id, admin.origin)
    return Response(status_code=204)


def etag(connection: Connection) -> str:
    """Return a connection's version as an entity tag."""
    return f'"{connection.version}"'


def version_of(if_match: str | None) -> int | None:
    """Return the version that an entity tag names; None where any will do, 0 for one never given."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = ENTITY_TAG.fullmatch(if_match.strip())
    return int(found[1]) if found else NEVER_GIVEN


def change_of(body: ConnectionBody) -> ConnectionChange:
    """Return what is to be saved or tested."""
    chosen = body.environment_ids
    return ConnectionChange(
        control_plane=body.control_plane,
        client_id=body.client_id,
        client_secret=body.client_secret,
        organization_id=body.organization_id,
        environment_ids=None if chosen is None else tuple(chosen),
        baseline_environment_id=body.baseline_environment_id,
        sync_interval_hours=body.sync_interval_hours,
        ignored_application_suffixes=tuple(body.ignored_application_suffixes),
    )


def connection_answer(connection: Connection) -> ConnectionAnswer:
    """Return a connection as it is shown."""
    return ConnectionAnswer(
        control_plane=connection.control_plane,
        organization_id=connection.organization_id,
        client_id=connection.client_id,
        secret_saved_at=connection.secret_saved_at,
        secret_saved_by=connection.secret_saved_by,
        environments=[EnvironmentAnswer.of(item) for item in connection.environments],
        baseline_environment_id=connection.baseline_environment_id,
        sync_interval_hours=connection.sync_interval_hours,
        ignored_application_suffixes=list(connection.ignored_application_suffixes),
    )


def trial_answer(found: ConnectionTest) -> TrialAnswer:
    """Return the outcome of a test as it is shown."""
    return TrialAnswer(
        ok=found.ok,
        organizations=[
            OrganizationAnswer(id=item.id, name=item.name) for item in found.organizations
        ],
        environments=[
            EnvironmentAnswer(id=item.id, name=item.name, type=item.type)
            for item in found.environments
        ],
        missing_scopes=missing_names(found.missing_scopes),
        problem=found.problem or places_told(found.missing_scopes),
    )
