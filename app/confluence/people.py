"""People as Confluence names them now: we keep account ids and nothing else."""

from collections.abc import Iterable, Mapping

import httpx

from app.caller import AccountId
from app.confluence.client import asked
from app.errors import NotAuthenticated, Unavailable

MOST_PEOPLE = 250
"""How many one question may name."""

LONGEST_NAME = 200


async def names(
    http: httpx.AsyncClient,
    rest_base: str,
    rest_auth: httpx.Auth | None,
    account_ids: Iterable[AccountId],
) -> Mapping[AccountId, str]:
    """Return the names of the accounts that this person can see; of the others there is no entry.

    Raises `Unavailable` where Confluence is away or takes no such question from this person, as on
    a site whose administrators have not approved the scope for it yet.
    """
    distinct = list(dict.fromkeys(account_ids))[:MOST_PEOPLE]
    if rest_auth is None or not distinct:
        return {}
    # https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-user/
    url, wanted = f"{rest_base}/api/v2/users-bulk", {"accountIds": distinct}
    try:
        answer = await asked(http, rest_auth, url, wanted)
    except NotAuthenticated:
        raise Unavailable from None
    listed = answer.get("results") if answer else None
    if not isinstance(listed, list):
        raise Unavailable
    found = dict(_named(item) for item in listed)
    return {one: found[one] for one in distinct if found.get(one)}


def _named(item: object) -> tuple[str, str]:
    account = item.get("accountId") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(account, str):
        raise Unavailable
    name = item.get("displayName") or item.get("publicName") or ""
    if not isinstance(name, str):
        raise Unavailable
    return account, name[:LONGEST_NAME]
