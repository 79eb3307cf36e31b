"""Who goes first, how many at once, and when everybody waits."""

import asyncio
from datetime import timedelta

import pytest

from app.anypoint.errors import Away, Throttled
from app.anypoint.limiter import Gate, Gates, Limiter
from tests.anypoint.conftest import START, QuickClock


class Traffic:
    """Calls that take turns, noting how many ran at once and in which order they began."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.running = self.peak = 0
        self.order: list[str] = []

    async def call(self, name: str, priority: int = 0) -> None:
        async with self.limiter.turn(priority):
            self.order.append(name)
            self.running += 1
            self.peak = max(self.peak, self.running)
            await asyncio.sleep(0)
            self.running -= 1


async def test_never_more_run_at_once_than_the_limit() -> None:
    traffic = Traffic(Limiter(3))
    await asyncio.gather(*(traffic.call(str(n)) for n in range(40)))
    assert traffic.peak == 3
    assert len(traffic.order) == 40


async def test_the_earlier_environment_goes_first_and_each_in_its_own_order() -> None:
    traffic = Traffic(Limiter(1))
    calls = [traffic.call(f"{p}{n}", p) for n in range(3) for p in (2, 0, 1)]
    await asyncio.gather(*calls)
    # The first one found the limiter free.
    assert traffic.order == ["20", "00", "01", "02", "10", "11", "12", "21", "22"]


async def test_a_cancelled_call_gives_its_turn_to_the_next() -> None:
    limiter = Limiter(1)
    traffic = Traffic(limiter)
    async with limiter.turn(0):
        waiting = asyncio.create_task(traffic.call("gone"))
        other = asyncio.create_task(traffic.call("kept"))
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.wait_for(other, 1)
    assert traffic.order == ["kept"]


async def test_a_call_cancelled_just_when_called_gives_its_turn_back() -> None:
    limiter = Limiter(1)
    traffic = Traffic(limiter)
    async with limiter.turn(0):
        waiting = asyncio.create_task(traffic.call("gone"))
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(traffic.call("next"), 1)
    assert traffic.order == ["next"]


async def test_throttling_halves_and_success_widens_step_by_step(clock: QuickClock) -> None:
    limiter = Limiter(16, Gate(clock))

    async def widest() -> int:
        traffic = Traffic(limiter)
        await asyncio.gather(*(traffic.call(str(n)) for n in range(40)))
        return traffic.peak

    async with limiter.turn(0) as started:
        limiter.throttled(started, 5)
    assert await widest() == 8
    assert clock.passed >= 5
    for _ in range(8):
        limiter.succeeded()
    assert await widest() == 8
    for _ in range(200):
        limiter.succeeded()
    assert await widest() == 16


async def test_calls_that_were_throttled_together_narrow_once(clock: QuickClock) -> None:
    limiter = Limiter(16, Gate(clock))
    began = clock.seconds()
    clock.passed += 0.1
    for _ in range(16):
        limiter.throttled(began, 1)
    traffic = Traffic(limiter)
    await asyncio.gather(*(traffic.call(str(n)) for n in range(40)))
    assert traffic.peak == 8


async def test_nobody_passes_a_shut_gate_early(clock: QuickClock) -> None:
    gate = Gate(clock)
    one, other = Limiter(4, gate), Limiter(4, gate)
    one.throttled(clock.seconds(), 20)
    await Traffic(other).call("another connection")
    assert clock.passed >= 20


async def test_a_gate_that_shuts_at_the_last_moment_holds_the_call_back(
    clock: QuickClock,
) -> None:
    limiter = Limiter(1, Gate(clock))
    async with limiter.turn(0) as started:
        waiting = asyncio.create_task(Traffic(limiter).call("late"))
        await asyncio.sleep(0)
    limiter.throttled(started, 20)  # the waiting one is called by now, but has not begun
    await waiting
    assert clock.passed >= 20


async def test_a_gate_is_shared_by_app_and_control_plane() -> None:
    gates = Gates()
    gate = gates.of("https://eu1.example", "app")
    assert gates.of("https://eu1.example", "app") is gate
    assert gates.of("https://eu1.example", "other") is not gate
    assert gates.of("https://us.example", "org") is not gate


async def test_who_would_wait_too_long_is_sent_away_at_once(clock: QuickClock) -> None:
    limiter = Limiter(1, Gate(clock))

    async def patient_for(seconds: float) -> None:
        async with limiter.turn(0, seconds):
            pass

    async with limiter.turn(0) as started:
        hasty = asyncio.create_task(patient_for(90))
        await asyncio.sleep(0)
        limiter.throttled(started, 600)
    with pytest.raises(Throttled) as problem:
        await hasty
    assert problem.value.until == START + timedelta(seconds=600)
    assert clock.passed == 0
    await patient_for(3600)
    assert clock.passed == 600


async def test_a_target_that_stayed_away_is_left_alone_and_then_tried_again(
    clock: QuickClock,
) -> None:
    gate = Gate(clock)
    limiter = Limiter(2, gate)
    limiter.stumbled(clock.seconds())
    clock.passed += 91
    limiter.stumbled(clock.seconds())
    with pytest.raises(Away):
        async with limiter.turn(0, 90):
            pass
    clock.passed += 16
    async with limiter.turn(0, 90):
        limiter.succeeded()
    async with limiter.turn(0, 90):
        pass
