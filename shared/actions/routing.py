"""Which responders an incident goes to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.actions import matchers
from shared.model.action import Change
from shared.oncall.policy import OnCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.model.action import ActionRow
    from shared.model.incident import Incident


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Incidents that every matcher fits go ``to`` these responders.

    The first route that fits ends the search, unless it says ``continue``. ``again``
    says what is told of an incident that is already known there, at most once in
    ``every``; a raised severity does not wait. Where ``repeat`` is given, they are
    reminded so often until somebody acknowledges. ``escalate`` names the escalation
    that begins then. ``name`` is for people.
    """

    to: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    goes_on: bool = msgspec.field(name="continue", default=False)
    name: str = ""
    again: tuple[Change, ...] = tuple(Change)
    every: timedelta = timedelta(minutes=30)
    repeat: timedelta | None = None
    escalate: str = ""


class Routed(NamedTuple):
    """A responder that is to know of an incident, and the route that says so.

    ``place`` counts the routes of the policy from 0.
    """

    responder: str
    route: Route
    place: int

    @property
    def label(self) -> str:
        """What people know the route by."""
        return label_of(self.place, self.route)


def label_of(place: int, route: Route) -> str:
    """What people know a route by: its name, else its place in the policy."""
    return route.name or f"routes[{place}]"


class Rules(NamedTuple):
    """The part of the policy that a look goes by, as it is now; ``policy`` is its hash.

    ``escalations`` names the escalations of an incident, which ``on_call`` describes;
    ``label`` the route that a notice of it goes by.
    """

    routing: Callable[[Incident], Sequence[Routed]]
    policy: str = ""
    escalations: Callable[[Incident], Sequence[str]] = lambda _: ()
    on_call: OnCall = OnCall()
    label: Callable[[Incident, ActionRow], str] = lambda *_: ""


class Routing:
    """The routes with their matchers parsed.

    Raises ValueError for a matcher that is none; a policy that loads has none of those.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [
            (route, tuple(map(matchers.parse, route.match))) for route in routes
        ]

    def __call__(self, incident: Incident) -> tuple[Routed, ...]:
        """The responders of an incident, each once, by the first route that names it."""
        found: dict[str, Routed] = {}
        for place, route in self._taken(incident):
            for responder in route.to:
                found.setdefault(responder, Routed(responder, route, place))
        return tuple(found.values())

    def escalations(self, incident: Incident) -> tuple[str, ...]:
        """The escalations of an incident, each once."""
        names = (route.escalate for _, route in self._taken(incident))
        return tuple(dict.fromkeys(name for name in names if name))

    def label(self, incident: Incident, notice: ActionRow) -> str:
        """The route that has the notice sent, as people know it.

        Where none does any more, or it is a fallback, the first that the incident takes.
        """
        taken = list(self._taken(incident))
        if notice.rung is None:
            named = [each for each in taken if notice.responder in each[1].to]
        else:
            by = notice.rung.escalation
            named = [each for each in taken if by and each[1].escalate == by]
        return next((label_of(*each) for each in (*named, *taken)), "")

    def _taken(self, incident: Incident) -> Iterator[tuple[int, Route]]:
        for place, (route, tests) in enumerate(self._routes):
            if matchers.all_fit(tests, incident):
                yield place, route
                if not route.goes_on:
                    return
