"""Which responders an incident goes to."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.model.action import Change
from shared.model.alert import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model.incident import Incident

_MATCHER = re.compile(r'^\s*([a-z_]+)\s*(>=|!=|=)\s*(?:"([^"]*)"|([^\s"]+))\s*$')


class Operator(StrEnum):
    """How a matcher compares; ``>=`` is for severity alone."""

    EQUAL = "="
    UNEQUAL = "!="
    AT_LEAST = ">="


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Incidents that every matcher fits go ``to`` these responders.

    The first route that fits ends the search, unless it says ``continue``. ``again``
    says what is told of an incident that is already known there, at most once in
    ``every``; a raised severity does not wait. ``name`` is for people.
    """

    to: tuple[str, ...]
    match: tuple[str, ...] = ()
    goes_on: bool = msgspec.field(name="continue", default=False)
    name: str = ""
    again: tuple[Change, ...] = tuple(Change)
    every: timedelta = timedelta(minutes=30)


class Matcher(NamedTuple):
    """One test, such as ``severity>=medium`` (Alertmanager's form)."""

    field: str
    operator: Operator
    value: str

    def fits(self, incident: Incident) -> bool:
        """Whether any of the incident's values for the field passes the test."""
        if self.operator is Operator.AT_LEAST:
            return incident.severity.rank >= Severity(self.value).rank
        found = self.value in _values(incident, self.field)
        return found is (self.operator is Operator.EQUAL)


FIELDS = ("severity", "alert_type", "sample", "subscription", "resource", "tactic")


def parse_matcher(text: str) -> Matcher:
    """A matcher from its text. Raises ValueError saying what was expected."""
    found = _MATCHER.match(text)
    if found is None:
        raise ValueError("expected field=value, field!=value or severity>=value")
    field, sign, quoted, bare = found.groups()
    value = (quoted if quoted is not None else bare).lower()
    if field not in FIELDS:
        raise ValueError(f"unknown field {field}; known are {', '.join(FIELDS)}")
    operator = Operator(sign)
    if operator is Operator.AT_LEAST and field != "severity":
        raise ValueError(">= is for severity alone")
    if field == "severity" and value not in list(Severity):
        raise ValueError(f"severity is one of {', '.join(Severity)}")
    if field == "sample" and value not in {"true", "false"}:
        raise ValueError("sample is true or false")
    return Matcher(field, operator, value)


class Routing:
    """The routes with their matchers parsed."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [
            (route, tuple(parse_matcher(text) for text in route.match))
            for route in routes
        ]

    def __call__(self, incident: Incident) -> tuple[str, ...]:
        """The responders of an incident, each once, in the order of the routes."""
        found: dict[str, None] = {}
        for route, matchers in self._routes:
            if all(matcher.fits(incident) for matcher in matchers):
                found.update(dict.fromkeys(route.to))
                if not route.goes_on:
                    break
        return tuple(found)


def _values(incident: Incident, field: str) -> Iterable[str]:
    match field:
        case "severity":
            return [incident.severity.value]
        case "sample":
            return [str(incident.is_sample).lower()]
        case "subscription":
            return [incident.scope]
        case "resource":
            return incident.resources
        case "tactic":
            return [tactic.lower() for tactic in incident.tactics]
        case _:
            return [p.alert_type.lower() for p in incident.problems.values()]
