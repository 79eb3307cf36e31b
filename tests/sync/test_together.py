"""What ends one of several readings ends them all, and is raised as itself on every Python."""

import asyncio

import pytest

from app.errors import Conflict, Unavailable
from app.sync.together import together


async def broken(error: Exception) -> None:
    raise error


async def waiting() -> None:
    await asyncio.sleep(60)


async def test_an_error_comes_out_alone_from_groups_in_groups():
    async def inner() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(broken(Unavailable("away")))

    with pytest.raises(Unavailable, match="away"):
        async with together() as group:
            group.create_task(waiting())
            group.create_task(inner())


async def test_of_several_errors_one_is_raised():
    with pytest.raises(Conflict):
        async with together() as group:
            group.create_task(broken(Conflict("first")))
            group.create_task(broken(Conflict("second")))


async def test_what_is_not_ours_is_not_hidden_behind_an_error_of_ours():
    with pytest.raises(ExceptionGroup) as raised:
        async with together() as group:
            group.create_task(broken(Conflict("ours")))
            group.create_task(broken(ZeroDivisionError()))
    assert raised.value.subgroup(ZeroDivisionError)
