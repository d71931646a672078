"""What happens to an incident next, and what would have been otherwise. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions import head as head_of
from shared.explain.case import listed, said
from shared.explain.report import Bearing, Upcoming
from shared.model.action import ActionStatus
from shared.model.incident import IncidentStatus
from shared.model.storm import STORM
from shared.model.text import instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.explain.case import Case
    from shared.explain.report import ResponderSays, RouteSays, SilenceSays


def upcoming(case: Case) -> tuple[Upcoming, ...]:
    """What is due if nothing more comes in, the first thing first."""
    return tuple(sorted(_upcoming(case), key=lambda each: (each.at, each.what)))


def _upcoming(case: Case) -> Iterator[Upcoming]:
    head = case.head
    found: list[Upcoming] = []
    if head.lease is not None:
        found.append(
            Upcoming(at=head.lease.until, what="a worker has it until then at the most")
        )
    if head.hold is not None:
        found.append(
            Upcoming(
                at=head.hold.until,
                what=f"{head.hold.by} does not hold it back any more",
            )
        )
    for row in case.actions:
        if row.status is ActionStatus.RETRY and row.not_before is not None:
            what = f"{row.responder} is sent the notice again ({row.occasion})"
            found.append(Upcoming(at=row.not_before, what=what))
    at = head_of.quiet_at(head, case.rules.quiet)
    if at is not None:
        found.append(Upcoming(at=at, what="it is resolved, if nothing is heard of it"))
    yield from found
    if head.due is not None and head.due not in {each.at for each in found}:
        yield Upcoming(at=head.due, what=_look(case))


def _look(case: Case) -> str:
    head = case.head
    if head.stuck or (head.attempts and head.lease is None):
        return "it is tried again: looking at it failed before"
    if head.is_dirty:
        return "it is looked at for its news, should the message be lost"
    return "it is looked at again"


def otherwise(
    case: Case,
    found: Sequence[RouteSays],
    told: Sequence[ResponderSays],
    silences: Sequence[SilenceSays],
) -> Iterator[str]:
    """What would have been without each thing that decided."""
    waiting = [each.responder for each in told if each.route and not each.is_told]
    yield from _without_silences(waiting, silences, [t.responder for t in told])
    yield from _without_limits(case, waiting)
    yield from _without_routes(found)


def _without_silences(
    waiting: Sequence[str], silences: Sequence[SilenceSays], routed: Sequence[str]
) -> Iterator[str]:
    holding = [each.name for each in silences if each.bearing is Bearing.HOLDS]
    if holding and waiting:
        yield f"Without {listed(holding)}, {listed(waiting)} would have been told."
    for each in silences:
        if each.bearing is Bearing.BROKEN:
            yield f"If it did not break through, {each.name} would hold it back."
        if each.bearing is Bearing.WATCHES and routed:
            yield (
                f"If {each.name} did not only count, it would hold it back from"
                f" {listed(routed)}."
            )


def _without_limits(case: Case, waiting: Sequence[str]) -> Iterator[str]:
    head = case.head
    if not waiting:
        return
    if head.hold is not None and head.hold.by == STORM:
        yield (
            f"Without the storm breaker, {listed(waiting)} would have been told at"
            f" once, at {instant(head.opened_at)}."
        )
    if not head.was_active:
        yield f"Had one of its alerts been active, {listed(waiting)} would be told."
    elif head.root != head.id:
        yield f"If {head.root} had not gone before it, {listed(waiting)} would be told."
    elif head.status is IncidentStatus.OPEN and head.stuck:
        yield f"If it did not break Firewatch, {listed(waiting)} would be told."


def _without_routes(found: Sequence[RouteSays]) -> Iterator[str]:
    taking = [route for route in found if route.fits and route.is_reached]
    below = [route for route in found if route.fits and not route.is_reached]
    if taking and below:
        yield (
            f"Without route {said(taking[-1].label)}, route {said(below[0].label)}"
            f" would take it, for {listed(below[0].to)}."
        )
    if taking or not found:
        return
    for route in found:
        at = said(route.fails_at or "")
        yield f"If {at} held, route {said(route.label)} might take it."
        break
