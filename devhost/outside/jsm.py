"""Integration Events of Jira Service Management Operations (remote-apis-sinks.md 2)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# The longest that each text of an alert may be, and of a note.
ALERT_TEXTS = {
    "message": 130,
    "alias": 512,
    "description": 15_000,
    "entity": 512,
    "source": 100,
    "user": 100,
    "note": 25_000,
}
FOLLOW_UP_TEXTS = {"note": 25_000, "source": 100, "user": 100}
LISTS = ("responders", "visibleTo", "actions", "tags")
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
KINDS = ("team", "user", "escalation", "schedule")
DETAILS_SIZE = 8_000


class Alert(msgspec.Struct, kw_only=True):
    """An alert as people saw it; ``count`` is how often it was asked for while open.

    Each that is opened is one of its own: a closed one stays closed.
    """

    alias: str
    opened_at: datetime
    body: dict[str, Any]
    count: int = 1
    status: str = "open"
    acknowledged: bool = False
    notes: list[str] = []


class JsmSide:
    """Every alert that was opened, and what became of it."""

    name = "jsm"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.alerts: list[Alert] = []
        self.refused: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/jsm`."""
        return [
            web.post("/jsm/v2/alerts", self._create),
            web.post(
                "/jsm/v2/alerts/{alias}/{doing:acknowledge|close|notes}", self._follow
            ),
        ]

    def received(self) -> dict[str, Any]:
        """What was taken and refused."""
        return {"alerts": self.alerts, "refused": self.refused}

    async def _create(self, request: web.Request) -> web.Response:
        body, problem = _read(request, await request.read())
        problem = problem or next(_problems(body), "")
        if problem:
            return self._refuse(request, problem)
        alias = body.setdefault("alias", str(uuid4()))
        known = self._open(alias)
        if known is None:
            alert = Alert(alias=alias, opened_at=self._clock(), body=body)
            self.alerts.append(alert)
        else:
            known.count += 1
        return _taken()

    async def _follow(self, request: web.Request) -> web.Response:
        body, problem = _read(request, await request.read())
        problem = problem or next(_too_long(body, FOLLOW_UP_TEXTS), "")
        if request.query.get("identifierType") != "alias":
            problem = problem or "identifierType: only alias is served here"
        doing = request.match_info["doing"]
        if doing == "notes" and not body.get("note"):
            problem = problem or "note is missing"
        if problem:
            return self._refuse(request, problem)
        alert = self._open(request.match_info["alias"])
        # The real one finds out later that there is none, and has said 202 by then.
        if alert is not None:
            if body.get("note"):
                alert.notes.append(body["note"])
            alert.acknowledged |= doing == "acknowledge"
            if doing == "close":
                alert.status = "closed"
        return _taken()

    def _open(self, alias: str) -> Alert | None:
        found = (a for a in self.alerts if a.alias == alias and a.status == "open")
        return next(found, None)

    def _refuse(self, request: web.Request, problem: str) -> web.Response:
        self.refused.append(problem)
        status = 422 if _is_admitted(request) else 401
        return web.json_response(
            {"message": problem, "took": 0.0, "requestId": str(uuid4())}, status=status
        )


def _taken() -> web.Response:
    taken = {"result": "Request will be processed", "took": 0.1}
    return web.json_response(taken | {"requestId": str(uuid4())}, status=202)


def _is_admitted(request: web.Request) -> bool:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme == "GenieKey" and bool(key)


def _read(request: web.Request, raw: bytes) -> tuple[dict[str, Any], str]:
    """The body, and what is wrong with the request as a whole."""
    if not _is_admitted(request):
        return {}, "no GenieKey"
    try:
        body = json.loads(raw)
    except ValueError:
        return {}, "the body is not JSON"
    return (body, "") if isinstance(body, dict) else ({}, "the body is no object")


def _problems(body: dict[str, Any]) -> Iterator[str]:
    if not body.get("message"):
        yield "message is missing"
    yield from _too_long(body, ALERT_TEXTS)
    if body.get("priority", "P3") not in PRIORITIES:
        yield "priority is none of P1 to P5"
    for name in LISTS:
        entries = body.get(name, [])
        if not isinstance(entries, list) or len(entries) > 50:
            yield f"{name} is no list, or too long"
            return
    for one in [*body.get("responders", []), *body.get("visibleTo", [])]:
        if (
            not isinstance(one, dict)
            or not one.get("id")
            or one.get("type") not in KINDS
        ):
            yield "responders: an id or a type is missing"
    tags = body.get("tags", [])
    if len(tags) > 20 or not all(
        isinstance(t, str) and 0 < size(t) <= 50 for t in tags
    ):
        yield "tags: more than 20, or one of more than 50 characters"
    details = body.get("details", {})
    if not isinstance(details, dict) or not all(
        isinstance(value, str) for value in details.values()
    ):
        yield "details is no object of texts"
    elif (
        sum(size(name) + size(value) for name, value in details.items()) > DETAILS_SIZE
    ):
        yield f"details are more than {DETAILS_SIZE} characters"


def _too_long(body: dict[str, Any], texts: Mapping[str, int]) -> Iterator[str]:
    for name, limit in texts.items():
        value = body.get(name, "")
        if not isinstance(value, str) or size(value) > limit:
            yield f"{name} is no text of at most {limit} characters"


def size(text: str) -> int:
    """Characters as Java counts them."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
