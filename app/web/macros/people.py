"""Whom account ids are of, asked of Confluence as the reader, when something is shown."""

from collections.abc import Iterable, Mapping

from app.caller import AccountId, Caller
from app.errors import Unavailable
from app.web.state import Services


async def names_of(
    services: Services, caller: Caller, account_ids: Iterable[AccountId]
) -> Mapping[AccountId, str]:
    """Return the names that there are; where Confluence is away the ids stand for themselves."""
    wanted = list(account_ids)
    try:
        return await services.names(caller.rest_base, caller.rest_auth, wanted)
    except Unavailable:
        return {one: f"account {one}" for one in wanted}
