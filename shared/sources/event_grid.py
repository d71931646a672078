"""Events in Event Grid's own schema: an envelope around what another format reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.sources import cloud_events

if TYPE_CHECKING:
    from datetime import datetime

    from shared.sources.fields import Fields

KIND = "event-grid"
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


def recognises(fields: Fields) -> bool:
    """Row 14 of wire-formats.md 0."""
    return all(name in fields for name in ("eventType", "eventTime", "subject"))


def read(fields: Fields, *, received_at: datetime) -> Fields | str:
    """What is inside, or why the event is no alert.

    A handshake is answered where it came as a request of its own; as a unit, from the
    hub or in a batch, it is nothing (review F13). Raises AlertRejected where a custom
    event holds nothing that could be an alert.
    """
    del received_at
    event_type = fields.text("eventType")
    if event_type.lower() == VALIDATION.lower():
        return "a handshake of Event Grid, not an alert"
    return cloud_events.inside(fields, "Event Grid event", event_type)
