"""Macros as Atlassian's document format."""

from app.exports import adf
from app.exports.storage_markup import heading, items, link, paragraph, strong, table, text


def said(node):
    """Return every text of a document in its order."""
    if node.get("type") == "text":
        return [node["text"]]
    return [word for child in node.get("content", []) for word in said(child)]


def test_every_block_keeps_its_texts_in_order():
    storage = (
        heading(3, "A & B")
        + paragraph([f"{strong('Mode')}: live", text("<second>")])
        + items([text("one"), text("two")])
        + table(["API", "Test"], [[text("Orders"), f"{strong('differs')}<br/>x"]])
    )
    document = adf.document(storage)
    kinds = [block["type"] for block in document["content"]]
    assert kinds == ["heading", "paragraph", "bulletList", "table"]
    words = "A & B|Mode|: live|<second>|one|two|API|Test|Orders|differs|x"
    assert "|".join(said(document)) == words


def test_emphasis_links_and_breaks_are_marks_and_nodes():
    document = adf.document(paragraph([strong("x"), link("more", "https://a.example")]))
    first, line, second = document["content"][0]["content"]
    assert first == {"type": "text", "text": "x", "marks": [{"type": "strong"}]}
    assert line == {"type": "hardBreak"}
    assert second["marks"] == [{"type": "link", "attrs": {"href": "https://a.example"}}]


def test_an_address_that_is_none_of_https_is_no_link():
    document = adf.document('<p><a href="javascript:x">y</a></p>')
    assert document["content"][0]["content"] == [{"type": "text", "text": "y"}]


def test_cells_may_hold_paragraphs():
    document = adf.document("<table><tbody><tr><td><p>x</p></td></tr></tbody></table>")
    (cell,) = document["content"][0]["content"][0]["content"]
    assert cell["content"] == [{"type": "paragraph", "content": [{"type": "text", "text": "x"}]}]


def test_nothing_is_an_empty_paragraph():
    assert adf.document("")["content"] == [{"type": "paragraph", "content": []}]


def test_a_head_of_a_table_is_one_and_a_cell_is_none():
    document = adf.document(table(["API", "Test"], [[text("Orders"), text("x")]]))
    rows = document["content"][0]["content"]
    assert [[cell["type"] for cell in row["content"]] for row in rows] == [
        ["tableHeader", "tableHeader"],
        ["tableHeader", "tableCell"],
    ]
    assert document["version"] == 1


def test_what_stands_out_within_a_link_has_both_marks():
    document = adf.document('<p><a href="https://a.example"><strong>x</strong></a></p>')
    (node,) = document["content"][0]["content"]
    assert [mark["type"] for mark in node["marks"]] == ["link", "strong"]
