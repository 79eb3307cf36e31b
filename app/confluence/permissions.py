"""What may this person do in this space? Confluence decides; everything unclear is no."""

import httpx

from app.caller import Right, SpaceId
from app.confluence.client import SPACE_ID, asked
from app.errors import Unavailable

READ = ("read", "space")
CREATE_PAGE = ("create", "page")
ADMINISTER = ("administer", "space")


async def rights(
    http: httpx.AsyncClient, rest_base: str, rest_auth: httpx.Auth | None, space_id: SpaceId
) -> Right:
    """Return the greatest right this person has in the space, or `NONE` if they cannot see it.

    Without a way to ask as this person there is no right. Raises `Unavailable` where Confluence
    is away, slow, or answers something odd.
    """
    if rest_auth is None or not SPACE_ID.fullmatch(space_id):
        return Right.NONE
    # https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-operation/
    answer = await asked(http, rest_auth, f"{rest_base}/api/v2/spaces/{space_id}/operations")
    return Right.NONE if answer is None else _right(_operations(answer))


def _right(operations: frozenset[tuple[str, str]]) -> Right:
    if READ not in operations:
        return Right.NONE
    if ADMINISTER in operations:
        return Right.ADMIN
    return Right.EDITOR if CREATE_PAGE in operations else Right.VIEWER


def _operations(answer: dict[str, object]) -> frozenset[tuple[str, str]]:
    listed = answer.get("operations")
    if not isinstance(listed, list):
        raise Unavailable
    return frozenset(_operation(item) for item in listed)


def _operation(item: object) -> tuple[str, str]:
    if not isinstance(item, dict):
        raise Unavailable
    operation, target = item.get("operation"), item.get("targetType")
    if not isinstance(operation, str) or not isinstance(target, str):
        raise Unavailable
    return operation, target
