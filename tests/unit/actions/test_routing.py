"""Which responders an incident goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.actions.routing import Route, Routing
from shared.model.alert import Severity
from tests.factories import make_incident

if TYPE_CHECKING:
    from shared.model.incident import Incident


def routing(*routes: dict[str, Any]) -> Routing:
    """Routes as the policy writes them."""
    return Routing([msgspec.convert(route, Route) for route in routes])


def names(found: Routing, incident: Incident) -> list[str]:
    """Who is told, in order."""
    return [routed.responder for routed in found(incident)]


def test_the_first_route_that_fits_ends_the_search() -> None:
    """All of its matchers must fit."""
    found = routing(
        {"to": ["low"], "match": ["severity=low"]},
        {"to": ["none"], "match": ["severity=high", "sample=true"]},
        {"to": ["high"], "match": ["severity=high"]},
        {"to": ["rest"]},
    )

    assert names(found, make_incident()) == ["high"]
    assert names(found, make_incident(severity=Severity.MEDIUM)) == ["rest"]


def test_a_route_may_go_on() -> None:
    """Each responder is named once, in the order of the routes."""
    found = routing(
        {"to": ["siem", "chat"], "continue": True},
        {"to": ["pager", "chat"], "match": ["severity>=high"]},
        {"to": ["rest"]},
    )

    assert names(found, make_incident()) == ["siem", "chat", "pager"]


def test_the_first_route_that_names_a_responder_is_the_one_that_counts() -> None:
    """Its name, or its place, is what people are told."""
    found = routing(
        {"to": ["none"], "match": ["severity=low"]},
        {"to": ["chat"], "continue": True},
        {"to": ["pager", "chat"], "name": "night"},
    )(make_incident())

    assert [(r.responder, r.place, r.label) for r in found] == [
        ("chat", 1, "routes[1]"),
        ("pager", 2, "night"),
    ]
    assert found[1].route.name == "night"


def test_a_route_by_what_is_not_known_fits_nothing() -> None:
    """Tags need evidence; until there is some, the next route has its turn."""
    found = routing({"to": ["quiet"], "match": ["tag.env!=prod"]}, {"to": ["pager"]})

    assert names(found, make_incident()) == ["pager"]


def test_a_matcher_that_is_none_is_no_routing() -> None:
    """A policy that loads has no such matcher."""
    with pytest.raises(ValueError, match="unknown field"):
        routing({"to": ["a"], "match": ["colour=red"]})


def test_no_route_is_nobody() -> None:
    """An incident may go to no one; that is the policy's choice."""
    assert routing({"to": ["a"], "match": ["sample=true"]})(make_incident()) == ()
