"""Who is to know of an incident, who was told, and what keeps notices back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions import matchers, silencing
from shared.actions.routing import Routed
from shared.explain.report import (
    Bearing,
    ResponderSays,
    RouteSays,
    Sent,
    SilenceSays,
)
from shared.model.action import ActionStatus, Occasion, Verb
from shared.model.incident import IncidentStatus
from shared.model.storm import STORM
from shared.model.text import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shared.actions.routing import Route
    from shared.explain.case import Case
    from shared.model.action import ActionRow
    from shared.model.incident import Incident


def routes(case: Case) -> tuple[RouteSays, ...]:
    """Each route of the policy, and where it stops fitting; none of a page test."""
    if case.head.is_drill:
        return ()
    found: list[RouteSays] = []
    is_reached = True
    for place, route in enumerate(case.rules.routes):
        said = _route(route, place, case.head, is_reached=is_reached)
        found.append(said)
        if said.fits and not route.goes_on:
            is_reached = False
    return tuple(found)


def taken_by(found: Sequence[RouteSays]) -> dict[str, str]:
    """Each responder that is to know, and the label of the route that says so."""
    taken: dict[str, str] = {}
    for route in found:
        if route.fits and route.is_reached:
            for responder in route.to:
                taken.setdefault(responder, route.label)
    return taken


def silences(case: Case) -> tuple[SilenceSays, ...]:
    """Each silence that has, or had, to do with the incident."""
    head, ruling = case.head, silencing.ruling(case.head, case.in_force)
    held = {head.hold.by} if head.hold and head.hold.by != STORM else set()
    bearings: dict[str, Bearing] = dict.fromkeys(head.watched_by, Bearing.WATCHED)
    bearings |= dict.fromkeys((n for n in head.hidden_by if n != STORM), Bearing.HID)
    bearings |= dict.fromkeys(ruling.watched_by, Bearing.WATCHES)
    bearings |= dict.fromkeys(ruling.broken, Bearing.BROKEN)
    bearings |= dict.fromkeys([*ruling.hidden_by, *held], Bearing.HOLDS)
    known = {silence.name: silence for silence in case.rules.silences}
    return tuple(
        SilenceSays(
            name=name,
            bearing=bearing,
            match=known[name].match,
            reason=known[name].reason,
            owner=known[name].owner,
            until=known[name].until,
        )
        if name in known
        else SilenceSays(name=name, bearing=bearing)
        for name, bearing in sorted(bearings.items())
    )


def responders(case: Case, taken: Mapping[str, str]) -> tuple[ResponderSays, ...]:
    """Whoever is to know or was told, and what came of it."""
    notices: dict[str, list[ActionRow]] = {}
    for row in case.actions:
        if row.verb is Verb.FORWARD or (
            row.verb is Verb.TRIGGER and row.occasion is Occasion.OPENED
        ):
            notices.setdefault(row.responder, []).append(row)
    names = [*taken, *sorted(notices.keys() - taken.keys())]
    return tuple(
        _responder(name, taken.get(name), notices.get(name, ()), case) for name in names
    )


def sent(rows: Iterable[ActionRow]) -> tuple[Sent, ...]:
    """The actions, as far as they explain anything."""
    return tuple(
        Sent(
            responder=row.responder,
            target=row.target,
            verb=row.verb,
            occasion=row.occasion,
            status=row.status,
            at=row.changed_at,
            incident=row.incident,
            reason=row.reason,
            detail=row.detail,
            policy=row.policy,
        )
        for row in rows
    )


def untold(case: Case) -> str:
    """Why somebody whom a route names was not told; the weightiest reason."""
    return next(_reasons(case.head))


def _reasons(head: Incident) -> Iterator[str]:
    if not head.was_active:
        yield "none of its alerts was ever active"
    if head.root != head.id:
        yield f"it goes on after {head.root}, whose notices speak for both"
    if head.hold is not None:
        yield f"{head.hold.by} holds it back until {instant(head.hold.until)}"
    if head.status is IncidentStatus.MERGED:
        yield f"it was merged into {head.merged_into}"
    if head.status is not IncidentStatus.OPEN and head.hidden_by:
        yield "it ended while it was held back"
    if head.stuck:
        yield f"Firewatch is stuck on it: {head.stuck}"
    if head.is_dirty:
        yield "no worker has looked at it yet"
    yield "no notice is on record; its route may be newer than the last look"


def _route(route: Route, place: int, head: Incident, *, is_reached: bool) -> RouteSays:
    fails_at, is_unknown = None, False
    for text in route.match:
        fits = matchers.parse(text).test(head)
        if fits is not True:
            fails_at, is_unknown = text, fits is None
            break
    return RouteSays(
        label=Routed("", route, place).label,
        to=route.to,
        match=route.match,
        fits=fails_at is None,
        is_reached=is_reached,
        fails_at=fails_at,
        is_unknown=is_unknown,
    )


def _responder(
    name: str, route: str | None, notices: Sequence[ActionRow], case: Case
) -> ResponderSays:
    over = {
        row.dedup_key
        for row in case.actions
        if row.verb is Verb.RESOLVE and row.status is ActionStatus.APPLIED
    }
    is_open = case.head.status is IncidentStatus.OPEN
    # What was told of an epoch that is over tells nobody of this one.
    counting = [row for row in notices if not (is_open and row.dedup_key in over)]
    if not counting:
        before = "it was told before, and that it ended; now " if notices else ""
        return ResponderSays(
            responder=name, route=route, is_told=False, why=before + untold(case)
        )
    best = next(
        (row for row in counting if row.status is ActionStatus.APPLIED), counting[-1]
    )
    return ResponderSays(
        responder=name,
        route=route,
        is_told=best.status is ActionStatus.APPLIED,
        why=_came_of(best, case.head),
    )


def _came_of(row: ActionRow, head: Incident) -> str:
    whose = "" if row.incident == head.id else f" of {row.incident}"
    if row.verb is Verb.FORWARD and row.status is ActionStatus.APPLIED:
        return f"it was forwarded{whose}, first at {instant(row.changed_at)}"
    why = f" ({row.reason})" if row.reason else ""
    match row.status:
        case ActionStatus.APPLIED:
            return f"it was told{whose} at {instant(row.changed_at)}"
        case ActionStatus.CLAIMED:
            return "a worker is telling it, or died while it did"
        case ActionStatus.RETRY:
            at = f" at {instant(row.not_before)}" if row.not_before else ""
            return f"the notice did not arrive{why}, and is sent again{at}"
        case ActionStatus.FAILED:
            return f"the notice will not be sent again{why}"
        case _:
            return "the notice was given up before it was sent"
