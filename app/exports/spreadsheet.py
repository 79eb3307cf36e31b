"""The CSV exports: their columns, which are never reordered, and what a cell may begin with."""

import re
from collections.abc import Iterable, Mapping

EVIDENCE_COLUMNS = (
    "site",
    "space_id",
    "space_key",
    "space_name",
    "control_plane",
    "organization_id",
    "organization_name",
    "sync_id",
    "sync_finished_at",
    "environments_read_at",
    "baseline",
    "filters",
    "taken_by",
    "taken_at",
    "app_version",
    "population",
    "row_count",
    "sha256",
)
"""What is the same in every row; a later release may add columns behind these."""

POSTURE_ROW = (
    "name",
    "group_id",
    "asset_id",
    "verdict",
    "headline",
    "environment",
    "state",
    "product_versions",
    "asset_versions",
    "instance_ids",
    "policies",
    "tiers",
    "contracts",
    "critical",
    "high",
    "medium",
    "low",
    "info",
    "accepted",
    "not_read",
    "differs",
    "policies_switched_off",
    "automated_policies",
    "tier_count",
    "instance_labels",
    "instance_statuses",
    "coverage",
    "api_id",
    "environment_id",
    "environment_type",
    "environment_outcome",
    "environment_read_at",
)
POSTURE_COLUMNS = POSTURE_ROW + EVIDENCE_COLUMNS
"""One row per API and environment."""

FINDING_ROW = (
    "severity",
    "name",
    "group_id",
    "asset_id",
    "sentence",
    "kind",
    "rule",
    "owasp",
    "direction",
    "subject",
    "path",
    "paths",
    "outliers",
    "values",
    "first_seen_at",
    "last_seen_at",
    "is_confirmed",
    "fingerprint",
    "api_id",
    "accepted_reason",
    "accepted_until",
    "accepted_by",
    "accepted_note",
)
FINDING_COLUMNS = FINDING_ROW + EVIDENCE_COLUMNS
"""One row per finding."""

END_OF_LINE = "\r\n"

SPACES = "\x01-\x08\n-\x0c\x0e- \x7f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff"
"""What a spreadsheet may skip before a formula: spaces, line breaks and invisible marks."""

FORMULA = f"^[{SPACES}]*[=+@\t\r\uff1d\uff0b\uff20\uff0d\u2212-]"
"""A cell that a spreadsheet may run; the pattern means the same to Python and to Postgres."""

_FORMULA = re.compile(FORMULA)
_QUOTED = re.compile('[",\r\n]')


def neutralised(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet might take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def header(columns: Iterable[str]) -> str:
    """Return the first line of a table: the names of its columns."""
    return line(columns)


def end_of_row(evidence: Mapping[str, str]) -> str:
    """Return what stands at the end of every row, line break included: the evidence, neutralised."""
    return "," + line(neutralised(evidence[name]) for name in EVIDENCE_COLUMNS)


def line(cells: Iterable[str]) -> str:
    """Return one record as RFC 4180 has it."""
    return ",".join(map(_cell, cells)) + END_OF_LINE


def _cell(text: str) -> str:
    if not _QUOTED.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
