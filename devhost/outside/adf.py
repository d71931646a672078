"""What Jira refuses of a document (remote-apis-sinks.md 9)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY = {"type": "doc", "version": 1, "content": []}

# Kind of a node -> what may be in it.
_INSIDE = {
    "doc": {"paragraph", "heading", "bulletList", "codeBlock"},
    "paragraph": {"text", "hardBreak"},
    "heading": {"text"},
    "codeBlock": {"text"},
    "bulletList": {"listItem"},
    "listItem": {"paragraph"},
}


# The second is where the pages of a local run are.
_LINKS = ("https://", "http://127.0.0.1:")


def problems_of(document: object, limit: int) -> list[str]:
    """What is wrong with a document of at most so many characters."""
    if len(json.dumps(document, ensure_ascii=False)) > limit:
        return ["CONTENT_LIMIT_EXCEEDED"]
    if not isinstance(document, dict) or document.get("type") != "doc":
        return ["not a document"]
    found = [] if document.get("version") == 1 else ["version is not 1"]
    return [*found, *_problems(document)]


def _problems(node: object) -> Iterator[str]:
    if not isinstance(node, dict):
        yield "a node is no object"
        return
    kind = node.get("type")
    if kind == "text":
        yield from _text_problems(node)
        return
    inner = node.get("content", [])
    if kind != "doc" and kind in {"bulletList", "listItem"} and not inner:
        yield f"an empty {kind}"
    for each in inner:
        if not isinstance(each, dict) or each.get("type") not in _INSIDE.get(
            str(kind), ()
        ):
            yield f"a {kind} may not hold that"
        else:
            yield from _problems(each)


def _text_problems(node: dict[str, object]) -> Iterator[str]:
    said = node.get("text")
    if not isinstance(said, str) or not said:
        yield "a text is empty"
    elif "\n" in said:
        yield "a text holds a line break"
    marks = node.get("marks", [])
    for mark in marks if isinstance(marks, list) else [None]:
        attributes = mark.get("attrs") if isinstance(mark, dict) else None
        href = attributes.get("href") if isinstance(attributes, dict) else None
        if not isinstance(href, str) or not href.startswith(_LINKS):
            yield "a mark is no link"
