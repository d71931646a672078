"""Which responders an incident goes to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.actions.routing import Route, Routing, parse_matcher
from shared.model.alert import Severity
from tests.factories import SUBSCRIPTION, VM, make_incident, make_problem


def routing(*routes: dict[str, Any]) -> Routing:
    """Routes as the policy writes them."""
    return Routing([msgspec.convert(route, Route) for route in routes])


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("severity>=medium", True),
        ("severity>=high", True),
        ("severity=high", True),
        ("severity!=high", False),
        ("severity = low", False),
        ("alert_type=VM_WebShellDetected", True),
        ("alert_type=vm_webshelldetected", True),
        ("alert_type!=other", True),
        ('alert_type="with space"', False),
        ("sample=false", True),
        ("sample=true", False),
        (f"subscription={SUBSCRIPTION.upper()}", True),
        (f"resource={VM.upper()}", True),
        (f"resource!={VM}", False),
        ("tactic=persistence", True),
        ("tactic=Execution", False),
    ],
)
def test_a_matcher_tests_one_field_without_case(text: str, *, fits: bool) -> None:
    """Any of several values is enough."""
    assert parse_matcher(text).fits(make_incident()) is fits


def test_severities_are_ordered() -> None:
    """At least medium is medium and high."""
    matcher = parse_matcher("severity>=medium")

    assert [matcher.fits(make_incident(severity=s)) for s in Severity] == [
        False,
        False,
        True,
        True,
    ]


def test_any_problem_of_an_incident_counts() -> None:
    """An incident of two types goes where either would."""
    incident = make_incident(
        problems={"1": make_problem(alert_type="A"), "2": make_problem(alert_type="B")}
    )

    assert parse_matcher("alert_type=a").fits(incident)
    assert parse_matcher("alert_type=b").fits(incident)
    assert not parse_matcher("alert_type!=a").fits(incident)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "severity",
        "severity>medium",
        "severity>=grave",
        "severity=grave",
        "alert_type>=a",
        "alert_type=a b",
        'alert_type="a',
        "colour=red",
        "sample=maybe",
        "severity>=medium, sample=false",
        "severity>=high\nsample=true",
    ],
)
def test_a_mistake_in_a_matcher_is_an_error(text: str) -> None:
    """No matcher silently fits nothing, or everything."""
    with pytest.raises(ValueError, match=r"."):
        parse_matcher(text)


def test_the_first_route_that_fits_ends_the_search() -> None:
    """All of its matchers must fit."""
    found = routing(
        {"to": ["low"], "match": ["severity=low"]},
        {"to": ["none"], "match": ["severity=high", "sample=true"]},
        {"to": ["high"], "match": ["severity=high"]},
        {"to": ["rest"]},
    )

    assert found(make_incident()) == ("high",)
    assert found(make_incident(severity=Severity.MEDIUM)) == ("rest",)


def test_a_route_may_go_on() -> None:
    """Each responder is named once, in the order of the routes."""
    found = routing(
        {"to": ["siem", "chat"], "continue": True},
        {"to": ["pager", "chat"], "match": ["severity>=high"]},
        {"to": ["rest"]},
    )

    assert found(make_incident()) == ("siem", "chat", "pager")


def test_no_route_is_nobody() -> None:
    """An incident may go to no one; that is the policy's choice."""
    assert routing({"to": ["a"], "match": ["sample=true"]})(make_incident()) == ()
