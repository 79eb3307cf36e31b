"""What an HTTP answer of Anypoint means, and how long it asks us to wait."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from app.anypoint.errors import BadAnswer, CouldNotRead, Gone, NotAllowed, TokenRefused
from app.errors import AppError

TOO_MANY = 429
LONGEST_SENSIBLE_WAIT = 24 * 3600
RETRIED_CLIENT_ERRORS = frozenset({408, 409, 425, TOO_MANY})


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked for: its name in a sentence, and the scope that it needs in Anypoint's UI."""

    noun: str
    scope: str


ORGANIZATION = Subject("the organisation", "View Organization")
ENVIRONMENTS = Subject("environments", "View Environment")
APIS = Subject("APIs", "View APIs Configuration")
POLICIES = Subject("policies", "View Policies")
TIERS = Subject("SLA tiers", "View Contracts")
CONTRACTS = Subject("contracts", "View Contracts")


def is_worth_another_try(status: int) -> bool:
    """Tell whether the same question may get another answer later."""
    return status >= httpx.codes.INTERNAL_SERVER_ERROR or status in RETRIED_CLIENT_ERRORS


def refusal(status: int, subject: Subject, environment_id: str | None) -> AppError:
    """Return the error of an answer that is final and not a good one; bodies say nothing sure."""
    if status == httpx.codes.UNAUTHORIZED:
        return TokenRefused()
    if status == httpx.codes.FORBIDDEN:
        return NotAllowed(subject.noun, subject.scope, environment_id)
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        return Gone(f"Anypoint says that {subject.noun} asked for are not there any more.")
    return BadAnswer(f"Anypoint did not accept the question for {subject.noun} (status {status}).")


def not_json(body: bytes) -> CouldNotRead:
    """Return the error of a good status with a body that is not whole JSON."""
    if body.lstrip()[:1] in (b"{", b"["):
        return BadAnswer("Anypoint's answer broke off in the middle.")
    if body.lstrip()[:1] == b"<":
        return BadAnswer("Anypoint sent a web page where data was expected.")
    return BadAnswer("Anypoint sent something that is not data.")


def stated_wait(headers: httpx.Headers, now: datetime) -> float | None:
    """Return the seconds that an answer asks to wait; None if it does not say, or nonsense.

    A reset time is read against the answer's own date: the two clocks may differ.
    """
    server_now = _date(headers.get("Date", "")) or now
    asked = headers.get("Retry-After", "").strip()
    candidates = (
        _seconds(asked),
        _until(_date(asked), server_now),
        _until(_epoch(headers.get("X-RateLimit-Reset", "")), server_now),
    )
    return next((wait for wait in candidates if wait is not None), None)


def _seconds(value: str) -> float | None:
    return _sensible(int(value)) if _is_number(value) else None


def _until(moment: datetime | None, now: datetime) -> float | None:
    return _sensible((moment - now).total_seconds()) if moment else None


def _sensible(seconds: float) -> float | None:
    return seconds if 0 < seconds <= LONGEST_SENSIBLE_WAIT else None


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 12


def _epoch(value: str) -> datetime | None:
    if not _is_number(value.strip()):
        return None
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError):
        return None


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
