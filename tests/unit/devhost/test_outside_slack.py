"""The stand-in of Slack: as strict as Slack, and it remembers what is said where."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devhost.outside import Outside
from devhost.outside.slack_blocks import block_problems
from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "authorization": "Bearer xoxb-1",
}
RICH: dict[str, Any] = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "emoji", "name": "eyes"},
                {"type": "text", "text": "fire", "style": {"bold": True}},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "here"}],
                }
            ],
        },
    ],
}
PLAIN = {"type": "plain_text", "text": "look", "emoji": False}
BLOCKS: list[dict[str, Any]] = [
    RICH,
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "a", "text": PLAIN, "value": "1"},
            {
                "type": "button",
                "action_id": "b",
                "text": PLAIN,
                "url": "https://firewatch.example/",
            },
        ],
    },
    {"type": "context", "block_id": "foot", "elements": [PLAIN]},
]


class Bot:
    """What talks to the stand-in in these tests."""

    def __init__(self, outside: Outside, client: httpx.AsyncClient) -> None:
        self.slack = outside.slack
        self._client = client

    async def call(
        self,
        method: str,
        headers: dict[str, str] = HEADERS,
        **content: Any,  # noqa: ANN401 - JSON
    ) -> Any:  # noqa: ANN401 - JSON
        reply = await self._client.post(
            f"/slack/api/{method}", json=content, headers=headers
        )
        assert reply.status_code == 200
        return reply.json()

    async def say(self, **content: Any) -> Any:  # noqa: ANN401 - JSON
        given = {"channel": "C0123", "text": "hello"} | content
        return await self.call("chat.postMessage", **given)

    async def hook(self, **more: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
        return await self._client.post(
            "/slack/services/soc", **({"headers": HEADERS} | more)
        )


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with (
        Outside.start(clock=lambda: NOON) as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        yield Bot(outside, client)


async def test_each_message_has_a_name_of_its_own(bot: Bot) -> None:
    """Slack tells no repeats: what is said twice is there twice."""
    first, second = await bot.say(blocks=BLOCKS), await bot.say(blocks=BLOCKS)

    assert (first["ok"], first["channel"]) == (True, "C0123")
    assert first["ts"] != second["ts"]
    assert [said.ts for said in bot.slack.channel("C0123")] == [
        first["ts"],
        second["ts"],
    ]


async def test_a_message_is_changed_in_place(bot: Bot) -> None:
    """The name and the metadata stay."""
    said = await bot.say(metadata={"event_type": "x"})

    answer = await bot.call(
        "chat.update", channel="C0123", ts=said["ts"], text="bye", blocks=BLOCKS
    )

    [now] = bot.slack.channel("C0123")
    assert (answer["ok"], answer["ts"]) == (True, said["ts"])
    assert (now.text, now.edits, now.metadata) == ("bye", 1, {"event_type": "x"})


async def test_a_thread_is_folded(bot: Bot) -> None:
    """What is in it is not in the channel, and its beginning must be there."""
    said = await bot.say()

    inside = await bot.say(thread_ts=said["ts"], text="more")
    nowhere = await bot.say(thread_ts="1.2")

    [parent] = bot.slack.channel("C0123")
    assert [each.ts for each in bot.slack.thread(parent)] == [inside["ts"]]
    assert nowhere == {"ok": False, "error": "thread_not_found"}


async def test_a_person_has_a_channel(bot: Bot) -> None:
    """Messages to a person are in the channel of the two."""
    said = await bot.say(channel="U0ADA")

    assert said["channel"] == "D0ADA"
    assert len(bot.slack.channel("D0ADA")) == 1


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        (HEADERS | {"authorization": ""}, "not_authed"),
        (HEADERS | {"authorization": "Bearer letmein"}, "invalid_auth"),
        (HEADERS | {"content-type": "application/json"}, "invalid_post_type"),
    ],
)
async def test_who_may_not_is_told_with_status_200(
    bot: Bot, headers: dict[str, str], error: str
) -> None:
    """As Slack does."""
    answer = await bot.call("chat.postMessage", headers, channel="C0123", text="x")

    assert answer == {"ok": False, "error": error}
    assert bot.slack.received() == {"messages": [], "refused": [error]}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"channel": "#soc"}, "channel_not_found"),
        ({"channel": None}, "channel_not_found"),
        ({"text": ""}, "no_text"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [deepcopy(RICH) for _ in range(50)]}, "msg_blocks_too_long"),
    ],
)
async def test_what_slack_does_not_take_is_refused(
    bot: Bot, content: dict[str, object], error: str
) -> None:
    """Nothing is said."""
    assert await bot.say(**content) == {"ok": False, "error": error}
    assert bot.slack.messages == []


async def test_only_what_the_bot_said_can_be_changed(bot: Bot) -> None:
    """Neither what is not there nor what a webhook said."""
    await bot.hook(json={"text": "hello"})
    [said] = bot.slack.messages

    absent = await bot.call("chat.update", channel="C0123", ts="1.2", text="x")
    other = await bot.call("chat.update", channel=said.channel, ts=said.ts, text="x")

    assert (absent["error"], other["error"]) == (
        "message_not_found",
        "cant_update_message",
    )


async def test_a_webhook_answers_in_plain_text(bot: Bot) -> None:
    """`ok`, or what is wrong."""
    taken = await bot.hook(json={"text": "hello", "blocks": BLOCKS})
    empty = await bot.hook(json={})
    broken = await bot.hook(content=b"{")

    assert (taken.status_code, taken.text) == (200, "ok")
    assert (empty.status_code, empty.text) == (400, "no_text")
    assert (broken.status_code, broken.text) == (400, "invalid_payload")
    assert len(bot.slack.messages) == 1


def test_the_good_blocks_are_good() -> None:
    """So that what follows fails for what was changed alone."""
    assert block_problems(BLOCKS) == []


def changed(*path: str | int, to: object) -> list[dict[str, Any]]:
    """The good blocks with one thing changed."""
    blocks = deepcopy(BLOCKS)
    part: Any = blocks
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = to
    return blocks


INLINE = (0, "elements", 0, "elements")


@pytest.mark.parametrize(
    "blocks",
    [
        {},
        [BLOCKS[2]] * 2,
        [RICH] * 51,
        changed(0, to="text"),
        changed(0, "type", to="section"),
        changed(0, "elements", to=[]),
        changed(0, "accessory", to={}),
        changed(*INLINE, 0, "name", to=""),
        changed(*INLINE, 1, "text", to=""),
        changed(*INLINE, 1, "type", to="mrkdwn"),
        changed(*INLINE, 1, "style", to={"blink": True}),
        changed(*INLINE, 1, "url", to="https://evil.example"),
        changed(0, "elements", 1, "style", to="dotted"),
        changed(1, "elements", to=[BLOCKS[1]["elements"][0]] * 26),
        changed(1, "elements", 1, "action_id", to="a"),
        changed(1, "elements", 0, "text", to={"type": "mrkdwn", "text": "look"}),
        changed(1, "elements", 0, "text", to=PLAIN | {"text": "x" * 76}),
        changed(1, "elements", 0, "value", to="x" * 2_001),
        changed(1, "elements", 1, "url", to="x" * 3_001),
        changed(2, "elements", to=[PLAIN] * 11),
        changed(2, "elements", 0, to={"type": "mrkdwn", "text": "look"}),
        changed(2, "block_id", to="x" * 256),
    ],
)
def test_what_is_wrong_with_blocks_is_said(blocks: object) -> None:
    """Each rule alone is enough to refuse them."""
    assert block_problems(blocks) != []
