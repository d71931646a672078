"""What becomes of a message that failed as often as the queue allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import telemetry
from shared.model.event import Event
from shared.store import messages
from shared.store.archive import Problem, content_place

if TYPE_CHECKING:
    from shared.bootstrap import App


async def give_up(app: App, body: bytes) -> None:
    """Count a failure against each incident; keep a message that is not one of ours.

    The incidents stay due, so the timer brings them back after a rest (review F16).
    """
    telemetry.emit(telemetry.MESSAGE_POISONED, bytes=len(body))
    try:
        incidents = messages.decode(body)
    except ValueError:
        storage = await app.storage()
        event = Event(
            body=body,
            source="queue/respond",
            place=content_place(body),
            received_at=app.clock(),
        )
        problem = Problem(path="$", problem="not a message of Firewatch")
        await storage.archive.dead_letters({event: [problem]})
        return
    respond = await app.respond()
    await respond.give_up_on(incidents)
