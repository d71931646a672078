"""Event Hub batches as events."""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.event import Event
from shared.store.archive import content_place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import azure.functions as func

# What a hub or a partition may be called (Event Hubs quotas); it becomes a blob's path.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")


def events(batch: Sequence[func.EventHubEvent], now: datetime) -> list[Event]:
    """The batch as events of one partition, in order.

    Hub and partition come from the trigger's metadata, which the events of a batch
    share.
    """
    return [
        Event(
            body=event.get_body(),
            source=_source(event.metadata),
            place=_place(event),
            received_at=_utc(event.enqueued_time) or now,
        )
        for event in batch
    ]


def _place(event: func.EventHubEvent) -> str:
    """The sequence number; events without one keep apart by what they say."""
    number = event.sequence_number
    # Twenty digits hold any sequence number and sort as numbers do.
    return content_place(event.get_body()) if number is None else f"{number:020d}"


def _source(metadata: Any) -> str:  # noqa: ANN401  whatever the host sent
    context = metadata.get("PartitionContext") if metadata else None
    if isinstance(context, str):
        try:
            context = msgspec.json.decode(context)
        except msgspec.DecodeError:
            context = None
    context = context if isinstance(context, dict) else {}
    names = (str(context.get(name, "")) for name in ("EventHubName", "PartitionId"))
    return "/".join(
        ["hub", *(name if _NAME.fullmatch(name) else "unknown" for name in names)]
    )


def _utc(at: datetime | None) -> datetime | None:
    """The enqueued time; some hosts send it without saying that it is UTC."""
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
