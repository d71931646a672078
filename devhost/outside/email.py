"""Azure Communication Services' email API (remote-apis-sinks.md 7)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

API_VERSIONS = ("2023-03-31", "2025-09-01")
MOST_RECIPIENTS = 50
RECIPIENTS = ("to", "cc", "bcc")

# A sender with a display name is refused, too.
_ADDRESS = re.compile(r"[^@\s<>\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Mail(msgspec.Struct, kw_only=True):
    """A mail that was queued; ``repeats`` counts how often its id came again."""

    operation: str
    received_at: datetime
    message: dict[str, Any]
    repeats: int = 0


class EmailSide:
    """Every mail that was taken, by its operation.

    What the real one does with an id that it knows is nowhere written. Here the same
    mail is a repeat, and another one a conflict.
    """

    name = "email"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._by_operation: dict[str, Mail] = {}
        self.refused: list[str] = []

    @property
    def mails(self) -> list[Mail]:
        """What was taken, each operation once, in order of arrival."""
        return list(self._by_operation.values())

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/email`."""
        return [
            web.post("/email/emails:send", self._send),
            web.get("/email/emails/operations/{operation}", self._status),
        ]

    def received(self) -> dict[str, Any]:
        """What was taken and refused."""
        return {"mails": self.mails, "refused": self.refused}

    async def _send(self, request: web.Request) -> web.Response:
        message, problem = _read(await request.read())
        operation, wrong_id = _operation(request)
        status, code, text = _outsider(request) or (400, "BadRequest", "")
        problem = text or wrong_id or problem or next(_problems(message), "")
        if problem:
            return self._refuse(status, code, problem)
        known = self._by_operation.get(operation)
        if known is not None:
            if known.message != message:
                return self._refuse(409, "Conflict", "the operation is of another mail")
            known.repeats += 1
        else:
            self._by_operation[operation] = Mail(
                operation=operation, received_at=self._clock(), message=message
            )
        where = f"{request.scheme}://{request.host}/email/emails/operations/{operation}"
        return web.json_response(
            {"id": operation, "status": "Running"},
            status=202,
            headers={"operation-location": where, "retry-after": "30"},
        )

    async def _status(self, request: web.Request) -> web.Response:
        wrong = _outsider(request)
        if wrong is not None:
            return self._refuse(*wrong)
        operation = request.match_info["operation"]
        if operation not in self._by_operation:
            return _error(404, "NotFound", "no such operation")
        return web.json_response({"id": operation, "status": "Succeeded"})

    def _refuse(self, status: int, code: str, message: str) -> web.Response:
        self.refused.append(message)
        return _error(status, code, message)


def _error(status: int, code: str, message: str) -> web.Response:
    error = {"error": {"code": code, "message": message}}
    return web.json_response(error, status=status, headers={"x-ms-error-code": code})


def _outsider(request: web.Request) -> tuple[int, str, str] | None:
    """What a request is refused with before anybody looks at what it wants."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        return 401, "Denied", "no bearer token"
    if request.query.get("api-version") not in API_VERSIONS:
        return 400, "UnsupportedApiVersionValue", "api-version is missing or unknown"
    return None


def _operation(request: web.Request) -> tuple[str, str]:
    """The id of the operation, made up where there is none; and what is wrong."""
    given = request.headers.get("operation-id", str(uuid4()))
    try:
        return str(UUID(given)), ""
    except ValueError:
        return "", "Operation-Id is not a UUID"


def _read(raw: bytes) -> tuple[dict[str, Any], str]:
    try:
        message = json.loads(raw)
    except ValueError:
        return {}, "the body is not JSON"
    return (message, "") if isinstance(message, dict) else ({}, "the body is no object")


def _problems(message: dict[str, Any]) -> Iterator[str]:
    if not _is_address(message.get("senderAddress")):
        yield "senderAddress is missing or no address"
    content = message.get("content")
    if not isinstance(content, dict) or not _is_line(content.get("subject")):
        yield "content.subject is missing or no line"
    elif not any(content.get(form) for form in ("plainText", "html")):
        yield "content has neither plainText nor html"
    headers = message.get("headers", {})
    if not isinstance(headers, dict) or not all(map(_is_line, headers.values())):
        yield "headers is no object of lines"
    recipients = message.get("recipients")
    if not isinstance(recipients, dict) or not recipients.get("to"):
        yield "recipients.to is missing"
        return
    everyone = [one for field in RECIPIENTS for one in recipients.get(field, [])]
    if len(everyone) > MOST_RECIPIENTS:
        yield f"more than {MOST_RECIPIENTS} recipients"
    for one in [*everyone, *message.get("replyTo", [])]:
        if not isinstance(one, dict) or not _is_address(one.get("address")):
            yield "a recipient has no address"


def _is_address(value: object) -> bool:
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not {"\r", "\n"} & {*value}
