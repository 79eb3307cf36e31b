"""What a person may do in a space: asked of Confluence, remembered briefly for viewing alone."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import httpx

from app import metrics
from app.caller import RIGHTS, Caller, Right, SpaceId
from app.errors import NotAuthenticated, NotPermitted, NotThere, Unavailable

MOST_REMEMBERED = 20_000

Key = tuple[str, str, str]
Ask = Callable[[str, httpx.Auth, SpaceId], Awaitable[Right]]
"""`confluence.permissions.rights` with its client: REST base, the person's sign-in, the space."""


def includes(right: Right, needed: Right) -> bool:
    """Tell whether a right is at least the needed one."""
    return RIGHTS.index(right) >= RIGHTS.index(needed)


class Rights:
    """Asks as the very person; a right to view is good for some seconds, any other is asked anew."""

    def __init__(
        self,
        ask: Ask,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._seen: OrderedDict[Key, tuple[float, Right]] = OrderedDict()

    async def checked(self, caller: Caller, space_id: SpaceId, needed: Right) -> Right:
        """Return the right, at least the needed one; raise `NotThere` or `NotPermitted` otherwise."""
        if caller.account_id is None or caller.rest_auth is None:
            raise NotAuthenticated("no sign of a user")
        key = (caller.site_id, caller.account_id, space_id)
        right = self._remembered(key) if needed is Right.VIEWER else None
        if right is None:
            right = await self._asked(caller, caller.rest_auth, space_id, key)
        if right is Right.NONE:
            raise NotThere
        if not includes(right, needed):
            raise NotPermitted
        return right

    async def may_view(self, rest_base: str, auth: httpx.Auth, space_id: SpaceId) -> bool:
        """Tell whether whoever a sign-in is of may view the space; nothing of it is remembered."""
        with metrics.PERMISSION_FAILURES.labels("no usable answer").count_exceptions(Unavailable):
            return includes(await self._ask(rest_base, auth, space_id), Right.VIEWER)

    async def _asked(self, caller: Caller, auth: httpx.Auth, space_id: SpaceId, key: Key) -> Right:
        self._seen.pop(key, None)
        # From the question on: a slow answer is no longer fresh when it comes.
        until = self._clock() + self._seconds
        with metrics.PERMISSION_FAILURES.labels("no usable answer").count_exceptions(Unavailable):
            right = await self._ask(caller.rest_base, auth, space_id)
        if right is not Right.NONE and self._seconds:
            self._seen[key] = (until, right)
            if len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)
        return right

    def _remembered(self, key: Key) -> Right | None:
        until, right = self._seen.get(key, (0.0, None))
        return right if until > self._clock() else None
