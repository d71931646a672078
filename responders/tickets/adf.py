"""The Atlassian Document Format: a text in it is literal, and that is the escape.

No markdown, wiki markup or HTML is read in a text node (remote-apis-sinks.md 9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from responders.tickets.parts import Part

# What people write is nested less than this.
DEEPEST = 40

_BLOCKS = frozenset({"paragraph", "heading", "codeBlock", "listItem", "tableRow"})


def document(found: Sequence[Part]) -> dict[str, Any]:
    """The pieces as one document; items that follow each other are a list."""
    content: list[dict[str, Any]] = []
    for part in found:
        node = _node(part)
        if part.kind != "item":
            content.append(node)
        elif content and content[-1]["type"] == "bulletList":
            content[-1]["content"].append(node)
        else:
            content.append({"type": "bulletList", "content": [node]})
    return {"type": "doc", "version": 1, "content": content}


def size(part: Part) -> int:
    """Bytes of the piece in a document, each list counted as one of its own."""
    return len(msgspec.json.encode(_node(part))) + len(
        '{"type":"bulletList","content":[]},'
    )


def text(node: object) -> str:
    """What a document says, without its marks; what is no document says nothing."""
    return "".join(_texts(node, 0)).strip()


def _node(part: Part) -> dict[str, Any]:
    said: dict[str, Any] = {"type": "text", "text": part.text}
    if part.href:
        said["marks"] = [{"type": "link", "attrs": {"href": part.href}}]
    # An empty text is refused.
    content = [said] if part.text else []
    match part.kind:
        case "title":
            return {"type": "heading", "attrs": {"level": 3}, "content": content}
        case "item":
            inner = {"type": "paragraph", "content": content}
            return {"type": "listItem", "content": [inner]}
        case "line" | "link":
            return {"type": "paragraph", "content": content}


def _texts(node: object, depth: int) -> Iterator[str]:
    if not isinstance(node, dict) or depth > DEEPEST:
        return
    kind = node.get("type")
    if kind == "hardBreak":
        yield "\n"
    if isinstance(said := node.get("text"), str):
        yield said
    inner = node.get("content")
    for each in inner if isinstance(inner, list) else ():
        yield from _texts(each, depth + 1)
    if kind in _BLOCKS:
        yield "\n"
