"""Slack as responders have it: a bot and a webhook, and a workspace to say it in."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from devhost.outside import Fault, Outside
from responders.slack import Slack
from shared.actions.rendering import message, telling
from shared.clouds.http import HttpClient
from shared.model.http import Reply
from shared.model.secret import SecretRef
from tests.factories import NOON, make_incident
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports
from tests.golden.messages import actions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from devhost.outside.slack import Said
    from shared.model.action import Action
    from shared.model.http import Http
    from shared.model.message import Message

TOKEN = "xoxb-1234-abcdef"
HOOK = "https://hooks.slack.com/services/T0/B0/s3cr3t"
CHANNEL = "C0SOC"
REFERENCE = "C0SOC:1763899200.000001"
OK = Reply(
    status=200,
    headers={},
    body=b'{"ok":true,"channel":"C0SOC","ts":"1763899200.000001","more":[1]}',
)


SAID = Reply(status=200, headers={}, body=b"ok")
SECRETS = {"BOT": TOKEN, "HOOK": HOOK, "SIGNING": "shhh"}


def refused(error: str, **headers: str) -> Reply:
    body = msgspec.json.encode({"ok": False, "error": error})
    return Reply(status=200, headers=headers, body=body)


def make_bot(http: Http, **config: Any) -> Slack:  # noqa: ANN401 - the fields of Config
    given: dict[str, Any] = {"token": SecretRef("BOT"), "channel": CHANNEL} | config
    return Slack("soc", Slack.Config(**given), make_ports(http, SECRETS))


def make_hook(http: Http, **config: Any) -> Slack:  # noqa: ANN401 - the fields of Config
    given: dict[str, Any] = {"url": SecretRef("HOOK")} | config
    return Slack("soc", Slack.Config(**given), make_ports(http, SECRETS))


async def made(name: str, **changes: Any) -> Action:  # noqa: ANN401 - the fields of Action
    """One of the actions that all notifiers are reviewed by."""
    return replace((await actions(make_bot(FakeHttp())))[name], **changes)


async def plain() -> Action:
    """A notice with nothing to say in a thread."""
    [action] = await make_bot(FakeHttp()).plan(make_incident())
    return telling(action, message(make_incident()))


def told(action: Action) -> Message:
    assert action.message is not None
    return action.message


class Room(NamedTuple):
    """A workspace, and the bot in it."""

    outside: Outside
    bot: Slack
    http: HttpClient

    async def opened(self, **changes: Any) -> Action:  # noqa: ANN401 - the fields of Action
        """What follows ``opened``: the incident's message is there."""
        outcome = await self.bot.apply(await made("opened", **changes))
        return await made("updated", reference=outcome.reference)

    @property
    def said(self) -> list[Said]:
        return self.outside.slack.channel(CHANNEL)

    def fails(self, error: str) -> None:
        """Have the next request be refused so."""
        body = f'{{"ok":false,"error":"{error}"}}'
        self.outside.faults.add(Fault(side="slack", status=200, body=body, times=1))


@asynccontextmanager
async def opened_room() -> AsyncIterator[Room]:
    http = HttpClient()
    async with Outside.start(clock=lambda: NOON) as outside:
        yield Room(outside, make_bot(http, api=f"{outside.url}/slack/api"), http)
        await http.close()


def texts(value: object, kind: str = "") -> Iterator[tuple[str, str]]:
    """Every text that is shown, and the kind of object that it stands in."""
    if isinstance(value, dict):
        kind = value.get("type", kind)
        if isinstance(value.get("text"), str):
            yield kind, value["text"]
        for inner in value.values():
            yield from texts(inner, kind)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, kind)


def shown(blocks: object) -> list[str]:
    return [text for _, text in texts(blocks)]


def buttons(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        e for block in blocks if block["type"] == "actions" for e in block["elements"]
    ]
