"""What is copied of an incident to a forwarder, and when. Pure.

The timeline is the measure: what its end is past what was forwarded last is to be
forwarded. Each forward is a row that hashes where it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.actions.notices import OVER
from shared.model.action import Occasion, Verb, forwarding
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from shared.actions.routing import Route
    from shared.model.action import Action, ActionRow
    from shared.model.incident import Incident


class Forward(NamedTuple):
    """A forward to send, the row that it may have, and when; None is at once."""

    action: Action
    row: ActionRow | None
    at: datetime | None = None


def of(
    incident: Incident,
    wanted: Sequence[Action],
    rows: Sequence[ActionRow],
    routes: Mapping[str, Route],
    *,
    is_held: bool,
) -> Iterator[Forward]:
    """The forwards of an incident by now, and the last of each that it absorbed.

    What was begun is brought to its end. While ``is_held`` nothing else is; of what was
    held until it was over nothing ever is, unless a copy of it is there.
    """
    for template in wanted:
        if template.verb is not Verb.FORWARD:
            continue
        mine = theirs(rows, template.responder, incident.id)
        unfinished = [row for row in mine if row.status not in OVER]
        for row in unfinished:
            after = begins_after(row, mine)
            yield Forward(forwarding(incident.id, row.responder, after=after), row)
        if not unfinished and not _is_hidden(incident, mine, is_held=is_held):
            route = routes.get(template.responder)
            yield from _next(incident, template.responder, mine, route)
        for absorbed in incident.absorbed:
            if of_it := theirs(rows, template.responder, absorbed):
                yield _last(absorbed, of_it)


def theirs(rows: Sequence[ActionRow], responder: str, incident: str) -> list[ActionRow]:
    """The forwards of an incident by a responder."""
    return [
        row
        for row in rows
        if row.verb is Verb.FORWARD
        and row.responder == responder
        and row.incident == incident
    ]


def begins_after(row: ActionRow, rows: Sequence[ActionRow]) -> int:
    """The entry of the timeline after which a forward begins: its key says which."""
    ends = [each.told.sequence for each in rows if each.told is not None]
    return next(
        (
            after
            for after in ends
            if forwarding(row.incident, row.responder, after=after).key == row.key
        ),
        0,
    )


def through(rows: Sequence[ActionRow]) -> int:
    """The last entry that the forwards which are over were to copy.

    One that was given up counts: it is a dead letter, and holds up no other.
    """
    over = [r.told.sequence for r in rows if r.status in OVER and r.told is not None]
    return max(over, default=0)


def _is_hidden(incident: Incident, mine: Sequence[ActionRow], *, is_held: bool) -> bool:
    if incident.status is IncidentStatus.OPEN:
        return is_held
    return (is_held or bool(incident.hidden_by)) and not mine


def _next(
    incident: Incident,
    responder: str,
    mine: Sequence[ActionRow],
    route: Route | None,
) -> Iterator[Forward]:
    """What came since the last one; the pace is the route's.

    The first, the end and a raised severity do not wait.
    """
    after = through(mine)
    if incident.sequence <= after:
        return
    action = forwarding(incident.id, responder, after=after)
    told = [row.told for row in mine if row.told is not None]
    is_urgent = (
        incident.status is not IncidentStatus.OPEN
        or route is None
        or all(incident.severity.rank > one.severity.rank for one in told)
    )
    last = max((row.changed_at for row in mine), default=None)
    at = None if is_urgent or last is None or route is None else last + route.every
    yield Forward(action, None, at)


def _last(absorbed: str, of_it: Sequence[ActionRow]) -> Forward:
    """The end of what goes on in another incident; it is forwarded once."""
    begun = next((row for row in of_it if row.occasion is Occasion.MERGED), None)
    action = forwarding(absorbed, of_it[0].responder, occasion=Occasion.MERGED)
    return Forward(action, begun)
