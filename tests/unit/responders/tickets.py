"""What tests of trackers share: a notice of each verb, as the core would send it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.actions.rendering import message, telling
from shared.model.action import Occasion, Verb
from shared.model.incident import IncidentStatus, Mark
from tests.factories import NOON, make_incident

if TYPE_CHECKING:
    from responders.tickets import Tracker
    from shared.model.action import Action
    from shared.model.incident import Incident
    from shared.model.ticket import Remote

DEDUP_KEY = "fw-0d9eeb301d377b52-0123456789abcdef0123456789abcdef"


async def opening(tracker: Tracker, incident: Incident | None = None) -> Action:
    """The notice that opens a ticket."""
    incident = incident or make_incident()
    [action] = await tracker.plan(incident)
    return telling(replace(action, dedup_key=DEDUP_KEY), message(incident))


async def telling_news(tracker: Tracker, reference: str) -> Action:
    """A notice that there is another resource."""
    return replace(
        telling(
            replace(
                await opening(tracker),
                key="1" * 32,
                verb=Verb.UPDATE,
                occasion=Occasion.NEW_RESOURCE,
                news=("New resource: vm-web-02",),
            ),
            message(make_incident()),
        ),
        reference=reference,
    )


async def acknowledging(tracker: Tracker, reference: str) -> Action:
    """A notice that somebody works on it."""
    incident = make_incident(acknowledged=Mark(by="ada", at=NOON, note="looking"))
    return replace(
        telling(
            replace(
                await opening(tracker),
                key="2" * 32,
                verb=Verb.ACKNOWLEDGE,
                occasion=Occasion.ACKNOWLEDGED,
            ),
            message(incident),
        ),
        reference=reference,
    )


async def ending(tracker: Tracker, reference: str) -> Action:
    """The notice that it is over."""
    incident = make_incident(
        status=IncidentStatus.RESOLVED,
        resolved=Mark(by="ada", at=NOON, note="rotated the keys"),
    )
    [_, action] = await tracker.plan(incident)
    action = replace(action, key="3" * 32, dedup_key=DEDUP_KEY, reference=reference)
    return telling(action, message(incident))


async def read(tracker: Tracker, known: dict[str, str]) -> dict[str, Remote]:
    """Everything that changed since."""
    return {reference: remote async for reference, remote in tracker.changed(known)}
