"""Reading side by side: what ends one of the tasks ends them all and is raised alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import AppError


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks side by side; the first `AppError` that ended them is raised, out of its groups."""
    # Not `except*`: up to Python 3.11.3 what is raised there comes out wrapped in a group again.
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        if errors.split(AppError)[1] is not None:
            raise
        raise first_of(errors) from errors


def first_of(error: BaseException) -> BaseException:
    """Return the first single error inside nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
