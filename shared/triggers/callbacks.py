"""Calls of other sides about our notices, and the answers they get."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from shared import telemetry
from shared.answers.said import Call, Nothing
from shared.hearing import Came
from shared.model.errors import (
    SenderRefused,
    SettingsError,
    StoreConflict,
    StoreUnavailable,
)
from shared.triggers.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.bootstrap import App

# PagerDuty sends 256 KB at most (remote-apis-sinks.md 1.2), Jira issues with all fields.
LONGEST_BODY = 1024 * 1024

_BUSY = {"retry-after": "5"}
_EVENTS = {Came.TAKEN: telemetry.CALLBACK_TAKEN, Came.OVER: telemetry.CALLBACK_PASSED}


class Callbacks:
    """Hears what a side says, if it proves that it is the side of that responder.

    Whatever is proved is answered as heard: sides give up on addresses that refuse what
    they send (PagerDuty after three times).
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(
        self, name: str, *, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """The answer; good only once what was said is written. Header names in lower case."""
        if len(body) > LONGEST_BODY:
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            return await self._heard(name, headers, body)
        except SenderRefused as refused:
            telemetry.emit(telemetry.SENDER_REFUSED, reason=str(refused))
            return Answer(HTTPStatus.UNAUTHORIZED)
        except (SettingsError, StoreConflict, StoreUnavailable) as error:
            telemetry.emit(telemetry.REQUEST_PUT_OFF, reason=str(error))
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, headers=_BUSY)

    async def _heard(
        self, name: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        listener = (await self._app.listeners()).found.get(name)
        if listener is None:
            raise SenderRefused("callback: no responder of that name is called back")
        found = listener.side.read(
            Call(
                headers,
                body,
                listener.secrets,
                self._app.clock(),
                listener.acknowledges,
            )
        )
        if isinstance(found, Nothing):
            telemetry.emit(
                telemetry.CALLBACK_PASSED, responder=name, reason=found.reason
            )
            return Answer(listener.side.answer)
        hearing = await self._app.hearing()
        for said in found:
            result = await hearing(name, listener, said)
            telemetry.emit(
                _EVENTS.get(result.came, telemetry.CALLBACK_ODD),
                responder=name,
                says=said.does.value,
                incident=result.incident,
                came=result.came.value,
                key=said.key,
            )
        return Answer(listener.side.answer)
