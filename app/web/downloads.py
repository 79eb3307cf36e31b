"""Answers that are made while they are sent, in flat memory, and a limit to how many at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.caller import SiteId
from app.errors import TooSoon

OF_SITE = 2
AT_ONCE = 6
"""Downloads under way, of one site and of all: fewer than there are connections to the database."""

RETRY_SECONDS = 5

SEND_SECONDS = 30.0
"""How long a reader may take for a piece; who takes longer holds what others wait for."""


class Slots:
    """Counts the downloads under way; each holds a connection to the database until its end."""

    def __init__(self) -> None:
        self._under_way: Counter[SiteId] = Counter()

    @contextmanager
    def taken(self, site_id: SiteId) -> Iterator[None]:
        """Hold one of the site's slots; raise `TooSoon` when there is none left."""
        if self._under_way[site_id] >= OF_SITE or self._under_way.total() >= AT_ONCE:
            raise TooSoon(RETRY_SECONDS, "Other exports are under way. Try again in a moment.")
        self._under_way[site_id] += 1
        try:
            yield
        finally:
            self._under_way[site_id] -= 1
            if not self._under_way[site_id]:
                del self._under_way[site_id]


@dataclass(frozen=True, slots=True)
class Body:
    """What is downloaded: headers of its own, and its pieces."""

    headers: dict[str, str]
    pieces: AsyncGenerator[bytes, None]


class Download(Response):
    """A download; what fails before its first byte gets the usual answer.

    What fails later ends the connection without the end of the body, so that nobody takes a part
    for the whole.
    """

    def __init__(
        self,
        slots: Slots,
        site_id: SiteId,
        opened: Callable[[], AbstractAsyncContextManager[Body]],
        noted: Callable[[], Awaitable[None]],
    ) -> None:
        """Take what notes that it is taken, once there is a slot, and what opens it."""
        super().__init__()
        self._slots = slots
        self._site_id = site_id
        self._opened = opened
        self._noted = noted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open what is downloaded, and send it piece by piece."""
        del scope
        with self._slots.taken(self._site_id):
            await self._noted()
            async with self._opened() as body, aclosing(body.pieces) as pieces:
                headers = [(name.encode(), text.encode()) for name, text in body.headers.items()]
                start = {"type": "http.response.start", "status": 200, "headers": headers}
                await send(start)
                await _sent(pieces, receive, send)


async def _sent(pieces: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    gone = asyncio.create_task(_gone(receive))
    try:
        async for piece in pieces:
            if gone.done():
                return
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
