"""What the settings page shows of expected differences, exceptions and pipeline tokens."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.caller import AccountId
from app.posture import words as posture_words
from app.posture.model import Environment, Json
from app.posture.suggesting import Suggestion
from app.store.exceptions import ExceptionRow
from app.store.expected_differences import ExpectedRow
from app.store.findings import FindingRow
from app.store.pipeline_tokens import PipelineToken
from app.web import sentences
from app.web.judging import words as judging_words
from app.web.settings.audit_view import UNKNOWN

SOON = timedelta(days=14)
t = judging_words.TEXTS
Names = Mapping[AccountId, str]
Allowances = Mapping[str, Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class ExpectedShown:
    """One expected difference; `allowed` has an environment and its words on each line."""

    id: str
    policy: str
    path: str
    where: str
    allowed: Sequence[tuple[str, str]]
    note: str
    person: str
    made_at: datetime
    settles: str


@dataclass(frozen=True, slots=True)
class SuggestionShown:
    """One field of the starter set; `body` is what is posted when it is accepted."""

    policy: str
    path: str
    places: Sequence[tuple[str, Sequence[str], str]]  # environment, hosts seen, what is allowed
    apis: str
    settles: str
    body: str


@dataclass(frozen=True, slots=True)
class ExceptionShown:
    """One exception; `sentence` is empty where its finding is gone."""

    id: str
    sentence: str
    severity: str
    api: str
    reason: str
    note: str
    person: str
    made_at: datetime
    until: datetime
    state: str
    word: str
    is_soon: bool
    can_withdraw: bool


@dataclass(frozen=True, slots=True)
class TokenShown:
    """One pipeline token, without its text."""

    id: str
    name: str
    person: str
    made_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    is_expired: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of a list on the settings page, and which part of how many it is."""

    range_line: str = ""
    newer: int | None = None
    older: int | None = None


@dataclass(frozen=True, slots=True)
class JudgingView:
    """The three sections; `command` is what a pipeline runs."""

    expected: Sequence[ExpectedShown] = ()
    expected_part: Listed = field(default_factory=Listed)
    exceptions: Sequence[ExceptionShown] = ()
    exceptions_part: Listed = field(default_factory=Listed)
    has_ended: bool = False
    shows_ended: bool = False
    tokens: Sequence[TokenShown] = ()
    command: str = ""


def listed(page: int, size: int, shown: int, total: int, one: str, many: str = "") -> Listed:
    """Return which part of a list is shown; nothing is said of one that fits."""
    if total <= size:
        return Listed()
    first = (page - 1) * size
    line = f"{first + 1}–{first + shown} of {sentences.count(total, one, many or None)}"
    newer = page - 1 if page > 1 else None
    return Listed(line, newer, page + 1 if first + shown < total else None)


def person(names: Names, account_id: AccountId) -> str:
    """Return a person's present name."""
    return names.get(account_id) or UNKNOWN


def expected_shown(
    row: ExpectedRow,
    environments: Iterable[Environment],
    api_names: Mapping[str, str],
    names: Names,
    settles: int,
) -> ExpectedShown:
    """Return one expected difference in words."""
    where = api_names.get(row.api_id, t["gone_api"]) if row.api_id else t["every_api"]
    return ExpectedShown(
        id=row.id,
        policy=posture_words.policy(row.asset_id),
        path=row.path,
        where=where,
        allowed=allowed(row.allowances, environments),
        note=row.note,
        person=person(names, row.made_by),
        made_at=row.made_at,
        settles=settles_line(settles),
    )


def settles_line(number: int) -> str:
    """Say how many findings something settles."""
    return f"settles {sentences.count(number, 'finding')}" if number else t["settles_none"]


def allowed(allowances: Allowances, environments: Iterable[Environment]) -> list[tuple[str, str]]:
    """Return what each environment may hold; one that is no longer compared keeps its id."""
    names = {item.id: item.name for item in environments}
    ordered = [*(name for name in names if name in allowances), *allowances]
    return [(names.get(name, name), rule(allowances[name])) for name in dict.fromkeys(ordered)]


def rule(allowance: Mapping[str, Json]) -> str:
    """Return an allowance in words."""
    if allowance.get("any") is True:
        return judging_words.MODES["any"]
    if "matches" in allowance:
        return f"matches {allowance['matches']}"
    value = allowance.get("equals")
    if value is None:
        return str(t["not_set"])
    return _said(value)


def suggestion_shown(found: Suggestion, environments: Iterable[Environment]) -> SuggestionShown:
    """Return one field of the starter set: what was seen where, and what would be allowed."""
    seen = {name: [_said(value) for value in values] for name, values in found.seen.items()}
    rules = {name: dict(allowance) for name, allowance in found.allowances.items()}
    names = {item.id: item.name for item in environments}
    ordered = dict.fromkeys([*(name for name in names if name in rules), *rules])
    body = {"policy": found.asset_id, "path": found.path, "values": rules}
    return SuggestionShown(
        policy=posture_words.policy(found.asset_id),
        path=found.path,
        places=[(names.get(e, e), seen.get(e, []), rule(rules[e])) for e in ordered],
        apis=f"in {sentences.count(found.apis, 'API')}",
        settles=settles_line(found.settles),
        body=json.dumps(body),
    )


def _said(value: Json) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def token_shown(token: PipelineToken, names: Names, now: datetime) -> TokenShown:
    """Return one token as an administrator sees it."""
    return TokenShown(
        id=token.id,
        name=token.name,
        person=person(names, token.made_by),
        made_at=token.made_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        is_expired=token.expires_at is not None and token.expires_at <= now,
    )


def exception_shown(
    row: ExceptionRow, finding: FindingRow | None, api: str, names: Names, now: datetime
) -> ExceptionShown:
    """Return one exception in words; one whose finding is gone says so."""
    state = row.ended_why or ("in_force" if finding else "finding_gone")
    return ExceptionShown(
        id=row.id,
        sentence=finding.sentence if finding else "",
        severity=finding.severity if finding else "",
        api=api,
        reason=judging_words.REASONS.get(row.reason, row.reason),
        note=row.note,
        person=person(names, row.made_by),
        made_at=row.made_at,
        until=row.until,
        state=state,
        word=judging_words.STATES[state],
        is_soon=row.ended_at is None and row.until - now <= SOON,
        can_withdraw=row.ended_at is None,
    )


def command(base_url: str, space_id: str, origin: str, target: str) -> str:
    """Return the line that a pipeline runs; its token is in the environment."""
    words = ("--url", base_url, "--space", space_id, "--from", origin, "--to", target)
    return "plumbline readiness " + " ".join(map(shlex.quote, words))
