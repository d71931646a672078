"""HTTP requests as events, and the answers their senders get."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from shared import telemetry
from shared.model.errors import (
    SenderRefused,
    SettingsError,
    StoreError,
    TransientFailure,
)
from shared.model.event import Event
from shared.store.archive import content_place
from shared.triggers import handshake
from shared.triggers.answer import Answer, problem

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


class Receiver:
    """Takes webhooks of authenticated senders."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._rejected: dict[str, tuple[datetime, int]] = {}

    async def __call__(
        self,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        body: bytes,
        method: str = "POST",
    ) -> Answer:
        """The answer to a request; 202 only once its alerts are stored.

        Header names are in lower case.
        """
        if len(body) > LONGEST_BODY:
            content = problem("$", f"the body is over {LONGEST_BODY} bytes")
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, content)
        try:
            senders = await self._app.senders()
            sender = await senders.authenticate(headers=headers, query=query, body=body)
            if self._is_flooding(sender.name):
                return Answer(HTTPStatus.TOO_MANY_REQUESTS, headers=_FLOODED)
            shaken = handshake.answer(
                method=method, headers=headers, body=body, formats=sender.formats
            )
            if shaken is not None:
                return shaken
            return await self._take(sender, _unit(sender, headers, body))
        except SenderRefused as refused:
            telemetry.emit(telemetry.SENDER_REFUSED, reason=str(refused))
            return Answer(HTTPStatus.UNAUTHORIZED)
        except (SettingsError, TransientFailure, StoreError) as error:
            # Senders try again on 503; a 401 or 500 would lose the alert.
            telemetry.emit(telemetry.REQUEST_PUT_OFF, reason=str(error))
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, headers=_BUSY)

    async def _take(self, sender: Accepted, body: bytes) -> Answer:
        event = Event(
            body=body,
            source=f"http/{sender.name}",
            place=content_place(body),
            received_at=self._app.clock(),
            formats=sender.formats,
        )
        ingest = await self._app.ingest()
        books, malformed = await ingest([event])
        if books.dead_lettered:
            self._note_rejected(sender.name, len(body))
        if malformed:
            worst = malformed[0]
            return Answer(HTTPStatus.BAD_REQUEST, problem(worst.path, worst.problem))
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


def _unit(sender: Accepted, headers: Mapping[str, str], body: bytes) -> bytes:
    """The body, with the attributes that a binary-mode CloudEvent has in headers."""
    # The readers are a third of what the app imports; the first request needs them.
    from shared.sources import cloud_events  # noqa: PLC0415

    if cloud_events.KIND not in sender.formats:
        return body
    return cloud_events.structured(headers, body) or body
