"""What can be made to go wrong at the Anypoint stand-in, as it goes wrong at Anypoint."""

import re
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import orjson

from sandbox.estate_model import Estate

SCOPES = {
    "View Organization": r"^/accounts/api/organizations/[^/]+$",
    "View Environment": r"/organizations/[^/]+/environments$",
    "View APIs Configuration": r"/environments/[^/]+/apis$",
    "View Policies": r"/(policies|automated-policies)$",
    "View Contracts": r"/(tiers|contracts)$",
}
"""Scope by its name in the UI to the paths that need it."""

HTML = b"<!doctype html><html><body><h1>Service unavailable</h1></body></html>"
LISTS = ("assets", "tiers", "contracts", "automatedPolicies", "data")


@dataclass
class Response:
    """An answer on its way out; `length` is what is announced, if not the truth."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    delay_ms: float = 0


@dataclass
class Fault:
    """Something that goes wrong on matching paths, `times` times or always.

    `action` is one of: `status` (with `status`, `headers`, `body`), `html`, `truncate`, `reset`,
    `empty`, `null`, `cut` (a list loses its last row), `delay` (`delay_ms`).
    """

    action: str
    path: str = ""
    environment: str | None = None
    times: int | None = None
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    delay_ms: float = 0

    def matches(self, target: str) -> bool:
        """Tell whether it still goes wrong for this path and query."""
        here = self.environment is None or self.environment in target
        return self.times != 0 and here and re.search(self.path, target) is not None

    def spoil(self, answer: Response) -> Response:
        """Return the answer gone wrong."""
        if self.times is not None:
            self.times -= 1
        match self.action:
            case "status":
                return Response(self.status, self.body.encode(), dict(self.headers))
            case "html":
                return Response(200, HTML, {"content-type": "text/html"})
            case "truncate":
                answer.body = answer.body[: len(answer.body) // 2]
            case "reset":
                answer.length = len(answer.body)
                answer.body = answer.body[: len(answer.body) // 2]
            case "empty":
                answer.body = b""
            case "null":
                answer.body = b"null"
            case "cut":
                answer.body = _cut(answer.body)
            case "delay":
                answer.delay_ms = self.delay_ms
            case _:
                raise ValueError(f"no such fault: {self.action}")
        return answer


def _cut(body: bytes) -> bytes:
    value = orjson.loads(body)
    for key in LISTS:
        if isinstance(value, dict) and value.get(key):
            value[key].pop()
    return orjson.dumps(value)


@dataclass
class RateLimit:
    """So many calls in so many seconds; the rest is told to wait, in one of Anypoint's ways."""

    calls: int
    seconds: float = 1.0
    status: int = 429
    header: str = "retry-after"  # or: reset, none
    _since: float = 0.0
    _count: int = 0

    def refusal(self) -> Response | None:
        """Return the answer of a call too many, or None for one within the limit."""
        now = time.time()
        if now - self._since >= self.seconds:
            self._since, self._count = now, 0
        self._count += 1
        if self._count <= self.calls:
            return None
        left = self._since + self.seconds - now
        return Response(self.status, b"", self._headers(now, left))

    def _headers(self, now: float, left: float) -> dict[str, str]:
        if self.header == "retry-after":
            return {"Retry-After": str(max(1, round(left)))}
        if self.header == "reset":
            reset = str(int(now + max(1, left)))
            return {"X-RateLimit-Reset": reset, "Date": formatdate(now, usegmt=True)}
        return {}


class Trouble:
    """All that is set to go wrong."""

    def __init__(self, estate: Estate) -> None:
        self._ids = {item.name: item.id for item in estate.environments}
        self.faults: list[Fault] = []
        self.rate_limit: RateLimit | None = None

    def add(self, described: dict[str, Any]) -> None:
        """Add a fault; its environment may be given by name."""
        fault = Fault(**described)
        fault.environment = self._ids.get(fault.environment or "", fault.environment)
        self.faults.append(fault)

    def forbid(self, scope: str, environment: str | None = None) -> None:
        """Take a scope away, for one environment or for all."""
        body = '{"status":403,"message":"Unauthorized","details":{}}'
        self.add(
            {
                "action": "status",
                "status": 403,
                "body": body,
                "path": SCOPES[scope].replace("$", r"(\?|$)"),
                "environment": environment,
            }
        )

    def clear(self) -> None:
        """Let everything go well again."""
        self.faults.clear()
        self.rate_limit = None

    def spoil(self, target: str, answer: Response) -> Response:
        """Return the answer as it leaves, whole or not."""
        limited = self.rate_limit.refusal() if self.rate_limit else None
        if limited:
            return limited
        for fault in self.faults:
            if fault.matches(target):
                answer = fault.spoil(answer)
        return answer
