"""What Slack takes as blocks, as far as it is used (remote-apis-sinks.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Kinds = Mapping[str, Callable[[dict[str, Any]], Iterator[str]]]

MOST_BLOCKS = 50
_STYLES = {"bold", "italic", "strike", "code"}


def block_problems(blocks: Any) -> list[str]:  # noqa: ANN401 - whatever came
    """What is wrong with the blocks; Slack itself says no more than invalid_blocks."""
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS:
        return [f"expected a list of {MOST_BLOCKS} blocks at most"]
    problems = [
        f"blocks[{place}]{problem}"
        for place, block in enumerate(blocks)
        for problem in _problems(block, _BLOCKS)
    ]
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len({*ids}):
        problems.append("a block_id stands twice")
    return problems


def _problems(
    value: Any,  # noqa: ANN401 - whatever came
    kinds: Kinds,
) -> Iterator[str]:
    """What is wrong with an object that must be of one of these types."""
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind in kinds:
        yield from (f" ({kind}){problem}" for problem in kinds[kind](value))
    else:
        yield f" is a {kind}"


def _known(value: dict[str, Any], *names: str) -> Iterator[str]:
    yield from (f".{name} is unknown" for name in value.keys() - {"type", *names})


def _of_length(value: object, name: str, most: int) -> Iterator[str]:
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        yield f".{name} is not a text of 1 to {most} characters"


def _elements(
    value: dict[str, Any],
    most: int,
    kinds: Kinds,
) -> Iterator[str]:
    elements = value.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= most:
        yield f".elements are not 1 to {most}"
        return
    for element in elements:
        yield from _problems(element, kinds)


def _block(value: dict[str, Any]) -> Iterator[str]:
    yield from _known(value, "elements", "block_id")
    if "block_id" in value:
        yield from _of_length(value["block_id"], "block_id", 255)


def _rich_text(value: dict[str, Any]) -> Iterator[str]:
    yield from _block(value)
    yield from _elements(value, 1_000, _RICH)


def _context(value: dict[str, Any]) -> Iterator[str]:
    yield from _block(value)
    yield from _elements(value, 10, _TEXTS)


def _actions(value: dict[str, Any]) -> Iterator[str]:
    yield from _block(value)
    yield from _elements(value, 25, {"button": _button})
    ids = [e.get("action_id") for e in value.get("elements", [])]
    if len(ids) != len({*ids}):
        yield ".action_id stands twice"


def _button(value: dict[str, Any]) -> Iterator[str]:
    yield from _known(value, "text", "action_id", "value", "url")
    yield from _problems(value.get("text"), {"plain_text": _button_text})
    yield from _of_length(value.get("action_id"), "action_id", 255)
    if "value" in value:
        yield from _of_length(value["value"], "value", 2_000)
    if "url" in value:
        yield from _of_length(value["url"], "url", 3_000)


def _plain_text(value: dict[str, Any], most: int = 3_000) -> Iterator[str]:
    yield from _known(value, "text", "emoji")
    yield from _of_length(value.get("text"), "text", most)


def _button_text(value: dict[str, Any]) -> Iterator[str]:
    yield from _plain_text(value, 75)


def _rich_section(value: dict[str, Any]) -> Iterator[str]:
    yield from _known(value, "elements")
    yield from _elements(value, 1_000, _INLINE)


def _rich_list(value: dict[str, Any]) -> Iterator[str]:
    yield from _known(value, "elements", "style", "indent", "border")
    if value.get("style") not in {"bullet", "ordered"}:
        yield ".style"
    yield from _elements(value, 1_000, {"rich_text_section": _rich_section})


def _inline_text(value: dict[str, Any]) -> Iterator[str]:
    yield from _known(value, "text", "style")
    yield from _of_length(value.get("text"), "text", BIGGEST)
    if value.get("style", {}).keys() - _STYLES:
        yield ".style"


def _emoji(value: dict[str, Any]) -> Iterator[str]:
    yield from _known(value, "name")
    yield from _of_length(value.get("name"), "name", 100)


# No document says how long a text of rich text may be; all of them together are bounded.
BIGGEST = 13_200
_INLINE: Kinds = {"text": _inline_text, "emoji": _emoji}
_RICH: Kinds = {"rich_text_section": _rich_section, "rich_text_list": _rich_list}
_TEXTS: Kinds = {"plain_text": _plain_text}
_BLOCKS: Kinds = {"rich_text": _rich_text, "context": _context, "actions": _actions}
