"""Mails incidents, by Azure Communication Services with the app's own identity.

Needs a verified sender, and a role on the Communication Services resource. An incident
is one thread: its opening, and what is told of it later as replies to that. Each mail
has one ``Operation-Id`` for ever, so one that is sent again can be told from a new one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import msgspec

from responders.base import Notifier, raise_for_status, told, url_problem
from responders.markup.mail import mail
from shared.model.action import Action, Occasion, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import FailureReason, PermanentFailure, SettingsError
from shared.model.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from responders.base import Ports
    from shared.model.message import Message

# remote-apis-sinks.md 7; the two slashes of the scope are Azure's.
API_VERSION = "2025-09-01"
SCOPE = "https://communication.azure.com//.default"
MOST_RECIPIENTS = 50
SUBJECT = 200
# Of a dedup_key: the part that names the incident, which people search for.
TOKEN = 19

_OPERATIONS = UUID("7e2f4f0c-5f5e-5c39-9d0a-3a4c5f0f6a51")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")

# Mail clients read it so; a mail without it is as urgent as any.
_PRIORITY = {
    Severity.HIGH: {"x-priority": "1"},
    Severity.MEDIUM: {},
    Severity.LOW: {"x-priority": "5"},
    Severity.INFORMATIONAL: {"x-priority": "5"},
}


# Of what is told of a notice that is open.
_URGENT = frozenset({Occasion.SEVERITY_RAISED, Occasion.REMINDER})


class Email(Notifier):
    """One sender, and who is told where a route names nobody."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``endpoint`` is the Communication Services resource, ``to`` whom mails go to
        unless a person is told, ``reply_to`` who gets what they answer. Not
        ``threaded``, a mail does not say which one it follows.
        """

        endpoint: str
        sender: str
        to: tuple[str, ...]
        reply_to: tuple[str, ...] = ()
        threaded: bool = True

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._config = config
        self._endpoint = config.endpoint.rstrip("/")
        self._http = ports.http
        self._token = ports.token
        self._clock = ports.clock
        problems = [f"responders.{name}.{text}" for text in _problems(config)]
        if problems:
            raise SettingsError(problems)

    async def apply(self, action: Action) -> Outcome:
        """Hand the mail over; 202 means queued, not that it arrived."""
        body = msgspec.json.encode(self._mail(action))
        operation = str(uuid5(_OPERATIONS, action.key))
        authorization = {"authorization": f"Bearer {await self._bearer()}"}
        reply = await self._http.post(
            f"{self._endpoint}/emails:send?api-version={API_VERSION}",
            headers=authorization
            | {"content-type": "application/json", "operation-id": operation},
            body=body,
        )
        # What an id that is known already is answered is nowhere written; the mail may
        # also read otherwise by now. Either way the first one went out.
        if reply.status in {400, 409} and await self._is_known(
            operation, authorization
        ):
            return Outcome(reference=operation)
        raise_for_status(
            reply,
            side="Azure Communication Services",
            accepted=[202],
            now=self._clock,
        )
        return Outcome(reference=operation)

    async def _is_known(self, operation: str, headers: dict[str, str]) -> bool:
        reply = await self._http.get(
            f"{self._endpoint}/emails/operations/{operation}?api-version={API_VERSION}",
            headers=headers,
        )
        return reply.status == 200

    async def _bearer(self) -> str:
        """A stand-in on this machine must not see what opens the real one."""
        is_remote = self._endpoint.startswith("https://")
        return await self._token(SCOPE if is_remote else f"{self._endpoint}/.default")

    def _mail(self, action: Action) -> dict[str, Any]:
        message = told(action)
        footer = f"Firewatch, notice {action.dedup_key}, mail {action.key}"
        text, html = mail(message, footer=footer)
        return {
            "senderAddress": self._config.sender,
            "content": {
                "subject": _subject(action, message),
                "plainText": text,
                "html": html,
            },
            "recipients": {"to": _addresses(_recipients(action, self._config.to))},
            "replyTo": _addresses(self._config.reply_to),
            "headers": self._headers(action, message),
            # It would put other URLs in the place of links.
            "userEngagementTrackingDisabled": True,
        }

    def _headers(self, action: Action, message: Message) -> dict[str, str]:
        """Who filters or counts mails goes by the last two."""
        domain = self._config.sender.partition("@")[2]
        opening = f"<{action.dedup_key}@{domain}>"
        headers = {
            "x-firewatch-notice": action.dedup_key,
            "x-firewatch-key": action.key,
        }
        if action.verb is Verb.TRIGGER:
            return {"Message-ID": opening, **_PRIORITY[message.severity], **headers}
        headers["Message-ID"] = f"<{action.key}@{domain}>"
        if action.occasion in _URGENT:
            headers |= _PRIORITY[message.severity]
        if self._config.threaded:
            headers |= {"In-Reply-To": opening, "References": opening}
        return headers


def _problems(config: Email.Config) -> Iterator[str]:
    if problem := url_problem(config.endpoint):
        yield f"endpoint {problem}"
    if not _is_address(config.sender):
        yield "sender is not an address, such as alerts@example.com, and nothing else"
    if not 1 <= len(config.to) <= MOST_RECIPIENTS:
        yield f"to: expected 1 to {MOST_RECIPIENTS} addresses"
    for field, addresses in (("to", config.to), ("reply_to", config.reply_to)):
        for place, address in enumerate(addresses):
            if not _is_address(address):
                yield f"{field}[{place}] is not an address"


def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def _recipients(action: Action, configured: tuple[str, ...]) -> tuple[str, ...]:
    if not action.address:
        return configured
    if not _is_address(action.address):
        raise PermanentFailure(
            FailureReason.INVALID, f"what {action.target} is reached by is no address"
        )
    return (action.address,)


def _addresses(addresses: Iterable[str]) -> list[dict[str, str]]:
    return [{"address": address} for address in addresses]


def _subject(action: Action, message: Message) -> str:
    """One line; what is told later says first why, and all of a notice end alike."""
    why = "" if action.occasion is Occasion.OPENED else f"{message.why}: "
    token = f" [{action.dedup_key[:TOKEN]}]"
    return why + cut(message.headline, SUBJECT - len(why) - len(token)) + token
