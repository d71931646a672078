"""Takes each request from its bytes to its answer, the same way for every operation."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from shared import telemetry
from shared.api import who, wire
from shared.api.operation import KEYS, PARTS, Call
from shared.api.wire import Answer, Mistake, bad, refusal
from shared.commands import Order
from shared.model.errors import (
    CommandRefused,
    CommandStale,
    FirewatchError,
    SenderRefused,
    SettingsError,
    StoreConflict,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.api.operation import Operation
    from shared.api.wire import Request
    from shared.bootstrap import App

# The longest note, each of its characters escaped, and ids of alerts.
LONGEST_BODY = 256 * 1024

JSON = "application/json"
IF_MATCH = "if-match"
IF_NONE_MATCH = "if-none-match"
ONCE = "idempotency-key"
ANY = "*"

# A function key may stand in the query; the host has looked at it, and we do not.
KEY_PARAMETER = "code"

NOT_YOURS = "this is for people whom the policy names as approvers, signed in"

_BUSY = {"retry-after": "5"}
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
# Whatever else is raised is a defect, which the host answers with 500 and no word.
_ANSWERED = (
    CommandRefused,
    SenderRefused,
    SettingsError,
    StoreConflict,
    StoreUnavailable,
)

_ONCE = re.compile(r"[\x20-\x7e]{1,200}")


class Desk:
    """Answers requests for the operations of one app."""

    def __init__(self, app: App, operations: Mapping[str, Operation]) -> None:
        self._app = app
        self._operations = operations

    async def __call__(self, name: str, request: Request) -> Answer:
        """The answer of an operation; what is wrong with a request is all said at once."""
        operation = self._operations[name]
        try:
            settings = await self._app.settings()
            by = who.sender(request.headers, easy_auth=settings.easy_auth)
            call = self._read(operation, request, by)
            if isinstance(call, Answer):
                return call
            if operation.decides and not await self._may_decide(request):
                return refusal(HTTPStatus.FORBIDDEN, NOT_YOURS)
            return await operation.run(call)
        except _ANSWERED as error:
            return _refused(error)

    async def _may_decide(self, request: Request) -> bool:
        """Whether an approver is signed in; a key is nobody in particular (review F14)."""
        settings, policy = await self._app.settings(), await self._app.policy()
        ids = who.ids(request.headers, easy_auth=settings.easy_auth)
        return bool(ids & {each.lower() for each in policy.guards.approvers})

    def _read(self, operation: Operation, request: Request, by: str) -> Call | Answer:
        problems = _part_problems(operation, request.path)
        given = {k: v for k, v in request.query.items() if k != KEY_PARAMETER}
        query, more = wire.query(operation.query, given)
        problems += more
        body: Any = None
        if operation.body is not None:
            raw = _json(request)
            if isinstance(raw, Answer):
                return raw
            body, more = _body(operation.body, raw)
            problems += more
        order, more = _order(operation, request.headers, by)
        problems += more
        if problems:
            return bad(*problems)
        return Call(
            app=self._app,
            operations=self._operations,
            path=request.path,
            query=query,
            body=body,
            order=order,
            known=_known(request.headers.get(IF_NONE_MATCH, "")),
        )


def _refused(error: FirewatchError) -> Answer:
    """What is said of an error: never our own words for what is inside."""
    match error:
        case SenderRefused():
            telemetry.emit(telemetry.SENDER_REFUSED, reason=str(error))
            said = "nobody is signed in; this app is used through Microsoft Entra"
            how = {"www-authenticate": "Bearer"}
            return refusal(HTTPStatus.UNAUTHORIZED, said, headers=how)
        case CommandStale():
            return refusal(HTTPStatus.PRECONDITION_FAILED, str(error))
        case CommandRefused():
            return refusal(HTTPStatus.CONFLICT, str(error))
        case SettingsError():
            said = "the app is not set up; GET /api/health says what is wrong"
        case _:
            said = "the store did not answer; it is not known what was done"
    telemetry.emit(telemetry.REQUEST_PUT_OFF, reason=str(error))
    return refusal(HTTPStatus.SERVICE_UNAVAILABLE, said, headers=_BUSY)


def _part_problems(operation: Operation, given: Mapping[str, str]) -> list[Mistake]:
    problems: list[Mistake] = []
    for name in operation.parts:
        text = given.get(name, "")
        try:
            msgspec.convert(text, PARTS[name])
        except msgspec.ValidationError as error:
            problems.append(Mistake(f"path.{name}", str(error)))
            continue
        # Python's "$" lets a line break pass, and these become keys of rows.
        if name in KEYS and not text.isprintable():
            problems.append(Mistake(f"path.{name}", "expected no line break"))
    return problems


def _json(request: Request) -> object | Answer:
    """The body as JSON; one that is not there is an empty object."""
    if len(request.body) > LONGEST_BODY:
        said = f"the body is over {LONGEST_BODY} bytes"
        return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
    kind = request.headers.get("content-type", "")
    if not request.body and not kind:
        return {}
    if kind.partition(";")[0].strip().lower() != JSON:
        said = f"expected content-type: {JSON}"
        return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, said)
    if not request.body:
        return {}
    try:
        found: object = msgspec.json.decode(request.body)
    except (ValueError, RecursionError):
        return bad(Mistake("body", "is not JSON"))
    return found


def _body(kind: type[msgspec.Struct], raw: object) -> tuple[Any, list[Mistake]]:
    if not isinstance(raw, dict):
        return None, [Mistake("body", "expected an object")]
    return wire.fields(kind, raw, within="body.")


def _order(
    operation: Operation, headers: Mapping[str, str], by: str
) -> tuple[Order, list[Mistake]]:
    """Who says it, and on what condition."""
    if not operation.is_command:
        return Order(by), []
    problems: list[Mistake] = []
    expected: str | None = None
    tag = headers.get(IF_MATCH, "").strip() if operation.takes_tag else ""
    if tag and tag != ANY:
        # One that is weak matches nothing (RFC 9110, 13.1.1), nor does any revision.
        expected = tag.strip('"')
        if not _TAG.fullmatch(tag):
            said = "expected * or one entity tag, as the header ETag gave it"
            problems.append(Mistake(f"header.{IF_MATCH}", said))
    once = headers.get(ONCE)
    if once is not None and not _ONCE.fullmatch(once):
        said = "expected 1 to 200 printable characters of ASCII"
        problems.append(Mistake(f"header.{ONCE}", said))
    return Order(by, expected=expected, once=once), problems


def _known(header: str) -> frozenset[str]:
    """The entity tags of If-None-Match, compared weakly (RFC 9110, 13.1.2)."""
    if header.strip() == ANY:
        return frozenset({ANY})
    return frozenset(tag.removeprefix("W/") for tag in _TAG.findall(header))
