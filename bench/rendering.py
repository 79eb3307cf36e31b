"""Rendering the hot table against the floor of any rendering: goal 9.

The floor is `%` with C escaping. Its patterns are taken from the template itself, one for each shape
of a row, so that both give the very same text. Run by `make bench`, or alone:
`python -m bench.rendering --json out.json`.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import escape

from app.posture.assessment import assess_api
from app.posture.model import ApiPosture
from app.store.posture_rows import Filter
from app.web import words
from app.web.posture.heads import heads
from app.web.posture.table import environment_cell
from app.web.rendering import templates
from bench.comparison import ENVIRONMENTS, RawApi, estate, lazy, scope
from bench.harness import Line, side_by_side

SIZES = (50, 1000)
ROUNDS = 15
GOAL = 2.0
CHANGED = datetime(2026, 11, 20, 6, tzinfo=UTC)
TABLE = "posture/_table.html"
BODY = '<tbody role="rowgroup">'
PLAIN = frozenset({"verdict", "state", "is_outlier", "changed_at"})
"""What decides how a row looks is part of its shape; all else is filled in."""

MARK = re.compile("\x02([0-9]+)\x03")


# ── The rows ─────────────────────────────────────────────────────────────────────────────────


def rows(count: int) -> list[dict[str, Any]]:
    """Return rows as the tab shows them, of an estate of which a fifth differs somewhere."""
    over = scope()
    return [_row(assess_api(over, lazy(*raw)), raw) for raw in estate(count)]


def _row(posture: ApiPosture, raw: RawApi) -> dict[str, Any]:
    open_ones = [finding.severity.value for finding in posture.findings]
    counts = [(each, open_ones.count(each)) for each in words.SEVERITIES]
    return {
        "id": f"00000000-0000-4000-8000-{raw[0].split('-')[1]:0>12}",
        "name": posture.name,
        "coordinates": f"Sales & Billing/{posture.asset_id}",
        "headline": posture.headline,
        "verdict": posture.verdict.value,
        "word": words.VERDICTS[posture.verdict],
        "severities": [(severity, f"{number} {severity}") for severity, number in counts if number],
        "accepted": "",
        "changed_at": CHANGED,
        "cells": [
            environment_cell(each.name, each.type, asdict(posture.cells[each.id]), ())
            for each in ENVIRONMENTS
        ],
    }


class View:
    """What the template of the table reads."""

    columns = ()

    def __init__(self, shown: Sequence[Any]) -> None:
        self.rows = shown
        self.heads = heads(Filter())


def rendered(shown: Sequence[Any]) -> str:
    """Return the table as the product renders it."""
    return templates().get_template(TABLE).render(view=View(shown))


# ── The floor ────────────────────────────────────────────────────────────────────────────────


class Floor:
    """The same table by `%`: a pattern and its values for every row, and what stands around."""

    def __init__(self, shown: Sequence[Any]) -> None:
        self.patterns: dict[object, tuple[str, list[int]]] = {}
        self.filled = [self._prepared(row) for row in shown]
        self.head, self.tail = _around(rendered([]))

    def _prepared(self, row: dict[str, Any]) -> tuple[str, list[str]]:
        shape = _mapped(row, bool)
        key = repr(shape)
        if key not in self.patterns:
            numbers = iter(range(10_000))
            marked = _mapped(row, lambda text: text and f"\x02{next(numbers)}\x03")
            self.patterns[key] = _pattern(_inside(rendered([marked])))
        pattern, order = self.patterns[key]
        texts: list[str] = []
        _mapped(row, texts.append)
        given = [text for text in texts if text]
        return pattern, [given[number] for number in order]

    def rendered(self) -> str:
        """Return the table."""
        rows = [pattern % tuple(map(escape, values)) for pattern, values in self.filled]
        return "".join([self.head, *rows, self.tail])


def _mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """Return a row with every text changed that is neither empty nor part of its shape."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {k: v if k in PLAIN else _mapped(v, change) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value


def _pattern(marked: str) -> tuple[str, list[int]]:
    """Return a pattern for `%` and which text stands at which of its places."""
    order = [int(number) for number in MARK.findall(marked)]
    return MARK.sub("%s", marked.replace("%", "%%")), order


def _around(table: str) -> tuple[str, str]:
    head, tail = table.split("</tbody>")
    return head, f"</tbody>{tail}"


def _inside(table: str) -> str:
    """Return what one row adds to an empty table."""
    head, tail = _around(rendered([]))
    return table.removeprefix(head).removesuffix(tail)


# ── Measuring ────────────────────────────────────────────────────────────────────────────────


def measured() -> Iterator[Line]:
    """Yield a line for each size; both sides gave the same text."""
    for size in SIZES:
        shown = rows(size)
        floor = Floor(shown)
        if floor.rendered() != rendered(shown):
            raise SystemExit("the floor's table is another one: a ratio means nothing")
        ours, peer = side_by_side(ROUNDS, partial(rendered, shown), floor.rendered)
        scale = 1e6 / size
        yield Line(
            "9",
            f"rendering {size:,} rows against % and C escaping",
            [each * scale for each in ours],
            [each * scale for each in peer],
            GOAL,
            "µs",
            f"a row; the same {len(floor.rendered()):,} characters",
        )


def main() -> int:
    """Print the lines; 0 if all goals are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    lines = []
    for line in measured():
        print(line.told(), flush=True)
        lines.append(line)
    if options.json:
        options.json.write_text(json.dumps([line.as_json() for line in lines], indent=2))
    return 0 if all(line.is_ok for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
