"""Flows that post cards to Microsoft Teams (remote-apis-sinks.md 3)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# About 28 KB; the real one answers 202 and fails in the flow, this one says so.
MESSAGE_LIMIT = 28 * 1024
CARD_TYPE = "application/vnd.microsoft.card.adaptive"

_SPACING = {"None", "Small", "Default", "Medium", "Large", "ExtraLarge", "Padding"}
_STYLES = {"default", "emphasis", "good", "attention", "warning", "accent"}
_ELEMENT = {"type", "id", "spacing", "separator", "isVisible", "height"}
_RUN: dict[str, tuple[object, ...]] = {
    "type": ("TextRun",),
    "size": ("Default", "Small", "Medium", "Large", "ExtraLarge"),
    "weight": ("Default", "Lighter", "Bolder"),
    "fontType": ("Default", "Monospace"),
    "isSubtle": (True, False),
    "italic": (True, False),
}
# What Adaptive Cards 1.4 has of these, as far as it is used: kind -> its properties,
# and those that must be there.
_KINDS: dict[str, tuple[set[str], set[str]]] = {
    "Container": (_ELEMENT | {"items", "style", "bleed"}, {"items"}),
    "ActionSet": (_ELEMENT | {"actions"}, {"actions"}),
    "RichTextBlock": (_ELEMENT | {"inlines", "horizontalAlignment"}, {"inlines"}),
}


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card that was posted, by which flow, and when."""

    flow: str
    received_at: datetime
    content: dict[str, Any]


class TeamsSide:
    """Every flow by its name, and the cards that it posted: each request is one."""

    name = "teams"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.cards: list[Card] = []
        self.refused: list[list[str]] = []

    def routes(self) -> list[web.RouteDef]:
        """Where the flows are."""
        return [web.post("/teams/{flow}", self._run)]

    def received(self) -> dict[str, Any]:
        """What was posted and refused; no URL, since its query is the secret."""
        return {"cards": self.cards, "refused": self.refused}

    async def _run(self, request: web.Request) -> web.Response:
        is_signed = bool(request.query.get("sig"))
        has_token = request.headers.get("authorization", "").startswith("Bearer ")
        if not (is_signed or has_token):
            return self._refuse(401, ["neither sig nor a bearer token"])
        raw = await request.read()
        if problems := _problems(request, raw):
            return self._refuse(400, problems)
        [attachment] = json.loads(raw)["attachments"]
        self.cards.append(
            Card(
                flow=request.match_info["flow"],
                received_at=self._clock(),
                content=attachment["content"],
            )
        )
        return web.Response(status=202)

    def _refuse(self, status: int, problems: list[str]) -> web.Response:
        self.refused.append(problems)
        error = {"error": {"code": "InvalidRequest", "message": "; ".join(problems)}}
        return web.json_response(error, status=status)


def _problems(request: web.Request, raw: bytes) -> list[str]:
    if request.headers.get("content-type") != "application/json; charset=utf-8":
        return ["content-type is not JSON in UTF-8"]
    if len(raw) > MESSAGE_LIMIT:
        return [f"Request Entity too large: {len(raw)} bytes"]
    try:
        return message_problems(json.loads(raw))
    except ValueError:
        return ["the body is not JSON"]


def message_problems(message: Any) -> list[str]:  # noqa: ANN401 - whatever came
    """What is wrong with the message and the card in it."""
    attachments = message.get("attachments") if isinstance(message, dict) else None
    if not isinstance(attachments, list) or len(attachments) != 1:
        return ["expected one attachment"]
    [attachment] = attachments
    if message.get("type") != "message" or attachment.get("contentType") != CARD_TYPE:
        return ["not a message with an Adaptive Card"]
    return list(_card_problems(attachment.get("content")))


def _card_problems(card: Any) -> Iterator[str]:  # noqa: ANN401 - whatever came
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        yield "content is not an AdaptiveCard"
        return
    if card.get("version") != "1.4":
        yield "version is not 1.4"
    known = {"$schema", "type", "version", "msteams", "fallbackText", "body"}
    yield from (f"unknown: {name}" for name in card.keys() - known)
    # Mentions come alive by this, and none is ever wanted.
    if card.get("msteams", {}).keys() - {"width"}:
        yield "msteams holds more than width"
    ids: list[str] = []
    for place, element in enumerate(card.get("body") or []):
        yield from _element_problems(element, f"body[{place}]", ids)
    if len(ids) != len({*ids}):
        yield "an id stands twice"


def _element_problems(element: Any, path: str, ids: list[str]) -> Iterator[str]:  # noqa: ANN401
    kind = element.get("type")
    if kind not in _KINDS:
        yield f"{path} is a {kind}"
        return
    known, needed = _KINDS[kind]
    yield from (f"{path}.{name} is unknown" for name in element.keys() - known)
    yield from (f"{path}.{name} is missing" for name in needed - element.keys())
    if element.get("spacing", "Default") not in _SPACING:
        yield f"{path}.spacing"
    if element.get("style", "default") not in _STYLES:
        yield f"{path}.style"
    if "id" in element:
        ids.append(element["id"])
    for place, inner in enumerate(element.get("items", [])):
        yield from _element_problems(inner, f"{path}.items[{place}]", ids)
    for place, run in enumerate(element.get("inlines", [])):
        yield from _run_problems(run, f"{path}.inlines[{place}]")
    for place, action in enumerate(element.get("actions", [])):
        yield from _action_problems(action, f"{path}.actions[{place}]")


def _run_problems(run: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - whatever came
    if not isinstance(run, dict) or run.get("type") != "TextRun":
        yield f"{path} is no TextRun"
        return
    if not isinstance(run.get("text"), str) or not run["text"]:
        yield f"{path}.text is missing"
    for name, value in run.items():
        if name != "text" and value not in _RUN.get(name, ()):
            yield f"{path}.{name}"


def _action_problems(action: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    """Webhooks take no Action.Submit, and of the rest only links are ever wanted."""
    if action.get("type") != "Action.OpenUrl":
        yield f"{path} is a {action.get('type')}"
    if not str(action.get("url", "")).startswith("https://"):
        yield f"{path}.url is not https"
    if not isinstance(action.get("title"), str) or not action["title"]:
        yield f"{path}.title is missing"
    yield from (f"{path}.{n}" for n in action.keys() - {"type", "url", "title"})
