"""Looking at the HTML that was sent: elements by a small part of CSS's selectors, and their text."""

import re
from typing import Any

from lxml import html

Element = Any
STEP = re.compile(r"(?P<tag>\w+)?(?P<rest>(?:\.[\w-]+|\[[\w-]+(?:=[\w-]+)?\]|:first-child)*)")


def parsed(text: str) -> Element:
    """Return a fragment's elements below one."""
    return html.fragment_fromstring(text, create_parent="main")


def found(element: Element, selector: str) -> list[Element]:
    """Return the elements below that match `tag.class[attribute=value]`, nested by space or `>`."""
    paths = (_path(part.strip()) for part in selector.split(","))
    elements: list[Element] = element.xpath(" | ".join(paths))
    return elements


def said(element: Element) -> str:
    """Return an element's text with single blanks."""
    return " ".join(element.text_content().split())


def _path(selector: str) -> str:
    path, axis = ".", "//"
    for word in selector.split():
        if word == ">":
            axis = "/"
            continue
        path += axis + _step(word)
        axis = "//"
    return path


def _step(word: str) -> str:
    matched = STEP.fullmatch(word)
    assert matched, word
    path = matched["tag"] or "*"
    for item in re.findall(r"\.[\w-]+|\[[^\]]+\]|:first-child", matched["rest"]):
        if item.startswith("."):
            path += f"[contains(concat(' ', normalize-space(@class), ' '), ' {item[1:]} ')]"
        elif item == ":first-child":
            path = f"*[1][self::{matched['tag'] or '*'}]" + path[len(matched["tag"] or "*") :]
        else:
            name, _, value = item[1:-1].partition("=")
            path += f"[@{name}='{value}']" if value else f"[@{name}]"
    return path
