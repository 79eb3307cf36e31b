"""`plumbline readiness`: what a pipeline asks of a served Plumbline, and how the answer is told."""

import ipaddress
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from app.errors import BadConfiguration, Unavailable

READY, COULD_NOT_TELL, BLOCKED = 0, 1, 2
"""The command's exit codes."""

TIMEOUT_SECONDS = 120.0
"""A large space takes its time to be judged."""

AGAIN = (429, 502, 503)
MOST_TRIES = 4
LONGEST_WAIT_SECONDS = 30

LISTS = {"blockers": "BLOCKER", "warnings": "WARNING", "unknown": "UNKNOWN"}
VERDICTS = {True: "Ready", False: "Blocked", None: "Could not tell"}
EXITS = {True: READY, False: BLOCKED, None: COULD_NOT_TELL}

WHY = {
    401: "the token is not accepted: it is unknown, revoked or expired. Make another one in the "
    "space's settings",
    404: "there is no such space or API for this token: it is good for one space alone",
    429: "it was asked too often. Try again in a moment",
    503: "it is not ready to answer. Try again in a moment",
}

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; the token stands in no message and in no representation."""

    url: str
    space: str
    origin: str
    target: str
    api: str | None
    token: str = field(repr=False)


def asked(question: Question) -> Answer:
    """Return the answer; raise one sentence about why there is none."""
    address = f"{_checked(question)}/api/spaces/{question.space}/readiness"
    wanted = {"from": question.origin, "to": question.target, "api_id": question.api}
    params = {name: value for name, value in wanted.items() if value is not None}
    headers = {"Authorization": f"Bearer {question.token}", "Accept": "application/json"}
    try:
        answer = _answered(address, params, headers)
    except httpx.TimeoutException:
        raise Unavailable(f"{question.url} took too long to answer") from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        raise Unavailable(f"{question.url} cannot be reached") from None
    return _understood(question.url, answer)


def _answered(
    address: str, params: Mapping[str, str], headers: Mapping[str, str]
) -> httpx.Response:
    """Return the answer; one that says when to ask again is asked again, a few times."""
    for _ in range(MOST_TRIES - 1):
        answer = httpx.get(address, params=params, headers=headers, timeout=TIMEOUT_SECONDS)
        wait = answer.headers.get("retry-after", "")
        if answer.status_code not in AGAIN or not (wait.isascii() and wait.isdigit()):
            return answer
        time.sleep(min(int(wait), LONGEST_WAIT_SECONDS))
    return httpx.get(address, params=params, headers=headers, timeout=TIMEOUT_SECONDS)


def lines(answer: Answer) -> Iterator[str]:
    """Yield the answer as a person reads it in a pipeline's log, the worst first."""
    counts = answer["counts"]
    where = f"{_name(answer['from'])} to {_name(answer['to'])}"
    yield plain(f"{VERDICTS[answer['ready']]}: {where}, {_counted(answer['apis'], 'API')}")
    if answer["sync"]:
        yield plain(f"As read by the sync that finished at {answer['sync']['finished_at']}")
    for name, word in LISTS.items():
        for point in answer[name]:
            about = f"{point['api_name']}: " if point["api_name"] else ""
            yield plain(f"  {word}  {about}{point['sentence']}")
        if more := counts[name] - len(answer[name]):
            yield f"  {word}  and {more} more"


def as_json(answer: Answer) -> str:
    """Return the answer as it came, in a form that no pipeline takes for a command of its own."""
    return json.dumps(answer, indent=2).replace("##", "#\\u0023")


def problem(answer: Answer) -> str | None:
    """Return why nothing can be told, in one line, or None where something can."""
    if answer["ready"] is not None:
        return None
    first = answer["unknown"][0]["sentence"]
    more = answer["counts"]["unknown"] - 1
    return plain(f"could not tell: {first}" + (f", and {more} more" if more else ""))


def plain(text: str) -> str:
    """Return a text as one line that is no command: pipelines obey `##` and what controls."""
    return "".join(each if each.isprintable() else "?" for each in text).replace("##", "# #")


def _checked(question: Question) -> str:
    """Return the base of the address; a token leaves this machine encrypted or not at all."""
    if not question.token:
        raise BadConfiguration("PLUMBLINE_PIPELINE_TOKEN: the space's token must stand here")
    if not (
        question.token.isascii() and question.token.isprintable() and " " not in question.token
    ):
        raise BadConfiguration("PLUMBLINE_PIPELINE_TOKEN: this is no token")
    if not (question.space.isascii() and question.space.isdigit()):
        raise BadConfiguration("--space: the id of a space is a number")
    try:
        parts = urlsplit(question.url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise BadConfiguration("--url: this must be the https address of a Plumbline")
    if parts.query or parts.fragment:
        raise BadConfiguration("--url: this must be an address without a query")
    if parts.scheme == "http" and not _is_loopback(host):
        raise BadConfiguration("--url: this must begin with https, or the token could be read")
    return question.url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _understood(url: str, answer: httpx.Response) -> Answer:
    status = answer.status_code
    try:
        said = answer.json()
    except ValueError:
        said = None
    if status == httpx.codes.OK and _is_readiness(said):
        whole: Answer = said
        return whole
    if status == httpx.codes.UNPROCESSABLE_ENTITY and isinstance(said, dict):
        raise Unavailable(plain(_fields(said)))
    if status in WHY:
        raise Unavailable(f"{url}: {WHY[status]}")
    raise Unavailable(f"{url} answered {status}, and not as a Plumbline does")


def _is_readiness(said: object) -> bool:
    if not isinstance(said, dict) or not {"ready", "counts", "sync", *LISTS} <= set(said):
        return False
    return said["ready"] in (True, False) or (said["ready"] is None and bool(said["unknown"]))


def _fields(said: Mapping[str, Any]) -> str:
    error = said.get("error")
    fields = error.get("fields") if isinstance(error, dict) else None
    if not isinstance(fields, dict):
        return "the question was not accepted"
    names = {"from": "--from", "to": "--to", "api_id": "--api"}
    return "; ".join(f"{names.get(name, name)}: {sentence}" for name, sentence in fields.items())


def _name(environment: Mapping[str, str] | None) -> str:
    return environment["name"] if environment else "an unknown environment"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
