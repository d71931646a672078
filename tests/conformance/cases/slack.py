"""A bot in Slack; what a webhook says differently is in its unit test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from devhost.outside.slack_blocks import block_problems
from responders.markup.blocks import BLOCKS_SIZE, size
from tests.conformance.case import Case

if TYPE_CHECKING:
    from tests.fakes.http import Sent

_TOKEN = "xoxb-s33ded-t0ken-of-the-bot"


def _problems(sent: Sent) -> list[str]:
    """Blocks that Slack takes, and a text in which it finds no markup."""
    problems = block_problems(sent.json["blocks"])
    if size(sent.json["blocks"]) > BLOCKS_SIZE:
        problems.append(f"{size(sent.json['blocks'])} bytes of blocks")
    if "mrkdwn" in json.dumps(sent.json["blocks"]):
        problems.append("markup is live in a block")
    text = sent.json["text"]
    for entity in ("&amp;", "&lt;", "&gt;"):
        text = text.replace(entity, "")
    if {*text} & {*"&<>"}:
        problems.append(f"not escaped: {text[:80]}")
    return problems


CASE = Case(
    settings=lambda url: {
        "token": {"setting": "BOT"},
        "channel": "C0CONFORM",
        "api": f"{url}/slack/api",
        "callback_secret": {"setting": "SIGNING"},
    },
    secrets={"BOT": _TOKEN, "SIGNING": "s33ded-signing"},
    seeded=(_TOKEN, "s33ded-signing"),
    accepted={200},
    body_cap=30_000,
    identity=lambda sent: (sent.url, sent.json["metadata"]["event_payload"]["key"]),
    effects=lambda outside: len(outside.slack.messages),
    answer=b'{"ok":true,"channel":"C0CONFORM","ts":"1763899200.000100"}',
    tells_repeats=False,
    link_paths={".blocks[].elements[].url"},
    problems=_problems,
)
