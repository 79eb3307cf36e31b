"""Macros for PDF, Word and e-mail: the stored posture in Confluence's storage format."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Protocol, TypeVar

from app.exports import words
from app.exports.document import coordinates
from app.exports.evidence import ReadEnvironment, utc
from app.exports.rows import ApiRow, FindingRow
from app.exports.storage_markup import heading, items, link, paragraph, strong, table, text
from app.exports.storage_matrices import matrix_tables
from app.posture.coverage import unread_automated
from app.posture.model import Json, Matrix

Found = TypeVar("Found", bound=FindingRow)

MOST_ROWS = 50
TOP_FINDINGS = 5

NOT_AVAILABLE = "Not available here."
"""Said of a snapshot of another space or site, and of one that does not exist: the same words."""

NOTHING_CHOSEN = "No snapshot was taken yet."


class Display(StrEnum):
    """How much of one API a macro shows."""

    COMPACT = "compact"
    SUMMARY = "summary"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above a macro: a title, then names with texts; an empty text is left out.

    `link` is a text and an address of https that leads to more.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    link: tuple[str, str] | None = None


def open_first(findings: Iterable[Found]) -> list[Found]:
    """Return findings with those that are accepted behind the others, else in their order."""
    return sorted(findings, key=lambda row: row.accepted is not None)


class Day(Protocol):
    """A day of the trend."""

    @property
    def date(self) -> date:
        """The day, in UTC."""

    @property
    def verdicts(self) -> Mapping[str, int]:
        """APIs by verdict."""

    @property
    def severities(self) -> Mapping[str, int]:
        """Findings by severity."""


def sentence(said: str) -> str:
    """Return a macro that has nothing to show but a sentence."""
    return paragraph([text(said)])


def overview(
    head: Head,
    rows: Iterable[ApiRow],
    environments: Sequence[ReadEnvironment],
    *,
    total: int,
    summary: Mapping[str, int],
) -> str:
    """Return the overview: totals of the space, and the first rows of `total`."""
    shown = [item for item in environments if item.is_shown]
    told = [f"{word}: {summary[verdict]}" for verdict, (_, word) in words.VERDICTS.items()]
    heads = ["API", "Verdict", "What stands out", *(_column(item) for item in shown)]
    body = [_row(row, shown) for row in islice(rows, MOST_ROWS)]
    parts = [_head(head), paragraph([text(" · ".join(told))])]
    nothing = words.NO_MATCH if any(summary.values()) else words.NOTHING_KNOWN
    parts.append(table(heads, body) if body else sentence(nothing))
    if total > len(body):
        parts.append(sentence(f"The first {len(body)} of {total} APIs."))
    return "".join(parts)


def one_api(
    head: Head,
    row: ApiRow,
    findings: Sequence[FindingRow],
    environments: Sequence[ReadEnvironment],
    matrices: Iterable[Matrix],
    display: Display,
) -> str:
    """Return one API: its verdict, with more its environments and findings, in full its matrices."""
    parts = [_head(head), _verdict(row)]
    if display is Display.COMPACT:
        return "".join(parts)
    shown = [item for item in environments if item.is_shown]
    cells = [[strong(_column(item)), _cell(row.cells.get(item.id))] for item in shown]
    parts.append(table(["Environment", "What it holds"], cells))
    most = len(findings) if display is Display.FULL else TOP_FINDINGS
    parts.append(_findings(findings, most))
    if display is Display.FULL:
        unread = unread_automated(row.coverage)
        parts += [matrix_tables(matrix, unread) for matrix in matrices]
    return "".join(parts)


def trend(head: Head, days: Sequence[Day]) -> str:
    """Return the trend as a table: storage format has no charts; days without a sync are absent."""
    if not days:
        return _head(head) + sentence("No sync was published in this time.")
    severities, verdicts = list(words.SEVERITIES), words.VERDICTS
    heads = ["Day (UTC)", *severities, *(word for _, word in verdicts.values())]
    body = [
        [
            text(day.date.isoformat()),
            *(str(day.severities[name]) for name in severities),
            *(str(day.verdicts[name]) for name in verdicts),
        ]
        for day in days
    ]
    gap = sentence("A day without a published sync is left out: nothing is known of it.")
    return _head(head) + table(heads, body) + gap


def _head(head: Head) -> str:
    lines = [f"{strong(name)}: {text(said)}" for name, said in head.lines if said]
    more = [link(*head.link)] if head.link else []
    return heading(3, head.title) + paragraph([*lines, *more])


def _column(item: ReadEnvironment) -> str:
    return f"{item.name} (baseline)" if item.is_baseline else item.name


def _row(row: ApiRow, environments: Sequence[ReadEnvironment]) -> list[str]:
    where = coordinates(row.group_id, row.asset_id)
    return [
        f"{text(row.name)}<br/>{text(where)}",
        "<br/>".join([strong(words.VERDICTS[row.verdict][1]), *_counts(row)]),
        text(row.headline),
        *(_cell(row.cells.get(item.id)) for item in environments),
    ]


def _verdict(row: ApiRow) -> str:
    mark, word = words.VERDICTS[row.verdict]
    lines = [f"{mark} {strong(word)}: {text(row.headline)}", *_counts(row)]
    return paragraph([*lines, text(f"Coverage: {row.coverage['sentence']}")])


def _counts(row: ApiRow) -> list[str]:
    told = [f"{row.counts[name]} {name}" for name in words.SEVERITIES if row.counts[name]]
    told += [f"{row.accepted} accepted"] if row.accepted else []
    return [text(", ".join(told))] if told else []


def _cell(cell: Mapping[str, Json] | None) -> str:
    """Return what an environment holds; not deployed, none and not read never look alike."""
    if cell is None or cell["state"] == "not_deployed":
        return text(words.STATES["not_deployed"])
    lines = []
    if cell["state"] == "unreadable":
        lines = [strong(words.STATES["unreadable"]), text(cell["reason"] or "")]
    if cell["state"] == "deployed" or cell["policies"] is not None:
        lines += _facts(cell)
    lines += [strong("differs")] if cell["is_outlier"] else []
    return "<br/>".join(line for line in lines if line)


def _facts(cell: Mapping[str, Json]) -> list[str]:
    tiers = cell["tiers"]
    versions = [item["product_version"] for item in cell["instances"] if item["product_version"]]
    policies = words.count(cell["policies"], "policy", "policies")
    policies += f", {cell['switched_off']} switched off" if cell["switched_off"] else ""
    policies += f", {cell['automated']} automated" if cell["automated"] else ""
    named = words.STATES["unreadable"] if tiers is None else ", ".join(tiers) or "none"
    return [
        text(", ".join(versions)),
        text(policies),
        text(f"SLA tiers: {named}"),
        text(words.count(cell["contracts"], "approved contract", "approved contracts")),
    ]


def _remark(row: FindingRow) -> str:
    """Return what keeps a finding from being open now, '' for one that is."""
    accepted = f" {words.accepted(row.accepted)}" if row.accepted else ""
    unconfirmed = f" Last confirmed {utc(row.last_seen_at)}." if row.unconfirmed else ""
    return accepted + unconfirmed


def _findings(findings: Sequence[FindingRow], most: int) -> str:
    if not findings:
        return sentence("No finding is open.")
    lines = [
        f"{words.SEVERITIES[row.severity]} {strong(row.severity)}: {text(row.sentence)} "
        f"({text(row.rule)}){text(_remark(row))}"
        for row in open_first(findings)[:most]
    ]
    more = len(findings) - most
    return items(lines) + (sentence(f"{more} more in the space's posture tab.") if more > 0 else "")
