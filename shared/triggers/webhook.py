"""HTTP requests as events, and the answers their senders get."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared import telemetry
from shared.model.alert import Road
from shared.model.errors import SenderRefused, StoreError, TransientFailure
from shared.model.event import Event
from shared.store.archive import content_place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.bootstrap import App
    from shared.senders import Accepted

LONGEST_BODY = 1024 * 1024

# What one sender may have dead-lettered in an hour before it must wait (review F13).
REJECTED_BYTES_AN_HOUR = 16 * 1024 * 1024
HOUR = timedelta(hours=1)

_BUSY = {"retry-after": "5"}
_FLOODED = {"retry-after": "3600"}


class Answer(NamedTuple):
    """What goes back; no body where the sender is to learn nothing."""

    status: HTTPStatus
    content: dict[str, Any] | None = None
    headers: Mapping[str, str] = {}


class Receiver:
    """Takes webhooks of authenticated senders."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._rejected: dict[str, tuple[datetime, int]] = {}

    async def __call__(
        self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Answer:
        """The answer to a request; 202 only once its alerts are stored."""
        if len(body) > LONGEST_BODY:
            problem = f"the body is over {LONGEST_BODY} bytes"
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _problem("$", problem))
        try:
            senders = await self._app.senders()
            sender = await senders.authenticate(headers=headers, query=query, body=body)
            if self._is_flooding(sender.name):
                return Answer(HTTPStatus.TOO_MANY_REQUESTS, headers=_FLOODED)
            return await self._take(sender, body)
        except SenderRefused as refused:
            telemetry.emit(telemetry.SENDER_REFUSED, reason=str(refused))
            return Answer(HTTPStatus.UNAUTHORIZED)
        except (TransientFailure, StoreError):
            # Senders try again on 503; a 401 or 500 would lose the alert.
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, headers=_BUSY)

    async def _take(self, sender: Accepted, body: bytes) -> Answer:
        event = Event(
            body=body,
            source=f"http/{sender.name}",
            place=content_place(body),
            road=Road.WEBHOOK,
            received_at=self._app.clock(),
            formats=sender.formats,
        )
        ingest = await self._app.ingest()
        books, malformed = await ingest([event])
        if books.dead_lettered:
            self._note_rejected(sender.name, len(body))
        if malformed:
            worst = malformed[0]
            return Answer(HTTPStatus.BAD_REQUEST, _problem(worst.path, worst.problem))
        counts: dict[str, Any] = msgspec.to_builtins(books)
        return Answer(HTTPStatus.ACCEPTED, counts)

    def _is_flooding(self, sender: str) -> bool:
        since, total = self._rejected.get(sender, (self._app.clock(), 0))
        if self._app.clock() - since >= HOUR:
            del self._rejected[sender]
            return False
        return total > REJECTED_BYTES_AN_HOUR

    def _note_rejected(self, sender: str, size: int) -> None:
        since, total = self._rejected.get(sender, (self._app.clock(), 0))
        self._rejected[sender] = (since, total + size)


def _problem(path: str, problem: str) -> dict[str, Any]:
    return {"problems": [{"path": path, "problem": problem}]}
