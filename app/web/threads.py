"""Work that keeps the processor for long, beside the event loop: a few pieces of each site at a time."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar
from weakref import WeakValueDictionary

from app.caller import SiteId

OF_SITE = 2
"""Pieces of one site's work under way: all sites share a few threads."""

Given = ParamSpec("Given")
Made = TypeVar("Made")

_rooms: WeakValueDictionary[SiteId, asyncio.Semaphore] = WeakValueDictionary()


async def in_thread(
    site_id: SiteId, work: Callable[Given, Made], *args: Given.args, **named: Given.kwargs
) -> Made:
    """Return what a site's work makes; what the site asks for beyond its share waits for itself."""
    room = _rooms.setdefault(site_id, asyncio.Semaphore(OF_SITE))
    async with room:
        return await asyncio.to_thread(partial(work, *args, **named))
