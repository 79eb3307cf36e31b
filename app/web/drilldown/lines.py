"""What a cell of the drilldown says of a policy, a tier or a contract, line by line."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from app.posture import words as posture_words
from app.posture.effective import AUTOMATED
from app.posture.model import Json, MatrixCell, SectionName
from app.web import sentences

STATUSES = ("approved", "pending", "revoked", "rejected")


NOUNS = {
    SectionName.POLICIES: ("policy", "policies"),
    SectionName.TIERS: ("SLA tier", "SLA tiers"),
    SectionName.CONTRACTS: ("application", "applications"),
}


def summary(
    section: SectionName, differing: int, total: int, *, order_differs: bool, unread: bool
) -> str:
    """Say how many rows of a section differ; what was not read is never said to be the same."""
    one, many = NOUNS[section]
    limit = " in what was read" if unread else ""
    if not total:
        return f"no {many}{limit}"
    all_of = sentences.count(total, one, many)
    if differing:
        verb = "differs" if differing == 1 else "differ"
        told = f"{sentences.number(differing)} of {all_of} {verb}"
        return f"{told}{', and the order' if order_differs else ''}{limit}"
    return f"{all_of}, {'in another order' if order_differs else 'no differences'}{limit}"


def order(stored: int | None, runs: int | None) -> str:
    """Say where a policy stands and where it runs; one that does not run has no place."""
    kept = "no stored order" if stored is None else f"stored order {stored}"
    if runs is None:
        return f"does not run, {kept}"
    return f"runs {ordinal(runs)}, {kept}"


def ordinal(number: int) -> str:
    """Return a place: "1st", "2nd", "11th"."""
    teens = 10 < number % 100 < 14
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def day(text: str) -> str:
    """Return a time's day as "30 Jun 2025"; what is no time stays as it is."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{time.day} {time:%b %Y}"


def statuses(words: Sequence[str]) -> str:
    """Count contracts by status, the usual ones first; none where there is none."""
    counts = Counter(words)
    ordered = [word for word in STATUSES if word in counts]
    ordered += sorted(word for word in counts if word not in STATUSES)
    return ", ".join(f"{sentences.number(counts[word])} {word}" for word in ordered) or "none"


Facts = Mapping[str, Json]


def _policy_lines(facts: Facts, cell: MatrixCell) -> Iterator[tuple[str, str]]:
    yield ("off" if facts["state"] != "on" else "on"), str(facts["state"])
    yield "version", str(facts["version"] or "no version")
    yield "order", order(facts["order"], facts["position"])
    if facts["applies to"] != posture_words.WHOLE_API:
        yield "scope", f"only {facts['applies to']}"
    if facts["label"]:
        yield "label", f"label {facts['label']}"
    yield "summary", cell.summary


def _tier_lines(facts: Facts, cell: MatrixCell) -> Iterator[tuple[str, str]]:
    yield "summary", cell.summary
    yield (
        "approval",
        f"approved {'automatically' if facts['approval'] == 'automatic' else 'by hand'}",
    )
    yield "status", str(facts["status"] or "no status").lower()


def _contract_lines(facts: Facts, _cell: MatrixCell) -> Iterator[tuple[str, str]]:
    yield "status", str(facts["status"]).lower()
    yield "tier", str(facts["tier"])
    if facts["requested tier"] and facts["requested tier"] != facts["tier"]:
        yield "requested", f"asks for {facts['requested tier']}"
    if facts["approved at"]:
        yield "date", "approved on " + day(str(facts["approved at"]))
    yield "application", str(facts["application"])


LINES = {
    SectionName.POLICIES: _policy_lines,
    SectionName.TIERS: _tier_lines,
    SectionName.CONTRACTS: _contract_lines,
}
COMPARED = frozenset({"on", "off", "version", "scope", "limits", "approval", "status", "tier"})


def _policy_total(facts: list[Facts]) -> str:
    own = [each for each in facts if each["source"] != AUTOMATED]
    off = sum(each["state"] != "on" for each in own)
    return sentences.policies(len(own), off, len(facts) - len(own))


def _tier_total(facts: list[Facts]) -> str:
    return sentences.count(len(facts), "tier") if facts else "none"


def _contract_total(facts: list[Facts]) -> str:
    return statuses([str(each["status"]).lower() for each in facts])


TOTALS = {
    SectionName.POLICIES: _policy_total,
    SectionName.TIERS: _tier_total,
    SectionName.CONTRACTS: _contract_total,
}
