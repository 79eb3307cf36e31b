"""Anypoint at the wire: the stand-in served in process, or answers written by hand."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.anypoint.auth import Credentials
from app.anypoint.client import AnypointClient
from app.anypoint.limiter import Clock, Gate, Limiter
from app.posture.model import Environment
from sandbox.anypoint import create_app
from sandbox.estate import build
from sandbox.estate_model import Estate

KEY = b"a key of thirty-two bytes, invented"
TEST = Environment("env-1", "Test", "sandbox")
START = datetime(2026, 11, 25, 12, tzinfo=UTC)


PAUSE_SECONDS = 0.002
"""How long the clock waits for the calls under way before it jumps to the next appointment."""


class QuickClock(Clock):
    """A clock that jumps from one appointment to the next, so that waiting costs no time."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._appointments: list[tuple[float, int, Callable[[], None]]] = []
        self._made = 0

    def seconds(self) -> float:
        return 1000.0 + self.passed

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    async def sleep(self, seconds: float) -> None:
        done = asyncio.Event()
        self._appoint(seconds, done.set)
        await done.wait()

    def call_later(self, seconds: float, then: Callable[[], None]) -> asyncio.TimerHandle:
        self._appoint(seconds, then)
        return asyncio.get_running_loop().call_later(0, lambda: None)

    def _appoint(self, seconds: float, then: Callable[[], None]) -> None:
        self._made += 1
        heapq.heappush(self._appointments, (self.passed + seconds, self._made, then))
        asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._jump)

    def _jump(self) -> None:
        at, _, then = heapq.heappop(self._appointments)
        self.passed = max(self.passed, at)
        then()


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@dataclass
class Anypoint:
    """The stand-in with a client that reads it."""

    estate: Estate
    clock: QuickClock
    limit: int = 16
    asked: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = create_app(self.estate)
        self.control = self.app.control
        self.limiter = Limiter(self.limit, Gate(self.clock))
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), event_hooks={"request": [self._note]}
        )
        self.client = self.signed_in(self.estate.client_secret)
        self.organization_id = self.estate.organization_id

    def signed_in(self, secret: str) -> AnypointClient:
        credentials = Credentials(self.estate.client_id, secret)
        return AnypointClient(
            self.http,
            "http://anypoint.test",
            credentials,
            limiter=self.limiter,
            fingerprint_key=KEY,
        )

    async def _note(self, request: httpx.Request) -> None:
        self.asked.append(request)

    def environment(self, name: str) -> Environment:
        found = next(item for item in self.estate.environments if item.name == name)
        return Environment(found.id, found.name, found.type)

    def set_up(self, **wish: Any) -> None:
        self.control.post(wish)

    async def instances(self, environment: Environment) -> list[Any]:
        pages = self.client.instances(self.organization_id, environment)
        return [item async for page in pages for item in page]


@pytest.fixture
async def anypoint(clock: QuickClock) -> AsyncIterator[Anypoint]:
    made = Anypoint(build(1, 14), clock)
    async with made.http:
        yield made


@dataclass
class ByHand:
    """A client of answers written by hand: the path's end to one answer, or one after another."""

    clock: QuickClock
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.client = AnypointClient(
            http,
            "http://anypoint.test",
            Credentials("id", "secret"),
            limiter=Limiter(4, Gate(self.clock)),
            fingerprint_key=KEY,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        end = next((key for key in self.answers if path.endswith(key)), None)
        if end is None and path.endswith("token"):
            return httpx.Response(200, json={"access_token": "t"})
        answer = self.answers[end or path]
        if isinstance(answer, list) and answer and isinstance(answer[0], httpx.Response):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def times(self, end: str) -> int:
        return sum(request.url.path.endswith(end) for request in self.asked)

    async def instances(self) -> list[Any]:
        return [item async for page in self.client.instances("org", TEST) for item in page]


@pytest.fixture
def by_hand(clock: QuickClock) -> ByHand:
    return ByHand(clock)
