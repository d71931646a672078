"""A policy for one machine: nobody is called by accident, and nothing opens anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from devhost.outside.certificate import authority
from devhost.rehearsal import Receiver, RehearsalError, rehearse
from shared import settings, staff
from shared.clouds.http import HttpClient
from shared.triage import policy as policies
from tests.fakes.outlets import FakeOutlets
from tests.fakes.ports import FakeKept

OUTSIDE = "http://127.0.0.1:4711"
REAL = "https://real.example/hook"


def make_policy(**responders: dict[str, Any]) -> bytes:
    """Routes to each of the responders."""
    return msgspec.json.encode(
        {"responders": responders, "routes": [{"to": [*responders]}]}
    )


async def no_token(_scope: str) -> str:
    raise AssertionError("nobody signs in")


def build(policy: bytes, environment: dict[str, str]) -> staff.Staff:
    """Its responders, as the app makes them."""
    storage = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    return staff.staffed(
        policies.load(policy),
        settings.from_environment(storage | environment),
        HttpClient(),
        lambda: datetime(2026, 11, 23, tzinfo=UTC),
        no_token,
        outlets=FakeOutlets().outlets,
        kept=FakeKept(),
    )


RESPONDERS: dict[str, dict[str, Any]] = {
    "pagerduty": {"use": "pagerduty", "routing_key": {"setting": "A"}, "url": REAL},
    "webhook": {"use": "webhook", "secret": {"setting": "B"}, "url": REAL},
    "slack": {
        "use": "slack",
        "token": {"setting": "D"},
        "channel": "C0123",
        "api": REAL,
        "callback_secret": {"setting": "E"},
    },
    "teams": {"use": "teams", "url": {"setting": "C"}, "sign_in": True},
    "boards": {"use": "boards", "project": "Security", "url": REAL},
    "jira": {
        "use": "jira",
        "user": "firewatch@contoso.com",
        "token": {"setting": "A"},
        "project": "SEC",
        "url": REAL,
    },
    "splunk": {"use": "splunk", "token": {"setting": "A"}, "url": REAL},
    "logs-ingestion": {
        "use": "logs-ingestion",
        "endpoint": REAL,
        "rule": "dcr-real",
    },
    "servicenow": {
        "use": "servicenow",
        "user": "firewatch",
        "password": {"setting": "A"},
        "url": REAL,
    },
}


@pytest.mark.parametrize("use", ["qradar", "arcsight"])
def test_a_receiver_of_syslog_is_the_stand_in(use: str) -> None:
    """By its port, trusted by its authority; a certificate of ours is made up."""
    given = {"use": use, "host": "siem.real.example", "certificate": {"setting": "A"}}
    made = rehearse(
        make_policy(it=given),
        outside=OUTSIDE,
        live=[],
        environment={"A": "real"},
        syslog=Receiver(4712, authority().pem),
    )

    assert build(made.policy, made.environment).problems == ()
    changed = msgspec.json.decode(made.policy)["responders"]["it"]
    assert (changed["host"], changed["port"]) == ("127.0.0.1", 4712)
    assert "real" not in made.policy.decode() + repr(made.environment)


@pytest.mark.parametrize("name", RESPONDERS)
def test_a_responder_talks_to_its_stand_in(name: str) -> None:
    """It can be built, by secrets that are made up, and no URL but ours is left."""
    made = rehearse(
        make_policy(it=RESPONDERS[name]),
        outside=OUTSIDE,
        live=[],
        environment={"A": "real", "B": "real", "C": REAL, "D": "real", "E": "real"},
    )

    assert build(made.policy, made.environment).problems == ()
    everything = made.policy.decode() + repr(made.environment)
    assert "real" not in everything
    assert f"{OUTSIDE}/{name}" in everything


def test_a_webhook_of_slack_is_its_stand_in() -> None:
    """There the URL is the secret."""
    policy = make_policy(it={"use": "slack", "url": {"setting": "F"}})

    made = rehearse(policy, outside=OUTSIDE, live=[], environment={"F": REAL})

    assert made.environment == {"F": f"{OUTSIDE}/slack/services/it"}
    assert build(made.policy, made.environment).problems == ()


def test_a_live_responder_is_left_as_it_is() -> None:
    """With its URL, and the secret of the environment."""
    made = rehearse(
        make_policy(it=RESPONDERS["teams"], other=RESPONDERS["webhook"]),
        outside=OUTSIDE,
        live=["it"],
        environment={"B": "real", "C": REAL},
    )

    kept = msgspec.json.decode(made.policy)["responders"]
    assert kept["it"] == RESPONDERS["teams"]
    assert made.environment["C"] == REAL
    assert made.environment["B"] != "real"
    assert made.webhook_secrets == {"other": made.environment["B"]}


def test_who_is_not_there_cannot_be_live() -> None:
    """A slip of the pen calls nobody."""
    with pytest.raises(RehearsalError, match="--live on-cal"):
        rehearse(
            make_policy(it=RESPONDERS["teams"]),
            outside=OUTSIDE,
            live=["on-cal"],
            environment={},
        )


@pytest.mark.parametrize(
    ("guards", "approver"),
    [
        ({"mode": "act", "approvers": ["ana", "ben"]}, "ana"),
        ({"mode": "approve", "approvers": ["ben"]}, "ben"),
        ({"mode": "shadow", "approvers": ["ana"]}, ""),
        ({"approvers": ["ana"]}, ""),
        ({"mode": "act"}, ""),
        (None, ""),
    ],
)
def test_whoever_may_approve_is_signed_in(guards: object, approver: str) -> None:
    """Where the policy has anybody asked; otherwise nobody is."""
    raw = msgspec.json.decode(make_policy(it=RESPONDERS["webhook"]))
    policy = msgspec.json.encode(raw | ({"guards": guards} if guards else {}))

    made = rehearse(policy, outside=OUTSIDE, live=[], environment={})

    assert made.approver == approver
