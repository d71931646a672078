"""Slack's Web API and its incoming webhooks, as far as a bot can tell.

(remote-apis-sinks.md 4)
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from devhost.outside.slack_blocks import block_problems

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_CUT = 40_000
# Undocumented: what senders found that chat.postMessage refuses (slackapi/bolt-js#2509).
BLOCKS_LIMIT = 13_200

_CHANNEL = re.compile(r"[CDG][A-Z0-9]{2,20}")
_USER = re.compile(r"[UW]([A-Z0-9]{2,20})")


class Said(msgspec.Struct, kw_only=True):
    """One message as it is now; ``edits`` counts how often it was changed.

    ``thread_ts`` is the message in whose thread it is, and ``is_broadcast`` whether the
    channel sees it all the same; ``author`` the webhook that said it, or ``bot``.
    """

    channel: str
    ts: str
    text: str
    author: str
    said_at: datetime
    blocks: list[dict[str, Any]] = []
    metadata: dict[str, Any] | None = None
    thread_ts: str | None = None
    is_broadcast: bool = False
    edits: int = 0


class SlackSide:
    """Every channel there is, and what is said in it. All of them let the bot in.

    A test that wants another answer adds a Fault with a body, since Slack says what is
    wrong with status 200.
    """

    name = "slack"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.messages: list[Said] = []
        self.refused: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where its API and its webhooks are, below `/slack`."""
        return [
            web.post("/slack/api/chat.postMessage", self._post),
            web.post("/slack/api/chat.update", self._update),
            web.post("/slack/services/{hook}", self._hook),
        ]

    def received(self) -> dict[str, Any]:
        """What is said in the channels, and what was refused."""
        return {"messages": self.messages, "refused": self.refused}

    def channel(self, channel: str) -> list[Said]:
        """What one sees in a channel, the threads folded."""
        return [
            said
            for said in self.messages
            if said.channel == channel and said.thread_ts is None
        ]

    def thread(self, parent: Said) -> list[Said]:
        """What one sees on unfolding the thread of a message."""
        return [
            said
            for said in self.messages
            if (said.channel, said.thread_ts) == (parent.channel, parent.ts)
        ]

    async def _post(self, request: web.Request) -> web.Response:
        content, error = await _read(request)
        channel = _channel_of(content.get("channel"))
        thread_ts = content.get("thread_ts")
        if not error and channel is None:
            error = "channel_not_found"
        if not error and thread_ts and not self._find(channel, thread_ts):
            error = "thread_not_found"
        if error or channel is None:
            return self._refuse(error)
        said = self._say(channel, content, author="bot", thread_ts=thread_ts)
        return _taken(said)

    async def _update(self, request: web.Request) -> web.Response:
        content, error = await _read(request)
        if error:
            return self._refuse(error)
        said = self._find(content.get("channel"), content.get("ts"))
        if said is None:
            return self._refuse("message_not_found")
        if said.author != "bot":
            return self._refuse("cant_update_message")
        said.text = content.get("text", "")[:TEXT_CUT]
        said.blocks = content.get("blocks", [])
        said.metadata = content.get("metadata", said.metadata)
        said.edits += 1
        return _taken(said)

    async def _hook(self, request: web.Request) -> web.Response:
        """An incoming webhook has one channel, and answers in plain text."""
        hook = request.match_info["hook"]
        content, error = await _content_of(request)
        if error:
            self.refused.append(error)
            known = error if error in {"no_text", "invalid_blocks"} else ""
            return web.Response(status=400, text=known or "invalid_payload")
        self._say(f"C-{hook}", content, author=hook)
        return web.Response(text="ok")

    def _say(
        self,
        channel: str,
        content: dict[str, Any],
        *,
        author: str,
        thread_ts: str | None = None,
    ) -> Said:
        now = self._clock()
        said = Said(
            channel=channel,
            ts=f"{int(now.timestamp())}.{len(self.messages) + 1:06d}",
            text=content.get("text", "")[:TEXT_CUT],
            author=author,
            said_at=now,
            blocks=content.get("blocks", []),
            metadata=content.get("metadata"),
            thread_ts=thread_ts,
            is_broadcast=bool(content.get("reply_broadcast")),
        )
        self.messages.append(said)
        return said

    def _find(self, channel: str | None, ts: object) -> Said | None:
        found = [s for s in self.messages if (s.channel, s.ts) == (channel, ts)]
        return found[0] if found else None

    def _refuse(self, error: str) -> web.Response:
        self.refused.append(error)
        return web.json_response({"ok": False, "error": error})


def _taken(said: Said) -> web.Response:
    message = {"type": "message", "text": said.text, "blocks": said.blocks}
    return web.json_response(
        {"ok": True, "channel": said.channel, "ts": said.ts, "message": message}
    )


def _channel_of(to: object) -> str | None:
    """The channel to post to; for a person, that of the direct messages with them."""
    if not isinstance(to, str):
        return None
    person = _USER.fullmatch(to)
    if person is not None:
        return f"D{person[1]}"
    return to if _CHANNEL.fullmatch(to) else None


async def _read(request: web.Request) -> tuple[dict[str, Any], str]:
    """The arguments of a method, and the error that Slack answers first."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        return {}, "not_authed"
    if not token.startswith("xox"):
        return {}, "invalid_auth"
    return await _content_of(request)


async def _content_of(request: web.Request) -> tuple[dict[str, Any], str]:
    if request.headers.get("content-type") != "application/json; charset=utf-8":
        return {}, "invalid_post_type"
    try:
        content = json.loads(await request.read())
    except ValueError:
        return {}, "invalid_json"
    if not isinstance(content, dict):
        return {}, "json_not_object"
    return content, _error_of(content.get("text"), content.get("blocks", []))


def _error_of(text: object, blocks: object) -> str:
    if not text and not blocks:
        return "no_text"
    if block_problems(blocks):
        return "invalid_blocks"
    written = json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))
    return "msg_blocks_too_long" if len(written) > BLOCKS_LIMIT else ""
