"""Every responder of the table can be rehearsed, and none calls anybody by accident."""

from __future__ import annotations

import msgspec
import pytest

from devhost.rehearsal import Receiver, rehearse
from responders import RESPONDERS
from tests.conformance.kit import CASES

OUTSIDE = "http://127.0.0.1:1"
REAL = "https://real.example"


def make_policy(name: str) -> bytes:
    """A policy with one such responder, at its real side."""
    settings = CASES[name].settings(REAL)
    policy = {"responders": {"one": {"use": name, **settings}}, "routes": []}
    return msgspec.json.encode(policy)


@pytest.mark.parametrize("name", RESPONDERS)
def test_no_responder_keeps_its_remote_side(name: str) -> None:
    """Every URL leads to the stand-ins, in the settings or where they are secrets."""
    made = rehearse(
        make_policy(name),
        outside=OUTSIDE,
        live=(),
        environment={},
        syslog=Receiver(4712, "the authority"),
        hub="Endpoint=sb://localhost:4713;",
    )

    everything = made.policy.decode() + repr(made.environment)
    assert REAL not in everything
    there = OUTSIDE if CASES[name].is_http else '"port":4712'
    assert ("sb://localhost:4713" if name == "event-hub" else there) in everything


@pytest.mark.parametrize("name", RESPONDERS)
def test_no_secret_of_the_environment_is_handed_on(name: str) -> None:
    """What opens something is made up, and is there for each setting that is named."""
    real = dict.fromkeys(CASES[name].secrets, "r3al")

    made = rehearse(make_policy(name), outside=OUTSIDE, live=(), environment=real)

    assert made.environment.keys() == real.keys()
    assert "r3al" not in repr(made.environment)


@pytest.mark.parametrize("name", RESPONDERS)
def test_a_live_responder_stays_as_it_is(name: str) -> None:
    """Its settings and its secrets are the real ones."""
    real = dict.fromkeys(CASES[name].secrets, "r3al")
    given = make_policy(name)

    made = rehearse(given, outside=OUTSIDE, live=("one",), environment=real)

    assert msgspec.json.decode(made.policy) == msgspec.json.decode(given)
    assert made.environment == real
