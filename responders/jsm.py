"""Alerts whoever is on call in Jira Service Management, by its Integration Events API.

Needs the key of an API integration of Operations. An incident is one alert: opened when
the incident is, closed when it ends. An open alert takes a repeat of its ``alias`` for
one more of the same, so a notice that is sent twice alerts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import msgspec

from responders.base import Notifier, raise_for_status, told, url_problem
from shared.model.action import Action, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import SettingsError
from shared.model.message import shortened
from shared.model.secret import SecretRef
from shared.model.text import CUT_MARK, instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.message import Message, Section

# remote-apis-sinks.md 2: of Opsgenie, whose limits these are. Java counts UTF-16.
MESSAGE = 130
DESCRIPTION = 15_000
NOTE = 25_000
TAG = 50
MOST_TAGS = 20
ENTITY = 512
MOST_RESPONDERS = 50
# Of the 8,000 that all details may have, for each that an alert has a say in.
DETAIL = 512
LINKS_ROOM = 4_000

SOURCE = "Firewatch"

Priority = Literal["P1", "P2", "P3", "P4", "P5"]

_PRIORITY: Mapping[Severity, Priority] = {
    Severity.HIGH: "P1",
    Severity.MEDIUM: "P2",
    Severity.LOW: "P3",
    Severity.INFORMATIONAL: "P5",
}
# What is done to an alert that is there, and what of the message says why. There is no
# way to change its priority or its text.
_FOLLOW_UP = {
    Verb.UPDATE: "notes",
    Verb.ACKNOWLEDGE: "acknowledge",
    Verb.RESOLVE: "close",
}
_SAID = {"news", "done"}


class Recipient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who or what of Jira Service Management is to respond, by its id there."""

    id: str
    type: Literal["team", "user", "escalation", "schedule"]


class Jsm(Notifier):
    """One integration of Jira Service Management, and so one team's alerts."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``priority`` is for severities whose P1 to P5 shall be another one,
        ``responders`` for alerts that the integration's own team does not get.
        ``callback_secret`` is what Jira shows when it tells of an alert.
        """

        key: SecretRef
        url: str = "https://api.atlassian.com/jsm/ops/integration"
        priority: Mapping[Severity, Priority] = {}
        responders: tuple[Recipient, ...] = ()
        callback_secret: SecretRef | None = None

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._config = config
        self._key = ports.secret(config.key)
        self._alerts = f"{config.url.rstrip('/')}/v2/alerts"
        self._priority = {**_PRIORITY, **config.priority}
        self._http = ports.http
        self._clock = ports.clock
        problems = self._problems(config)
        if problems:
            raise SettingsError(problems)

    async def apply(self, action: Action) -> Outcome:
        """Hand it over; 202 means taken, and that it is looked at later."""
        if action.verb is Verb.TRIGGER:
            url, content = self._alerts, self._alert(action)
        else:
            url, content = self._following(action), _remark(action)
        reply = await self._http.post(
            url,
            headers={
                "authorization": f"GenieKey {self._key.reveal()}",
                "content-type": "application/json",
            },
            body=msgspec.json.encode(content),
        )
        raise_for_status(
            reply, side="Jira Service Management", accepted=[202], now=self._clock
        )
        return Outcome(reference=action.dedup_key)

    def _following(self, action: Action) -> str:
        alias, doing = quote(action.dedup_key, safe=""), _FOLLOW_UP[action.verb]
        return f"{self._alerts}/{alias}/{doing}?identifierType=alias"

    def _alert(self, action: Action) -> dict[str, Any]:
        message = told(action)
        called = self._config.responders
        if action.address:
            called = (Recipient(id=action.address, type="user"),)
        return {
            "alias": action.dedup_key,
            "message": _escaped(message.headline, MESSAGE),
            "description": _text(message, action, message.sections, DESCRIPTION),
            "priority": self._priority[message.severity],
            **({"responders": called} if called else {}),
            "tags": _tags(message),
            "details": _details(message, action),
            "entity": _escaped(message.component, ENTITY),
            "source": SOURCE,
        }

    def _problems(self, config: Config) -> list[str]:
        problems = []
        key = self._key.reveal()
        if not (key and key.isascii() and key.isprintable() and " " not in key):
            problems.append(
                f"responders.{self.name}.key: the setting {config.key.setting} does "
                "not hold the key of an API integration"
            )
        if problem := url_problem(config.url):
            problems.append(f"responders.{self.name}.url {problem}")
        if len(config.responders) > MOST_RESPONDERS:
            problems.append(
                f"responders.{self.name}.responders: at most {MOST_RESPONDERS}"
            )
        return problems


def _remark(action: Action) -> dict[str, str]:
    """What goes with a change of an alert: all of an update, of others why."""
    message = told(action)
    sections = message.sections
    if action.verb is not Verb.UPDATE:
        sections = tuple(each for each in sections if each.key in _SAID)
    return {
        "note": _text(message, action, sections, NOTE),
        "source": SOURCE,
        "user": SOURCE,
    }


def _text(
    message: Message, action: Action, sections: Sequence[Section], limit: int
) -> str:
    """Why, what, links and sections, and what tells a note from a repeat of it."""
    lines = [f"{message.why}: {message.headline}"]
    room = LINKS_ROOM
    for link in message.links:
        room -= _size(f"{link.text}\n{link.href}\n\n")
        if room >= 0:
            lines += ["", f"{link.text}:", link.href]
    foot = ["", f"Incident {message.incident}, notice {action.key}"]
    bare = "\n".join([*lines, *foot, *("\n" + each.title for each in sections)])
    left = len("\n- and 99999 more") * len(sections)
    for section in shortened(sections, limit - _size(bare) - left, _line_size):
        lines += ["", section.title, *(f"- {line}" for line in section.lines)]
        if section.left_out:
            lines.append(f"- and {section.left_out} more")
    return escape("\n".join([*lines, *foot]), quote=False)


def _tags(message: Message) -> list[str]:
    """What alerts are filtered by."""
    tactics = [s.lines for s in message.sections if s.key == "tactics"]
    sample = ["sample"] if message.is_sample else []
    tags = [
        "firewatch",
        message.severity.value,
        *sample,
        *(t for s in tactics for t in s),
    ]
    return [_escaped(tag, TAG) for tag in tags[:MOST_TAGS]]


def _details(message: Message, action: Action) -> dict[str, str]:
    return {
        "incident": _escaped(message.incident, DETAIL),
        "notice": action.key,
        "status": message.status.value,
        "alerts": str(message.alerts),
        "scope": _escaped(message.scope, DETAIL),
        "resource": _escaped(message.resource, DETAIL),
        "alert type": _escaped(message.alert_type, DETAIL),
        "first seen": instant(message.first_seen),
        "last seen": instant(message.last_seen),
    }


def _escaped(text: str, limit: int) -> str:
    """The text with its HTML harmless, cut between escapes where it is too long."""
    if _size(text) <= limit:
        return escape(text, quote=False)
    kept, room = [], limit - len(CUT_MARK)
    for char in text:
        room -= _size(char)
        if room < 0:
            break
        kept.append(char)
    return escape("".join(kept), quote=False) + CUT_MARK


def _line_size(line: str) -> int:
    return _size(f"\n- {line}")


def _size(text: str) -> int:
    """Characters as Java counts them, once escaped."""
    return len(escape(text, quote=False).encode("utf-16-le")) // 2
