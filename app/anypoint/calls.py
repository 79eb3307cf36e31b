"""One question to Anypoint: asked in turn, asked again where that helps, answered or explained."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from app import metrics
from app.anypoint.answers import (
    TOO_MANY,
    is_worth_another_try,
    not_json,
    refusal,
    stated_wait,
)
from app.anypoint.auth import TokenAuth
from app.anypoint.errors import Away, BadAnswer, CouldNotRead, Throttled
from app.anypoint.limiter import Limiter, jittered
from app.anypoint.payloads import parsed
from app.anypoint.questions import Question

MAX_TRIES = 5
FIRST_BACKOFF_SECONDS = 0.25
MOST_BACKOFF_SECONDS = 4.0

SPARE_TRIES = 20
"""Tries that every connection has; beyond them half a try per call that it made."""


@dataclass(slots=True)
class Trouble:
    """What a question met so far."""

    stumbles: int = 0
    throttled_since: float | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A good answer's JSON value."""

    value: Any


class Calls:
    """All calls of one connection: the only place that meets the network's errors."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        auth: TokenAuth,
        limiter: Limiter,
        patience: float,
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._auth = auth
        self._limiter = limiter
        self._patience = patience
        # Requests are made without the client's own merging of addresses: half the price.
        self._headers = {**http.headers, "Accept": "application/json"}
        self.sent = 0
        self._made = 0
        self._repeated = 0

    async def json(self, question: Question) -> Any:
        """Return the JSON value of the answer; `CouldNotRead` says why there is none."""
        trouble = Trouble()
        self._made += 1
        while True:
            self.sent += 1
            async with self._limiter.turn(question.priority, self._patience) as started:
                outcome = await self._asked(question, started, trouble)
            if isinstance(outcome, Read):
                return outcome.value
            if outcome is not None:
                await self._back_off(trouble, outcome)

    async def _asked(
        self, question: Question, started: float, trouble: Trouble
    ) -> Read | CouldNotRead | None:
        """Return what was read, or a failure worth another try, or None when it was throttled."""
        try:
            response = await self._http.send(self._request(question), auth=self._auth)
        except (httpx.TransportError, httpx.DecodingError):
            metrics.UPSTREAM_CALLS.labels("anypoint", "none").inc()
            return self._stumble(started, Away("Anypoint did not answer in time, after all tries."))
        except httpx.RequestError:
            raise BadAnswer("Anypoint's answer is larger than any that is read.") from None
        if is_worth_another_try(response.status_code):
            return self._put_off(response, started, trouble)
        if response.status_code != httpx.codes.OK:
            raise refusal(response.status_code, question.subject, question.environment_id)
        try:
            value = parsed(response.content)
        except ValueError:
            return self._stumble(started, not_json(response.content))
        self._limiter.succeeded()
        return Read(value)

    def _request(self, question: Question) -> httpx.Request:
        headers = {**self._headers, **question.headers()}
        query = "&".join(f"{name}={value}" for name, value in question.parameters.items())
        url = f"{self._base_url}{question.path}"
        return httpx.Request("GET", f"{url}?{query}" if query else url, headers=headers)

    def _stumble(self, started: float, problem: CouldNotRead) -> CouldNotRead:
        self._limiter.stumbled(started)
        return problem

    def _put_off(
        self, response: httpx.Response, started: float, trouble: Trouble
    ) -> CouldNotRead | None:
        clock = self._limiter.clock
        wait = stated_wait(response.headers, clock.now())
        if wait is None and response.status_code != TOO_MANY:
            reason = f"Anypoint had trouble of its own (status {response.status_code})."
            return self._stumble(started, Away(reason))
        self._limiter.throttled(started, wait)
        if trouble.throttled_since is None:
            trouble.throttled_since = started
        if clock.seconds() - trouble.throttled_since > self._patience:
            raise Throttled(clock.now() + timedelta(seconds=self._limiter.gate.wait()))
        return None

    async def _back_off(self, trouble: Trouble, problem: CouldNotRead) -> None:
        trouble.stumbles += 1
        self._repeated += 1
        is_spent = self._repeated > SPARE_TRIES + self._made // 2
        if is_spent or trouble.stumbles >= MAX_TRIES:
            raise problem
        longest = FIRST_BACKOFF_SECONDS * 2.0 ** (trouble.stumbles - 1)
        await self._limiter.clock.sleep(jittered(min(MOST_BACKOFF_SECONDS, longest)))
