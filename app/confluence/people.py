"""People as Confluence names them now: we keep account ids and nothing else."""

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import httpx

from app.caller import AccountId
from app.confluence.client import asked
from app.errors import Unavailable

MOST_PEOPLE = 50
LONGEST_NAME = 200


async def names(
    http: httpx.AsyncClient,
    rest_base: str,
    rest_auth: httpx.Auth | None,
    account_ids: Iterable[AccountId],
) -> Mapping[AccountId, str]:
    """Return the names of the accounts that this person can see; of the others there is no entry.

    Raises `Unavailable` where Confluence is away.
    """
    distinct = list(dict.fromkeys(account_ids))[:MOST_PEOPLE]
    if rest_auth is None or not distinct:
        return {}
    found = await asyncio.gather(*(_name(http, rest_base, rest_auth, one) for one in distinct))
    return {one: name for one, name in zip(distinct, found, strict=True) if name}


async def _name(
    http: httpx.AsyncClient, rest_base: str, rest_auth: httpx.Auth, account_id: AccountId
) -> str:
    # https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-users/
    answer = await asked(
        http, rest_auth, f"{rest_base}/rest/api/user?accountId={quote(account_id, safe='')}"
    )
    if answer is None:
        return ""
    name = answer.get("displayName") or answer.get("publicName")
    if not isinstance(name, str):
        raise Unavailable
    return name[:LONGEST_NAME]
