"""Tells a Slack channel, or a person, by a bot or by an incoming webhook.

Needs the token of a bot, or the URL of a webhook, which is a secret then. A bot keeps one
message for each incident, which says how it is now; its thread has the details and what
was new. A webhook cannot change what it said: there each notice is a message. Slack
tells no repeats, so each message holds the key of its notice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import (
    Notifier,
    raise_for_status,
    retry_after,
    told,
    url_problem,
)
from responders.markup.blocks import escaped, notice, reply
from shared.model.action import Action, Occasion, Outcome, Verb
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    ResponderError,
    SettingsError,
    TransientFailure,
)
from shared.model.secret import SecretRef

if TYPE_CHECKING:
    from collections.abc import Container

    from responders.base import Ports
    from shared.model.http import Reply

# What a bot says in the thread, so that the channel can be skimmed.
_DETAILS = {"risk", "evidence", "evidence_missing"}
# What a message says that only tells what became of an incident.
_BECAME = {"news", "done"}
# A changed message rings nobody. These are to be heard in the channel too.
_LOUD = {Occasion.SEVERITY_RAISED, Occasion.REMINDER}

_TOKEN = re.compile(r"xox[a-z][.-][!-~]+")
_CHANNEL = re.compile(r"[CDGUW][A-Z0-9]{2,20}")
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")

# remote-apis-sinks.md 4, "Error classes"; Slack says them with status 200.
_TRANSIENT = {
    "rate_limited": FailureReason.RATE_LIMITED,
    "ratelimited": FailureReason.RATE_LIMITED,
    "request_timeout": FailureReason.TIMEOUT,
    "internal_error": FailureReason.SERVER,
    "fatal_error": FailureReason.SERVER,
    "service_unavailable": FailureReason.UNAVAILABLE,
}
# The message is not there any more, or not to be changed.
_SEALED = {"message_not_found", "cant_update_message", "edit_window_closed"}
_PERMANENT = {
    "channel_not_found": FailureReason.NOT_FOUND,
    "is_archived": FailureReason.NOT_FOUND,
    "thread_not_found": FailureReason.NOT_FOUND,
    "user_not_found": FailureReason.NOT_FOUND,
    "account_inactive": FailureReason.AUTH,
    "invalid_auth": FailureReason.AUTH,
    "missing_scope": FailureReason.AUTH,
    "not_authed": FailureReason.AUTH,
    "not_in_channel": FailureReason.AUTH,
    "token_expired": FailureReason.AUTH,
    "token_revoked": FailureReason.AUTH,
    "invalid_blocks": FailureReason.INVALID,
    "msg_blocks_too_long": FailureReason.INVALID,
    "msg_too_long": FailureReason.INVALID,
    "no_text": FailureReason.INVALID,
}


class _Answer(msgspec.Struct):
    """What the Web API says, as far as it is read."""

    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""


class Slack(Notifier):
    """One workspace by a bot, or one channel by a webhook."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says: ``url`` or ``token``.

        ``channel`` is the id of the one that a bot tells unless a person is told.
        ``callback_secret`` is what Slack signs pressed buttons with; where it is given,
        there is one to acknowledge with, and where it ``resolves``, one for that.
        """

        url: SecretRef | None = None
        token: SecretRef | None = None
        channel: str = ""
        api: str = "https://slack.com/api"
        callback_secret: SecretRef | None = None
        resolves: bool = False

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._url = ports.secret(config.url) if config.url else None
        self._token = ports.secret(config.token) if config.token else None
        self._channel = config.channel
        self._api = config.api.rstrip("/")
        self._callbacks: list[Verb] = []
        if config.callback_secret is not None:
            verbs = {Verb.ACKNOWLEDGE: True, Verb.RESOLVE: config.resolves}
            self._callbacks = [verb for verb, is_on in verbs.items() if is_on]
        self._http = ports.http
        self._clock = ports.clock
        if problems := self._problems(config):
            raise SettingsError([f"responders.{name}{each}" for each in problems])

    async def apply(self, action: Action) -> Outcome:
        """Say it, or change what was said, and add to its thread.

        What a repeat would say once more is sent last, or is named by the failure of
        what comes after it: so an attempt that failed says nothing twice.
        """
        if self._token is None:
            return await self._by_webhook(action)
        if action.verb is not Verb.TRIGGER and not await self._is_changed(action):
            return Outcome(reference=await self._post(action, _BECAME))
        reference = action.reference or await self._post(action, _gist(action))
        try:
            await self._reply(action, reference)
        except ResponderError as failure:
            failure.reference = reference
            raise
        return Outcome(reference=reference)

    async def _by_webhook(self, action: Action) -> Outcome:
        is_first = action.verb is Verb.TRIGGER
        body = self._content(action, _all(action) if is_first else _BECAME)
        answered = await self._http.post(
            self._url.reveal() if self._url else "",
            headers={"content-type": "application/json; charset=utf-8"},
            body=msgspec.json.encode(body),
        )
        raise_for_status(answered, side="Slack", accepted=[200], now=self._clock)
        if answered.body.strip() != b"ok":
            raise TransientFailure(FailureReason.SERVER, "Slack did not answer ok")
        return Outcome()

    async def _post(self, action: Action, shown: Container[str]) -> str:
        """Say it in the channel, or to the person; the name of the message."""
        to = {"channel": action.address or self._channel}
        said = await self._call(
            "chat.postMessage", _QUIET | to | self._content(action, shown)
        )
        if not (_CHANNEL.fullmatch(said.channel) and _TS.fullmatch(said.ts)):
            raise TransientFailure(FailureReason.SERVER, "Slack named no message")
        return f"{said.channel}:{said.ts}"

    async def _is_changed(self, action: Action) -> bool:
        """Have the message say how the incident is now, if there still is one."""
        if not action.reference:
            return False
        channel, _, ts = action.reference.partition(":")
        content = {"channel": channel, "ts": ts} | self._content(action, _gist(action))
        answer = await self._call("chat.update", content, expected=_SEALED)
        return answer.ok

    async def _reply(self, action: Action, reference: str) -> None:
        """Add to the thread of the message what belongs there: details, or news."""
        said = told(action)
        shown = _DETAILS if action.verb is Verb.TRIGGER else {"news"}
        sections = [section for section in said.sections if section.key in shown]
        if not sections and action.verb is not Verb.UPDATE:
            return
        channel, _, ts = reference.partition(":")
        content = {
            "channel": channel,
            "thread_ts": ts,
            "reply_broadcast": action.occasion in _LOUD,
            "text": escaped(f"{said.why}: {said.headline}"),
            "blocks": reply(action, said, sections),
            "metadata": _metadata(action),
        }
        await self._call("chat.postMessage", _QUIET | content)

    def _content(self, action: Action, shown: Container[str]) -> dict[str, Any]:
        """The message itself; ``text`` is what notifications show of it."""
        said = told(action)
        sections = [section for section in said.sections if section.key in shown]
        content = {
            "text": escaped(f"{said.why}: {said.headline}"),
            "blocks": notice(action, said, sections, callbacks=self._callbacks),
        }
        if self._token is None:
            return content | {"unfurl_links": False, "unfurl_media": False}
        return content | {"metadata": _metadata(action)}

    async def _call(
        self, method: str, content: dict[str, Any], *, expected: Container[str] = ()
    ) -> _Answer:
        """What Slack answers; an error that is not ``expected`` is raised."""
        token = self._token.reveal() if self._token else ""
        answered = await self._http.post(
            f"{self._api}/{method}",
            headers={
                "content-type": "application/json; charset=utf-8",
                "authorization": f"Bearer {token}",
            },
            body=msgspec.json.encode(content),
        )
        raise_for_status(answered, side="Slack", accepted=[200], now=self._clock)
        try:
            answer = msgspec.json.decode(answered.body, type=_Answer)
        except msgspec.MsgspecError:
            # What it did is not known; the text of the error repeats what came.
            raise TransientFailure(
                FailureReason.SERVER, "Slack answered what cannot be read"
            ) from None
        if not answer.ok and answer.error not in expected:
            raise self._failure(answer.error, answered)
        return answer

    def _failure(self, error: str, answered: Reply) -> ResponderError:
        """What an error of the Web API means; one that is not known is not repeated."""
        message = f"Slack answered {error}"
        if error in _TRANSIENT:
            wait = retry_after(answered, now=self._clock())
            return TransientFailure(_TRANSIENT[error], message, retry_after=wait)
        if error in _PERMANENT:
            return PermanentFailure(_PERMANENT[error], message)
        return PermanentFailure(FailureReason.INVALID, "Slack refused it")

    def _problems(self, config: Config) -> list[str]:
        if (config.url is None) == (config.token is None):
            return [": expected one of url and token"]
        problems = []
        if config.url and self._url and (problem := url_problem(self._url.reveal())):
            problems.append(f".url: the setting {config.url.setting} {problem}")
        if config.url and config.channel:
            problems.append(".channel: a webhook has its channel")
        if problem := url_problem(config.api):
            problems.append(f".api {problem}")
        if config.token and self._token and not _TOKEN.fullmatch(self._token.reveal()):
            problems.append(
                f".token: the setting {config.token.setting} does not hold a token"
            )
        if config.token and not _CHANNEL.fullmatch(config.channel):
            problems.append(".channel: expected an id, such as C0123456789")
        return problems


# Nothing is made of what a text may hold: no previews, no names, no links.
_QUIET = {
    "unfurl_links": False,
    "unfurl_media": False,
    "link_names": False,
    "parse": "none",
    "mrkdwn": False,
}


def _all(action: Action) -> Container[str]:
    return {section.key for section in told(action).sections}


def _gist(action: Action) -> Container[str]:
    """What stands in the channel as long as the incident is told of."""
    return {s.key for s in told(action).sections} - _DETAILS - {"news"}


def _metadata(action: Action) -> dict[str, Any]:
    """By which a program finds the message; people are not shown it."""
    return {
        "event_type": "firewatch_notice",
        "event_payload": {
            "key": action.key,
            "dedup_key": action.dedup_key,
            "incident": action.incident,
        },
    }
