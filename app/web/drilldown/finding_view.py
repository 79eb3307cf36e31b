"""One finding as the drilldown shows it, with what an administrator said about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.caller import AccountId
from app.store.exceptions import ExceptionRow
from app.store.findings import FindingRow
from app.web import words
from app.web.drilldown.columns import ColumnShown
from app.web.drilldown.rule_words import WHY
from app.web.judging import words as judging_words
from app.web.settings.audit_view import UNKNOWN


@dataclass(frozen=True, slots=True)
class AcceptedShown:
    """The exception in force."""

    exception_id: str
    reason: str
    note: str
    person: str
    until: datetime


@dataclass(frozen=True, slots=True)
class EarlierShown:
    """An exception that is over, and why."""

    reason: str
    note: str
    person: str
    made_at: datetime
    ended_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class FindingShown:
    """One finding: what, why it matters, since when, where to look, and what was said of it.

    `expectable` is what *Expect this difference* is filled in with; empty where it is not offered.
    """

    fingerprint: str
    severity: str
    sentence: str
    kind: str
    direction: str
    rule: str
    why: str
    owasp: str
    first_seen_at: datetime
    last_seen_at: datetime
    is_unconfirmed: bool
    links: Sequence[tuple[str, str]]  # an environment, and its instance in API Manager
    accepted: AcceptedShown | None = None
    earlier: Sequence[EarlierShown] = ()
    expectable: str = ""


def clause(note: str) -> str:
    """Return a note as it goes on in a sentence of ours: without its own full stop."""
    return note.rstrip(". ")


@dataclass(frozen=True, slots=True)
class Said:
    """What was ever accepted of some findings by fingerprint, and what the people are called."""

    exceptions: Mapping[str, Sequence[ExceptionRow]] = field(default_factory=dict)
    names: Mapping[AccountId, str] = field(default_factory=dict)

    def person(self, account_id: AccountId) -> str:
        """Return a person's present name."""
        return self.names.get(account_id) or UNKNOWN

    def accepted(self, row: FindingRow, now: datetime) -> AcceptedShown | None:
        """Return the exception in force for a finding with just these values, or None."""
        for each in self._of(row):
            is_over = each.ended_at is not None or each.until <= now
            if not is_over and each.values_digest == row.values_digest:
                person = self.person(each.made_by)
                reason = judging_words.REASONS.get(each.reason, each.reason)
                return AcceptedShown(each.id, reason, clause(each.note), person, each.until)
        return None

    def earlier(self, row: FindingRow) -> list[EarlierShown]:
        """Return the exceptions of a finding that are over, the newest first."""
        return [
            EarlierShown(
                reason=judging_words.REASONS.get(each.reason, each.reason),
                note=clause(each.note),
                person=self.person(each.made_by),
                made_at=each.made_at,
                ended_at=each.ended_at,
                why=judging_words.ENDS.get(each.ended_why or "", ""),
            )
            for each in self._of(row)
            if each.ended_at is not None
        ]

    def _of(self, row: FindingRow) -> Iterable[ExceptionRow]:
        return self.exceptions.get(row.fingerprint, ())


def finding_shown(
    row: FindingRow, found: Sequence[ColumnShown], said: Said, now: datetime, expectable: str = ""
) -> FindingShown:
    """Return a finding with links to where it differs."""
    places = set(row.outliers or row.values)
    return FindingShown(
        fingerprint=row.fingerprint,
        severity=row.severity,
        sentence=row.sentence,
        kind=words.KINDS.get(row.kind, row.kind),
        direction="" if row.direction == "neutral" else row.direction,
        rule=row.rule,
        why=WHY.get(row.rule, ""),
        owasp=row.owasp,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        is_unconfirmed=row.unconfirmed,
        links=[(c.title, c.url) for c in found if c.environment_id in places and c.url],
        accepted=said.accepted(row, now),
        earlier=said.earlier(row),
        expectable=expectable,
    )
