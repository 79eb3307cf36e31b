"""Confluence's storage format, as little of it as macros need: well-formed, escaped, no macros."""

import re
from collections.abc import Iterable, Sequence
from html import escape

_FOREIGN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
"""What XML cannot hold, control characters, and marks that turn the direction of what follows."""


def text(said: str) -> str:
    """Return a text as it may stand between tags or in an attribute."""
    return escape(_FOREIGN.sub("", said))


def strong(said: str) -> str:
    """Return a text that stands out."""
    return f"<strong>{text(said)}</strong>"


def heading(level: int, said: str) -> str:
    """Return a heading; its level is 1 to 6."""
    return f"<h{level}>{text(said)}</h{level}>"


def paragraph(lines: Iterable[str]) -> str:
    """Return lines of markup as one paragraph, nothing without lines."""
    joined = "<br/>".join(lines)
    return f"<p>{joined}</p>" if joined else ""


def items(lines: Iterable[str]) -> str:
    """Return lines of markup as a list, nothing without lines."""
    joined = "".join(f"<li>{line}</li>" for line in lines)
    return f"<ul>{joined}</ul>" if joined else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table: heads are texts, cells are markup, and the first cell of a row is its head."""
    head = "".join(f"<th>{text(name)}</th>" for name in heads)
    body = "".join([f"<tr><th>{row[0]}</th>{_cells(row[1:])}</tr>" for row in rows])
    return f"<table><tbody><tr>{head}</tr>{body}</tbody></table>"


def _cells(cells: Iterable[str]) -> str:
    return "".join([f"<td>{cell}</td>" for cell in cells])


def link(said: str, url: str) -> str:
    """Return a link, or the text alone if the address is none of https."""
    if not url.startswith("https://"):
        return text(said)
    return f'<a href="{text(url)}">{text(said)}</a>'
