"""Atlassian's document format out of our own storage format: only the markup that macros write."""

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, fromstring

Node = dict[str, object]

BLOCKS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "table"})


def document(storage: str) -> Node:
    """Return markup of `storage_markup` as a document; an empty one holds an empty paragraph."""
    # Our own writer made it: well-formed, without a document type or an entity of its own.
    root = fromstring(f"<x>{storage}</x>")  # noqa: S314
    content = [_block(element) for element in root]
    return {"version": 1, "type": "doc", "content": content or [_paragraph([])]}


def _block(element: Element) -> Node:
    if element.tag == "ul":
        return {"type": "bulletList", "content": [_item(item) for item in element]}
    if element.tag == "table":
        rows = [_row(row) for row in element.iter("tr")]
        return {"type": "table", "content": rows}
    if element.tag in BLOCKS and element.tag != "p":
        level = {"level": int(element.tag[1])}
        return {"type": "heading", "attrs": level, "content": list(_inline(element, []))}
    return _paragraph(list(_inline(element, [])))


def _item(element: Element) -> Node:
    return {"type": "listItem", "content": [_paragraph(list(_inline(element, [])))]}


def _row(row: Element) -> Node:
    return {"type": "tableRow", "content": [_cell(cell) for cell in row]}


def _cell(cell: Element) -> Node:
    kind = "tableHeader" if cell.tag == "th" else "tableCell"
    has_blocks = any(child.tag in BLOCKS for child in cell)
    content = (
        [_block(child) for child in cell] if has_blocks else [_paragraph(list(_inline(cell, [])))]
    )
    return {"type": kind, "attrs": {}, "content": content}


def _paragraph(content: Sequence[Node]) -> Node:
    return {"type": "paragraph", "content": list(content)}


def _inline(element: Element, marks: Sequence[Mapping[str, object]]) -> Iterator[Node]:
    yield from _text(element.text, marks)
    for child in element:
        if child.tag == "br":
            yield {"type": "hardBreak"}
        else:
            yield from _inline(child, [*marks, *_mark(child)])
        yield from _text(child.tail, marks)


def _mark(element: Element) -> list[Mapping[str, object]]:
    if element.tag == "strong":
        return [{"type": "strong"}]
    href = element.get("href", "") if element.tag == "a" else ""
    return [{"type": "link", "attrs": {"href": href}}] if href.startswith("https://") else []


def _text(said: str | None, marks: Sequence[Mapping[str, object]]) -> Iterator[Node]:
    if not said:
        return
    node: Node = {"type": "text", "text": said}
    if marks:
        node["marks"] = list(marks)
    yield node
