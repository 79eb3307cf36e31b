"""The three sections of the drilldown as plain rows: mappings, which the template reads fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from app.posture import words as posture_words
from app.posture.model import CellState, Matrix, MatrixCell, MatrixRow, SectionName
from app.posture.policy_matrix import is_automated
from app.store.findings import FindingRow
from app.web import sentences
from app.web.drilldown.columns import ColumnGroup, ColumnShown
from app.web.drilldown.lines import COMPARED, LINES, TOTALS
from app.web.drilldown.values import FieldShown, field_shown

PAGE = 50
"""Rows of a section that are shown at once; policies are never so many."""

MARK = " (automated)"


class CellShown(TypedDict):
    """A column of a row; `state` is held, missing, unread, not_deployed or other."""

    state: str
    label: str
    lines: list[tuple[str, str]]  # what kind of line, and its text
    is_known: bool  # only last known
    differs: bool


class RowShown(TypedDict):
    """A subject over all columns."""

    key: str
    name: str
    code: str
    lane: str
    automated: bool
    differs: bool
    cells: list[CellShown]
    fields: list[FieldShown]
    same_fields: int
    expand: str
    counts: bool  # as a difference of this API


class TotalShown(TypedDict):
    """What a column holds in all."""

    state: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of a section: all or those that differ, by a word in the name, which page."""

    show_all: bool = False
    search: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class SectionShown:
    """One section; `is_whole` when all its rows are here, and the rest is up to the page."""

    name: str
    groups: Sequence[ColumnGroup]
    columns: Sequence[ColumnShown]
    totals: Sequence[TotalShown]
    rows: Sequence[RowShown]
    total: int
    differing: int
    line: str
    is_whole: bool
    is_alone: bool
    is_too_little: bool
    found: int = 0
    page: int = 1
    pages: int = 1
    wanted: Wanted = field(default_factory=Wanted)
    notes: Sequence[str] = ()


def name_of(row: MatrixRow) -> tuple[str, str]:
    """Return a row's subject without its lane, and the lane; it is empty for the main one."""
    subject, _, lane = row.subject.partition(" @ ")
    return subject.removesuffix(MARK), lane


class Rows:
    """The rows of one section as shown, over its columns."""

    def __init__(
        self,
        matrix: Matrix,
        columns: Sequence[ColumnShown],
        automated: Sequence[FindingRow] = (),
        unread_automated: Mapping[str, str] | None = None,
    ) -> None:
        self.matrix = matrix
        self.columns = columns
        self._unread_automated = unread_automated or {}
        self._automated = {f.subject: f for f in automated if f.subject}
        self._lanes = _lanes(matrix, columns)

    def shown(self, row: MatrixRow) -> RowShown:
        """Return a row with everything that is shown of it."""
        subject, lane = name_of(row)
        is_policy = self.matrix.section is SectionName.POLICIES
        automated = is_policy and is_automated(row)
        finding = self._automated.get(subject) if automated else None
        marked = set(finding.outliers or finding.values) if finding else set()
        cells = [
            self._cell(column, cell, automated, lane, index, column.environment_id in marked)
            for index, (column, cell) in enumerate(zip(self.columns, row.cells, strict=True))
        ]
        _mark_facts(cells)
        held = [cell is not None and cell.facts is not None for cell in row.cells]
        paths = set(finding.paths) if finding else set()
        fields = [
            field_shown(each, held, differs=each.differs or each.path in paths)
            for each in row.fields
        ]
        same = sum(not each["differs"] for each in fields)
        return {
            "key": row.subject,
            "name": posture_words.policy(subject) if is_policy else subject,
            "code": subject if is_policy else "",
            "lane": lane,
            "automated": automated,
            "differs": row.differs or finding is not None,
            "cells": cells,
            "fields": sorted(fields, key=lambda each: not each["differs"]),
            "same_fields": same,
            "expand": sentences.count(same, f"{'more ' if same < len(fields) else ''}setting"),
            "counts": row.differs,
        }

    def _cell(
        self,
        column: ColumnShown,
        cell: MatrixCell | None,
        automated: bool,
        lane: str,
        index: int,
        is_marked: bool,
    ) -> CellShown:
        state = self._state(column, cell, automated, lane, index)
        facts = cell.facts if cell is not None else None
        return {
            "state": state,
            "label": column.title,
            "lines": list(LINES[self.matrix.section](facts, cell)) if facts and cell else [],
            "is_known": column.is_unread and facts is not None and not automated,
            # What was not read is unknown: it is never marked as another value.
            "differs": state in {"held", "missing"}
            and not column.is_unread
            and (is_marked or bool(cell and cell.differs)),
        }

    def _state(
        self, column: ColumnShown, cell: MatrixCell | None, automated: bool, lane: str, index: int
    ) -> str:
        if column.state == CellState.NOT_DEPLOYED:
            return "not_deployed"
        if cell is not None and cell.facts is not None:
            return "held"
        if column.is_unread or (automated and column.environment_id in self._unread_automated):
            return "unread"
        return "missing" if cell is not None or index in self._lanes.get(lane, ()) else "other"

    def totals(self) -> list[TotalShown]:
        """Return what each column holds in all."""
        return [self._total(index, column) for index, column in enumerate(self.columns)]

    def _total(self, index: int, column: ColumnShown) -> TotalShown:
        if column.state == CellState.NOT_DEPLOYED:
            return {"state": "not_deployed", "label": column.title, "text": ""}
        held = [row.cells[index] for row in self.matrix.rows]
        facts = [cell.facts for cell in held if cell is not None and cell.facts is not None]
        state = "unread" if column.is_unread else "held"
        text = TOTALS[self.matrix.section](facts)
        # None that were read once are last known to be none; only without a time was it never read.
        if column.is_unread and not facts and column.since is None:
            text = ""
        return {"state": state, "label": column.title, "text": text}


def _lanes(matrix: Matrix, columns: Sequence[ColumnShown]) -> dict[str, set[int]]:
    """Return the columns of each lane: those in which some row of it has a cell."""
    environments = [column.environment_id for column in columns]
    if len(set(environments)) == len(environments):
        return {"": set(range(len(columns)))}
    found: dict[str, set[int]] = {}
    for row in matrix.rows:
        held = {index for index, cell in enumerate(row.cells) if cell is not None}
        found.setdefault(name_of(row)[1], set()).update(held)
    return found


def _mark_facts(cells: list[CellShown]) -> None:
    """Name the lines `… differs` that a marked cell does not share with the others."""
    said = [dict.fromkeys(cell["lines"]) for cell in cells if cell["state"] == "held"]
    for cell in cells:
        if cell["differs"]:
            cell["lines"] = [
                (f"{kind} odd", text)
                if kind in COMPARED and any((kind, text) not in other for other in said)
                else (kind, text)
                for kind, text in cell["lines"]
            ]
