"""The links that a notice offers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.answers.keys import Keys
from shared.answers.links import LIFETIME, Links
from shared.answers.token import Token, Verb, verified
from shared.model.incident import IncidentStatus, Mark
from shared.model.secret import Secret
from tests.factories import NOON, make_incident
from tests.fakes.app import FakeApp

if TYPE_CHECKING:
    from shared.model.incident import Incident
    from shared.model.link import Link

KEYS = Keys(Secret("k" * 64))
URL = "https://firewatch.example.com"
INCIDENT = make_incident(id="0d9eeb301d377b52", epoch=3)


def links(keys: Keys | None = KEYS, url: str = URL, *, sign_in: bool = False) -> Links:
    """What makes them at noon."""
    return Links(keys, url, lambda: NOON, sign_in=sign_in)


def offered(made: Links, incident: Incident = INCIDENT) -> tuple[Link, ...]:
    """What ana is offered by the responder soc."""
    return made.offered(incident, responder="soc", recipient="ana")


def token(link: Link, now: datetime = NOON) -> Token:
    """What a link carries."""
    (text,) = parse_qs(urlsplit(link.href).query)["t"]
    found = verified(text, KEYS, now=now, aud="firewatch.example.com")
    assert isinstance(found, Token)
    return found


def test_whoever_is_told_can_acknowledge() -> None:
    """By the link alone, for a day; it says which incident, and whom it was sent to."""
    (link,) = offered(links())

    assert (link.text, link.verb) == ("Acknowledge", "acknowledge")
    assert link.href.startswith(f"{URL}/api/a?t=")
    found = token(link)
    assert (found.inc, found.epoch, found.verb) == (INCIDENT.id, 3, Verb.ACKNOWLEDGE)
    assert (found.hint, found.via, found.act) == ("ana", "soc", "")
    assert found.exp == int((NOON + LIFETIME).timestamp())


def test_where_people_sign_in_they_can_do_more() -> None:
    """On a route that the platform guards."""
    first, *others = offered(links(sign_in=True))

    assert first.verb == "acknowledge"
    assert [each.verb for each in others] == ["resolve", "silence"]
    assert all(each.href.startswith(f"{URL}/api/s?t=") for each in others)
    assert [token(each).verb for each in others] == [Verb.RESOLVE, Verb.SILENCE]


def test_what_is_acknowledged_is_not_to_be_acknowledged() -> None:
    """Nothing is offered that would change nothing."""
    taken = make_incident(acknowledged=Mark(by="bob", at=NOON))

    assert offered(links(), taken) == ()
    verbs = [link.verb for link in offered(links(sign_in=True), taken)]
    assert verbs == ["resolve", "silence"]


@pytest.mark.parametrize(
    "status", [s for s in IncidentStatus if s is not IncidentStatus.OPEN]
)
def test_what_ended_offers_nothing(status: IncidentStatus) -> None:
    """Nor what goes on in another."""
    assert offered(links(sign_in=True), make_incident(status=status)) == ()


@pytest.mark.parametrize("made", [links(None), links(url=""), links(None, "")])
def test_without_a_key_or_an_address_there_are_no_links(made: Links) -> None:
    """And the notice goes out without (law 6)."""
    assert offered(made) == ()


def test_each_link_has_a_name_of_its_own() -> None:
    """Of person, verb, incident, epoch and time; made again at once, it is the same."""
    clock = [NOON]
    made = Links(KEYS, URL, lambda: clock[0], sign_in=True)

    def names(incident: Incident = INCIDENT, recipient: str = "ana") -> set[str]:
        found = made.offered(incident, responder="soc", recipient=recipient)
        return {token(link).jti for link in found}

    first = names()
    others = [
        names(recipient="bob"),
        names(make_incident(id="0d" * 8, epoch=3)),
        names(make_incident(id=INCIDENT.id, epoch=4)),
    ]
    assert names() == first
    clock[0] += timedelta(seconds=1)
    others.append(names())
    assert len(set().union(first, *others)) == 3 * 5


def test_a_link_is_short_enough_for_whatever_carries_it() -> None:
    """Under 1,000 characters in the worst case (remote-apis-sinks.md 19.8)."""
    made = Links(KEYS, f"https://{'h' * 60}.azurewebsites.net", lambda: NOON)
    (link,) = made.offered(
        make_incident(id="0d" * 8, epoch=10**9),
        responder="r" * 40,
        recipient="\U0001f525" * 500,
    )

    assert len(link.href) < 1_000
    assert link.href.isascii()


def test_a_recipient_is_one_plain_line() -> None:
    """Whoever it is, the timeline shows no more of it than a name."""
    (link,) = links().offered(
        INCIDENT, responder="soc", recipient="a\nb\u202e https://evil.example"
    )

    assert token(link).hint == "a b hxxps://evil.example"


def test_the_host_keeps_no_token() -> None:
    """It logs paths, and takes queries off what it reports: so the token is in the query.

    (azure-functions-host SystemTraceMiddleware; azure-webjobs-sdk
    WebJobsTelemetryInitializer.)
    """
    host = json.loads((Path(__file__).parents[3] / "host.json").read_text())
    insights = host["logging"]["applicationInsights"]

    assert insights["enableQueryStringTracing"] is False
    for link in offered(links(sign_in=True)):
        assert urlsplit(link.href).path in {"/api/a", "/api/s"}
        assert [*parse_qs(urlsplit(link.href).query)] == ["t"]


async def test_settings_make_links(tmp_path: Path) -> None:
    """A key, an address, and whether people sign in there."""
    env = {
        "FIREWATCH_LINK_KEY": "k" * 64,
        "FIREWATCH_PUBLIC_URL": f"{URL}/",
        "EASY_AUTH": "1",
    }
    app = FakeApp(tmp_path, changes=env)

    made = await app.links()

    found = made.offered(INCIDENT, responder="soc", recipient="ana")
    assert [link.verb for link in found] == [
        verb.value for verb in Verb if not verb.is_of_deed
    ]
    assert (made.audience, made.origin) == ("firewatch.example.com", URL)
    assert made.problems == ()


async def test_a_key_without_an_address_is_said(tmp_path: Path) -> None:
    """By health; notices go out without links."""
    app = FakeApp(tmp_path, changes={"FIREWATCH_LINK_KEY": "k" * 64})

    made = await app.links()

    assert offered(made) == ()
    assert [p.partition(":")[0] for p in made.problems] == ["FIREWATCH_PUBLIC_URL"]
