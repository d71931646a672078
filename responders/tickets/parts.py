"""What a ticket says, in pieces that each side puts into its own syntax. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from responders.base import told
from responders.tickets import signature
from shared.model.action import Verb
from shared.model.message import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.model.action import Action
    from shared.model.message import Message, Section


class Part(NamedTuple):
    """A line, the title of a list, an item of it, or a link; its text is not escaped."""

    kind: Literal["line", "title", "item", "link"]
    text: str
    href: str = ""


def parts(action: Action, size: Callable[[Part], int], limit: int) -> list[Part]:
    """What the action says, in pieces that take ``limit`` at most.

    ``size`` is what a piece takes once it is escaped; ``limit`` holds the longest
    headline and more. Links have half of it at most, ours first. The last piece is our
    signature.
    """
    message = told(action)
    head = Part("line", f"{message.why}: {message.headline}")
    links = _links(message, size, limit // 2)
    end = Part("line", signature(action))
    sections = _sections(action, message)
    titles = [Part("title", section.title) for section in sections]
    most = Part("item", _more(1_000_000))
    fixed = [head, *titles, *[most] * len(sections), *links, end]
    room = limit - sum(map(size, fixed))
    shown = shortened(sections, room, lambda line: size(Part("item", line)))
    return [head, *_listed(shown), *links, end]


def _sections(action: Action, message: Message) -> Sequence[Section]:
    """All of them in a new ticket; later what is new, and what was done about it."""
    match action.verb:
        case Verb.TRIGGER:
            return message.sections
        case Verb.UPDATE:
            news = [s for s in message.sections if s.key == "news"]
            return news or message.sections
        case _:
            return [s for s in message.sections if s.key in {"news", "done"}]


def _links(message: Message, size: Callable[[Part], int], room: int) -> list[Part]:
    found = []
    for link in message.links:
        part = Part("link", link.text, link.href)
        room -= size(part)
        if room < 0:
            break
        found.append(part)
    return found


def _listed(sections: Sequence[Section]) -> Iterator[Part]:
    for section in sections:
        yield Part("title", section.title)
        for line in section.lines:
            yield Part("item", line)
        if section.left_out:
            yield Part("item", _more(section.left_out))


def _more(left_out: int) -> str:
    return f"and {left_out} more"
