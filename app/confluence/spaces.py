"""Spaces as Confluence names them."""

from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from app.caller import SpaceId
from app.confluence.client import SPACE_ID, answered, asked
from app.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Space:
    """A space: its id for good, its key and name as they are now."""

    space_id: SpaceId
    key: str
    name: str


async def space(
    http: httpx.AsyncClient, rest_base: str, rest_auth: httpx.Auth, space_id: SpaceId
) -> Space | None:
    """Return the space as this person sees it, or None where they cannot see it."""
    if not SPACE_ID.fullmatch(space_id):
        return None
    # https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-space/
    answer = await asked(http, rest_auth, f"{rest_base}/api/v2/spaces/{space_id}")
    if answer is None:
        return None
    key, name = answer.get("key"), answer.get("name")
    if not isinstance(key, str) or not isinstance(name, str) or str(answer.get("id")) != space_id:
        raise Unavailable
    return Space(space_id, key, name)


async def is_gone(
    http: httpx.AsyncClient, rest_base: str, app_auth: httpx.Auth, space_id: SpaceId
) -> bool:
    """Tell whether Confluence says to the app that there is no such space: 404 and nothing else.

    Raises `Unavailable` for an answer that says neither this nor that the space is there.
    """
    if not SPACE_ID.fullmatch(space_id):
        return False
    answer = await answered(http, app_auth, f"{rest_base}/api/v2/spaces/{space_id}")
    if answer.status_code not in {httpx.codes.NOT_FOUND, httpx.codes.OK, httpx.codes.FORBIDDEN}:
        raise Unavailable
    return answer.status_code == httpx.codes.NOT_FOUND


async def id_of(
    http: httpx.AsyncClient, rest_base: str, rest_auth: httpx.Auth, key: str
) -> SpaceId | None:
    """Return the id of the space with this key as this person sees it, or None without one."""
    answer = await asked(http, rest_auth, f"{rest_base}/api/v2/spaces?{urlencode({'keys': key})}")
    listed = answer.get("results") if answer else []
    if not isinstance(listed, list):
        raise Unavailable
    for item in listed:
        found = str(item.get("id")) if isinstance(item, dict) and item.get("key") == key else ""
        if SPACE_ID.fullmatch(found):
            return SpaceId(found)
    return None
