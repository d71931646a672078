"""The stand-in of Teams' workflows: it takes what Teams would show, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devhost.outside import Outside
from devhost.outside.teams import message_problems
from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEADERS = {"content-type": "application/json; charset=utf-8"}
GOOD: dict[str, Any] = {
    "type": "message",
    "attachments": [
        {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": [
                    {
                        "type": "Container",
                        "style": "attention",
                        "items": [
                            {
                                "type": "RichTextBlock",
                                "inlines": [{"type": "TextRun", "text": "fire"}],
                            }
                        ],
                    },
                    {
                        "type": "ActionSet",
                        "actions": [
                            {
                                "type": "Action.OpenUrl",
                                "title": "Look",
                                "url": "https://firewatch.example/",
                            }
                        ],
                    },
                ],
            },
        }
    ],
}


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with Outside.start(clock=lambda: NOON) as started:
        yield started


async def post(outside: Outside, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
    async with httpx.AsyncClient(base_url=outside.url, trust_env=False) as client:
        return await client.post(path, **({"json": GOOD, "headers": HEADERS} | more))


def changed(*path: str | int, to: object) -> dict[str, Any]:
    """The good message with one thing of its card changed."""
    message = deepcopy(GOOD)
    part: Any = message["attachments"][0]["content"]
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = to
    return message


async def test_each_request_is_a_card(outside: Outside) -> None:
    """A flow tells no repeats: what comes twice is shown twice; it only says 202."""
    replies = [await post(outside, "/teams/soc?sig=x") for _ in range(2)]

    assert [(reply.status_code, reply.text) for reply in replies] == [(202, "")] * 2
    assert [(card.flow, card.received_at) for card in outside.teams.cards] == [
        ("soc", NOON)
    ] * 2
    assert outside.teams.cards[0].content == GOOD["attachments"][0]["content"]


async def test_a_flow_wants_a_signature_or_a_token(outside: Outside) -> None:
    """Without either nothing is posted."""
    token = HEADERS | {"authorization": "Bearer x"}

    without = await post(outside, "/teams/soc")
    signed_in = await post(outside, "/teams/soc", headers=token)

    assert (without.status_code, signed_in.status_code) == (401, 202)
    assert len(outside.teams.cards) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": {"content-type": "application/json"}},
        {"json": None, "content": b"{"},
        {"json": None, "content": b'{"a":"' + b"x" * 30_000 + b'"}'},
        {"json": changed("version", to="1.6")},
    ],
)
async def test_what_teams_would_not_show_is_refused(
    outside: Outside, wrong: dict[str, Any]
) -> None:
    """The real flow fails later, where nobody sees it; this one says so."""
    reply = await post(outside, "/teams/soc?sig=x", **wrong)

    assert reply.status_code == 400
    assert outside.teams.cards == []
    assert outside.teams.received()["refused"] != []


def test_the_good_card_is_good() -> None:
    """So that what follows fails for what was changed alone."""
    assert message_problems(GOOD) == []


@pytest.mark.parametrize(
    "message",
    [
        [],
        {"type": "message", "attachments": []},
        GOOD | {"type": "MessageCard"},
        changed("type", to="HeroCard"),
        changed("actions", to=[]),
        changed("msteams", to={"entities": [{"type": "mention"}]}),
        changed("body", 0, "type", to="TextBlock"),
        changed("body", 0, "style", to="loud"),
        changed("body", 0, "spacing", to="Huge"),
        changed("body", 0, "rtl", to=True),
        changed("body", 1, to={"type": "Container"}),
        changed("body", 0, "items", 0, "inlines", 0, to="text"),
        changed("body", 0, "items", 0, "inlines", 0, "text", to=""),
        changed("body", 0, "items", 0, "inlines", 0, "weight", to="Bold"),
        changed("body", 0, "items", 0, "inlines", 0, "selectAction", to={}),
        changed("body", 1, "actions", 0, "type", to="Action.Submit"),
        changed("body", 1, "actions", 0, "url", to="http://firewatch.example"),
        changed("body", 1, "actions", 0, "title", to=""),
        changed("body", 1, "actions", 0, "iconUrl", to="https://x.example"),
        changed(
            "body",
            to=[{"type": "Container", "id": "a", "items": []} for _ in range(2)],
        ),
    ],
)
def test_what_is_wrong_with_a_card_is_said(message: object) -> None:
    """Each rule of the card alone is enough to refuse it."""
    assert message_problems(message) != []
