"""The storm breaker and limits: how many notices go out in a stretch of time. Pure.

Past the rate every further notice has a time of its own at which it goes, so that they
come one after another and none is lost. High never waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.storm import Slot, Slots
from shared.model.text import cut

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.storm import Storm

# A row of the table holds them all. Past that the earliest are forgotten: those pages
# ask again when their time has come.
MOST_SLOTS = 2_000
MOST_SAID = 160


def reserve(
    slots: Slots,
    key: str,
    now: datetime,
    storm: Storm,
    *,
    may_wait: bool,
    said: str = "",
) -> tuple[Slots, datetime]:
    """The slots with one for this notice, and when it may go.

    The same key is given the same slot; one that may not wait any more is given now.
    """
    mine = next((slot for slot in slots.slots if slot.key == key), None)
    if mine is not None and (may_wait or mine.at <= now):
        return slots, mine.at
    recent = [s for s in slots.slots if s.at > now - storm.within and s is not mine]
    at = now
    if may_wait and len(recent) >= storm.pages:
        at = max(now, recent[-storm.pages].at + storm.within)
    # What goes at once nobody need be told of.
    mine = Slot(key, at, cut(said, MOST_SAID) if at > now else "")
    taken = sorted([*recent, mine], key=lambda slot: slot.at)
    return (
        Slots(
            slots=tuple(taken[-MOST_SLOTS:]),
            since=slots.since or (now if at > now else None),
        ),
        at,
    )


def waiting(slots: Slots, now: datetime) -> list[str]:
    """What waits for its turn, the first of it first, and when that comes."""
    return [
        f"{slot.at:%H:%M} UTC: {slot.said}"
        for slot in slots.slots
        if slot.at > now and slot.said
    ]


def is_over(slots: Slots, now: datetime, storm: Storm) -> bool:
    """Whether a storm that began has ended: nobody waits, and there is room again."""
    recent = [slot for slot in slots.slots if slot.at > now - storm.within]
    waiting = any(slot.at > now for slot in recent)
    return slots.since is not None and not waiting and len(recent) < storm.pages


def ended(slots: Slots) -> Slots:
    """The slots after the storm."""
    return replace(slots, since=None)
