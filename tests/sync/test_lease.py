"""Holding a sync through hiccups, and letting go of it when it is lost."""

import asyncio

import pytest

from app.errors import Unavailable
from app.store.leases import Fenced
from app.sync.lease import held

LEASE = 0.3


async def test_a_hiccup_of_the_database_does_not_lose_the_lease() -> None:
    answers = iter([Unavailable(), True, Unavailable(), True])

    async def beat() -> bool:
        answer = next(answers, True)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    async with held(beat, LEASE):
        await asyncio.sleep(2 * LEASE)


async def test_a_sync_in_other_hands_ends_the_body() -> None:
    async def beat() -> bool:
        return False

    with pytest.raises(Fenced):
        async with held(beat, LEASE):
            await asyncio.sleep(60)


async def test_a_database_away_for_longer_than_the_lease_ends_the_body() -> None:
    async def beat() -> bool:
        raise Unavailable

    with pytest.raises(Unavailable):
        async with held(beat, LEASE):
            await asyncio.sleep(60)


async def test_a_database_that_does_not_answer_is_as_good_as_away() -> None:
    async def beat() -> bool:
        await asyncio.sleep(60)
        return True

    with pytest.raises(Unavailable):
        async with held(beat, LEASE):
            await asyncio.sleep(60)


async def test_a_cancellation_from_outside_stays_one() -> None:
    async def beat() -> bool:
        return True

    async def body() -> None:
        async with held(beat, LEASE):
            await asyncio.sleep(60)

    task = asyncio.create_task(body())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
