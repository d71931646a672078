"""The HTML of Azure Boards: what is written escaped, and what is read of it."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.tickets.parts import Part

_BLOCKS = frozenset({"p", "div", "li", "ul", "ol", "tr", "h1", "h2", "h3"})


def document(found: Sequence[Part]) -> str:
    """The pieces as HTML; items that follow each other are a list."""
    made = []
    for is_item, group in groupby(found, lambda part: part.kind == "item"):
        lines = "".join(map(_element, group))
        made.append(f"<ul>{lines}</ul>" if is_item else lines)
    return "".join(made)


def size(part: Part) -> int:
    """Characters of the piece in a document, each list counted as one of its own."""
    return len(_element(part)) + len("<ul></ul>")


def text(markup: str) -> str:
    """What somebody wrote, without its tags."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return "".join(reader.texts).strip()


def _element(part: Part) -> str:
    said = escape(part.text)
    match part.kind:
        case "title":
            return f"<p><b>{said}</b></p>"
        case "item":
            return f"<li>{said}</li>"
        case "link":
            return f'<p><a href="{escape(part.href)}">{said}</a></p>'
        case "line":
            return f"<p>{said}</p>"


class _Reader(HTMLParser):
    """Collects texts; the end of a block is the end of a line."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  base's
        if tag == "br":
            self.texts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.texts.append("\n")
