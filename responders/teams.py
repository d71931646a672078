"""Tells a Microsoft Teams channel or chat, by the webhook of a workflow.

Needs the URL of a flow that begins with "When a Teams webhook request is received".
Whoever has the URL may post, so the whole of it is a secret. A card cannot be changed
once it is there, and Teams tells no repeats: what becomes of an incident is another,
shorter card, and each holds the key of its notice.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from responders.base import Notifier, raise_for_status, told, url_problem
from shared.model.action import Action, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import SettingsError
from shared.model.message import shortened
from shared.model.secret import SecretRef
from shared.model.text import is_link, minute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.http import Reply
    from shared.model.link import Link
    from shared.model.message import Message, Section

# remote-apis-sinks.md 3. Teams takes about 28 KB, and the flow has answered before it
# finds out that a card is larger. Links have a part of it, so that there is always room
# for a headline of emoji and the titles of all sections.
CARD_CAP = 20_000
LINKS_ROOM = 4_000
MOST_LINKS = 6
# What stands on one line of a phone.
WORD = 38
SCOPE = "https://service.flow.microsoft.com//.default"

# What an older endpoint says, with status 200 (3, "Throttle").
_REFUSED = re.compile(rb"Microsoft Teams endpoint returned HTTP error ([45]\d\d)")
# `{{` begins a date that a client works out, `${` an expression of a template.
_ALIVE = re.compile(r"(?<=[{$])(?=\{)")
# The beginning of a word that is longer, up to a slash, another mark, or as it comes.
_LONG = re.compile(
    rf"(?=\S{{{WORD + 1}}})"
    rf"(\S{{0,{WORD - 1}}}[/\\]|\S{{0,{WORD - 1}}}[.:,;_=&-]|\S{{{WORD}}})"
)

# Of the longer card all sections; of those that say what became of it, these.
_SHOWN = {
    Verb.UPDATE: {"news"},
    Verb.ACKNOWLEDGE: {"news", "done"},
    Verb.RESOLVE: {"news", "done"},
}
_STYLE = {
    Severity.HIGH: "attention",
    Severity.MEDIUM: "warning",
    Severity.LOW: "accent",
    Severity.INFORMATIONAL: "default",
}


class Teams(Notifier):
    """One workflow, and so one channel or chat."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``sign_in`` is for a flow that only lets in people or apps of the tenant: the
        app's own identity calls it.
        """

        url: SecretRef
        sign_in: bool = False

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._url = ports.secret(config.url)
        self._signs_in = config.sign_in
        self._token = ports.token
        self._http = ports.http
        self._clock = ports.clock
        if problem := url_problem(self._url.reveal()):
            where = f"responders.{name}.url: the setting {config.url.setting}"
            raise SettingsError([f"{where} {problem}"])

    async def apply(self, action: Action) -> Outcome:
        """Start the flow; 202 means that it runs, not that anybody saw the card."""
        headers = {"content-type": "application/json; charset=utf-8"}
        if self._signs_in:
            headers["authorization"] = f"Bearer {await self._token(SCOPE)}"
        reply = await self._http.post(
            self._url.reveal(),
            headers=headers,
            body=msgspec.json.encode(envelope(action)),
        )
        raise_for_status(
            _meant(reply), side="Teams", accepted=[200, 202], now=self._clock
        )
        return Outcome()


def envelope(action: Action) -> dict[str, Any]:
    """The message with the card in it, small enough for Teams."""
    said = told(action)
    shown = _SHOWN.get(action.verb, {section.key for section in said.sections})
    sections = [section for section in said.sections if section.key in shown]
    bare = [replace(each, lines=(), left_out=99_999) for each in sections]
    room = CARD_CAP - size(_enveloped(action, said, bare))
    fitting = shortened(sections, room, lambda line: size(_bullet(line)) + len(", "))
    return _enveloped(action, said, fitting)


def size(part: object) -> int:
    """Its bytes in the larger form of JSON: what hands it on may write either."""
    return max(len(json.dumps(part)), len(msgspec.json.encode(part)))


def _meant(reply: Reply) -> Reply:
    """The answer with the status that its text speaks of, if it speaks of one."""
    refused = _REFUSED.search(reply.body) if reply.status == 200 else None
    return replace(reply, status=int(refused[1])) if refused else reply


def _enveloped(
    action: Action, said: Message, sections: Sequence[Section]
) -> dict[str, Any]:
    offers = _offers(said.links)
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": f"Firewatch: {said.severity.capitalize()}, {said.status}",
        "body": [
            _head(action, said),
            *(_button(link) for link in offers if link.verb),
            *(block for section in sections for block in _blocks(section)),
            *(_button(link) for link in offers if not link.verb),
            _foot(action, said),
        ],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _head(action: Action, said: Message) -> dict[str, Any]:
    style = "good" if action.verb is Verb.RESOLVE else _STYLE[said.severity]
    first, last = minute(said.first_seen), minute(said.last_seen)
    when = f"seen {first}" if first == last else f"seen {first} to {last}"
    facts = [said.why, said.status.value, when]
    return {
        "type": "Container",
        "style": style,
        "bleed": True,
        "items": [
            _text(_run(said.headline, weight="Bolder", size="Medium")),
            _text(_run(" · ".join(filter(None, facts))), spacing="Small"),
        ],
    }


def _blocks(section: Section) -> list[dict[str, Any]]:
    more = f"and {section.left_out} more"
    lines = [*section.lines, *([more] if section.left_out else [])]
    title = _text(_run(section.title, weight="Bolder"), spacing="Medium")
    return [title, *map(_bullet, lines)]


def _bullet(line: str) -> dict[str, Any]:
    return _text(_run(f"• {line}"), spacing="Small")


def _foot(action: Action, said: Message) -> dict[str, Any]:
    """Small print by which people and programs tell repeats."""
    about = f"Incident {said.incident} · notice {action.key}"
    small = _run(about, size="Small", isSubtle=True)
    return _text(small, id=action.dedup_key, separator=True, spacing="Medium")


def _text(run: dict[str, Any], **looks: str | bool) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [run], **looks}


def _run(text: str, **looks: str | bool) -> dict[str, Any]:
    """The one place for text: a client reads no markdown, HTML or mention in a TextRun.

    So says Microsoft of RichTextBlock; in a TextBlock or a Fact all would be live, and
    escapes do not work on phones (remote-apis-sinks.md 3). Dates are worked out in a
    TextRun too, by adaptivecards 3.0.6 (card-elements.js), and are taken apart here.
    Nor does that break a long word of one, it cuts it off.
    """
    text = _LONG.sub(r"\1 ", _ALIVE.sub(" ", text))
    return {"type": "TextRun", "text": text, **looks}


def _offers(links: Sequence[Link]) -> list[Link]:
    """As many links, from the first, as there is room for."""
    offers: list[Link] = []
    for link in filter(lambda link: is_link(link.href), links):
        if len(offers) == MOST_LINKS or _room([*offers, link]) > LINKS_ROOM:
            break
        offers.append(link)
    return offers


def _room(links: Sequence[Link]) -> int:
    return size([_button(link) for link in links])


def _button(link: Link) -> dict[str, Any]:
    """A button by itself: of several in a row, narrow clients show a few letters each."""
    opens = {"type": "Action.OpenUrl", "title": link.text, "url": link.href}
    return {"type": "ActionSet", "actions": [opens]}
