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
    assert said(document) == ["x"]


def test_nothing_is_an_empty_paragraph():
    assert adf.document("")["content"] == [{"type": "paragraph", "content": []}]
