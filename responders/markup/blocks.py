"""An incident in blocks of Slack's Block Kit. Pure.

Hostile text stands in ``text`` elements of rich text and in plain text alone: Slack
looks for markup, mentions and links in ``mrkdwn`` objects, of which there are none
(remote-apis-sinks.md 4). Nothing is escaped there, since nothing is taken for an escape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from shared.model.action import Action, Verb
from shared.model.alert import Severity
from shared.model.incident import IncidentStatus
from shared.model.link import button
from shared.model.message import shortened
from shared.model.text import cut, is_link, minute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.link import Link
    from shared.model.message import Message, Section

# Slack takes 50 blocks, and refuses somewhat more than 12,000 characters of them in all
# (msg_blocks_too_long; in no document, but in slackapi/bolt-js#2509 and #2867).
BLOCKS_SIZE = 10_000
LINKS_ROOM = 3_000
# remote-apis-sinks.md 4, "Block Kit limits".
MOST_BUTTONS = 25
BUTTON_TEXT = 75

_MARK = {
    Severity.HIGH: "red_circle",
    Severity.MEDIUM: "large_orange_circle",
    Severity.LOW: "large_yellow_circle",
    Severity.INFORMATIONAL: "large_blue_circle",
}
_MARK_OF_VERB = {Verb.ACKNOWLEDGE: "eyes", Verb.RESOLVE: "white_check_mark"}


def notice(
    action: Action,
    said: Message,
    sections: Sequence[Section],
    *,
    callbacks: Sequence[Verb],
) -> list[dict[str, Any]]:
    """What stands in the channel: headline, why, the sections, and buttons.

    ``callbacks`` are what can be said by a button in Slack itself.
    """
    above = [_headline(action, said), _facts(said)]
    below = [*_buttons(action, said, callbacks), _foot(action, said)]
    return _fitted(above, sections, below)


def reply(
    action: Action, said: Message, sections: Sequence[Section]
) -> list[dict[str, Any]]:
    """What is added in the thread of a notice; why, unless it comes with the notice."""
    above = [] if action.verb is Verb.TRIGGER else [_facts(said)]
    return _fitted(above, sections, [_foot(action, said)])


def escaped(text: str) -> str:
    """For the one text that is no block: what Slack reads in it are these three."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size(blocks: object) -> int:
    """Its bytes as JSON."""
    return len(msgspec.json.encode(blocks))


def _fitted(
    above: list[dict[str, Any]],
    sections: Sequence[Section],
    below: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """The blocks with as many lines of the sections between them as Slack takes."""
    bare = [replace(each, lines=(), left_out=99_999) for each in sections]
    room = BLOCKS_SIZE - size([*above, *map(_section, bare), *below])
    fitting = shortened(sections, room, lambda line: size(_item(line)) + len(","))
    return [*above, *map(_section, fitting), *below]


def _headline(action: Action, said: Message) -> dict[str, Any]:
    mark = _MARK_OF_VERB.get(action.verb, _MARK[said.severity])
    emoji = {"type": "emoji", "name": mark}
    return _rich(_line(emoji, _text(" "), _text(said.headline, bold=True)))


def _facts(said: Message) -> dict[str, Any]:
    first, last = minute(said.first_seen), minute(said.last_seen)
    when = f"seen {first}" if first == last else f"seen {first} to {last}"
    facts = [said.why, said.status.value, when]
    return {"type": "context", "elements": [_plain(fact) for fact in facts if fact]}


def _section(section: Section) -> dict[str, Any]:
    more = f"and {section.left_out} more"
    lines = [*section.lines, *([more] if section.left_out else [])]
    bullets = {"type": "rich_text_list", "style": "bullet"}
    return _rich(
        _line(_text(section.title, bold=True)),
        bullets | {"elements": [_item(line) for line in lines]},
    )


def _foot(action: Action, said: Message) -> dict[str, Any]:
    """Small print by which people and programs tell repeats.

    Slack wants another block_id each time a message is changed, which the key is.
    """
    about = [f"Incident {said.incident}", f"notice {action.key}"]
    elements = [_plain(text) for text in about]
    return {"type": "context", "block_id": action.key, "elements": elements}


def _buttons(
    action: Action, said: Message, callbacks: Sequence[Verb]
) -> list[dict[str, Any]]:
    """One block of them, or none."""
    buttons: list[dict[str, Any]] = []
    if said.status is IncidentStatus.OPEN and action.verb is not Verb.ACKNOWLEDGE:
        buttons += [
            _button(
                f"{verb.capitalize()} here",
                f"firewatch_{verb}",
                {"value": button(verb, action.dedup_key)},
            )
            for verb in callbacks
        ]
    for place, link in enumerate(_offers(said.links)[: MOST_BUTTONS - len(buttons)]):
        buttons.append(
            _button(link.text, f"firewatch_link_{place}", {"url": link.href})
        )
    return [{"type": "actions", "elements": buttons}] if buttons else []


def _offers(links: Sequence[Link]) -> list[Link]:
    """As many links, from the first, as there is room for."""
    offers: list[Link] = []
    room = LINKS_ROOM
    for link in filter(lambda link: is_link(link.href), links):
        room -= len(link.href)
        if room < 0:
            break
        offers.append(link)
    return offers


def _button(text: str, action_id: str, does: dict[str, str]) -> dict[str, Any]:
    shown = _plain(cut(text, BUTTON_TEXT))
    return {"type": "button", "action_id": action_id, "text": shown, **does}


def _rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [*elements]}


def _item(line: str) -> dict[str, Any]:
    return _line(_text(line))


def _line(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": [*elements]}


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "text", "text": text}
    return element | {"style": {"bold": True}} if bold else element


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}
