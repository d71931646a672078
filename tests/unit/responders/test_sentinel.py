"""Incidents of Microsoft Sentinel: made once, written on, and left to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from devhost.outside.azure.rights import Identity
from responders.sentinel import Sentinel
from shared.actions.rendering import message, telling
from shared.clouds.http import HttpClient
from shared.model.action import Kind, Occasion, Verb
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.incident import (
    Classification,
    ClosingReason,
    IncidentStatus,
    Verdict,
)
from tests.factories import make_incident
from tests.fakes.azure import SOC, WEB01, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.action import Action
    from shared.model.incident import Incident

KIND = "Microsoft.SecurityInsights/incidents"


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


def made(url: str, http: Any, **settings: Any) -> Sentinel:  # noqa: ANN401
    given = {"workspace": SOC, "url": f"{url}/arm"} | settings
    config = msgspec.convert(given, Sentinel.Config)
    return Sentinel("soc", config, make_ports(http, {}))


async def actions(responder: Sentinel, incident: Incident) -> list[Action]:
    said = message(incident, ())
    return [telling(each, said) for each in await responder.plan(incident)]


def incidents(side: Azure) -> list[dict[str, Any]]:
    return [*side.outside.manager.resources.of_type(KIND)]


def comments(side: Azure) -> list[dict[str, Any]]:
    return [*side.outside.manager.resources.of_type(f"{KIND}/comments")]


async def acknowledged(responder: Sentinel) -> Action:
    """The notice that somebody works on it."""
    (opened,) = await actions(responder, make_incident())
    return replace(opened, verb=Verb.ACKNOWLEDGE, occasion=Occasion.ACKNOWLEDGED)


async def test_an_incident_is_made_and_says_what_it_is(
    side: Azure, http: HttpClient
) -> None:
    """The headline is its title, the rest its first comment; labels find it again."""
    responder = made(side.outside.url, http, labels=["soc"])
    (opened,) = await actions(responder, make_incident())

    outcome = await responder.apply(opened)

    (found,) = incidents(side)
    assert found["name"] == outcome.reference
    assert found["properties"]["severity"] == "High"
    assert found["properties"]["status"] == "New"
    labels = [each["labelName"] for each in found["properties"]["labels"]]
    assert labels == ["firewatch", opened.dedup_key, "soc"]
    (comment,) = comments(side)
    assert opened.key in comment["properties"]["message"]
    assert responder.kind is Kind.TICKET


async def test_what_analysts_did_stays_when_the_notice_is_sent_again(
    side: Azure, http: HttpClient
) -> None:
    """A lost answer has it sent again: nothing of theirs is written over."""
    responder = made(side.outside.url, http)
    (opened,) = await actions(responder, make_incident())
    await responder.apply(opened)
    (found,) = incidents(side)
    owned = {**found["properties"], "owner": {"objectId": "a"}, "status": "Active"}
    side.outside.manager.resources.write({**found, "properties": owned})

    await responder.apply(opened)

    (after,) = incidents(side)
    assert after["properties"] == owned
    assert len(comments(side)) == 1


@pytest.mark.parametrize(
    ("classification", "said"),
    [
        (Classification.TRUE_POSITIVE, ("TruePositive", "SuspiciousActivity")),
        (Classification.BENIGN_POSITIVE, ("BenignPositive", "SuspiciousButExpected")),
        (Classification.FALSE_POSITIVE, ("FalsePositive", "InaccurateData")),
        (Classification.UNDETERMINED, ("Undetermined", None)),
        (None, ("Undetermined", None)),
    ],
)
async def test_it_is_closed_as_what_it_turned_out_to_be(
    side: Azure,
    http: HttpClient,
    classification: Classification | None,
    said: tuple[str, str | None],
) -> None:
    """Owner, labels and description are sent back: a PUT replaces everything."""
    responder = made(side.outside.url, http, close=True)
    (opened,) = await actions(responder, make_incident())
    guid = (await responder.apply(opened)).reference
    (found,) = incidents(side)
    properties = {**found["properties"], "owner": {"objectId": "a"}}
    side.outside.manager.resources.write({**found, "properties": properties})
    status = IncidentStatus.CLOSED if classification else IncidentStatus.RESOLVED
    verdict = Verdict(classification=classification) if classification else None
    ended = make_incident(status=status, verdict=verdict)

    _, closing = await actions(responder, ended)
    await responder.apply(replace(closing, reference=guid))

    (after,) = incidents(side)
    assert after["properties"]["status"] == "Closed"
    assert after["properties"]["classification"] == said[0]
    assert after["properties"].get("classificationReason") == said[1]
    assert after["properties"]["owner"] == {"objectId": "a"}
    assert after["properties"]["labels"] == found["properties"]["labels"]
    assert len(comments(side)) == 2


async def test_what_people_closed_is_not_opened_again(
    side: Azure, http: HttpClient
) -> None:
    """Somebody who acknowledges here later is a comment there."""
    responder = made(side.outside.url, http)
    (opened,) = await actions(responder, make_incident())
    guid = (await responder.apply(opened)).reference
    (found,) = incidents(side)
    closed = {**found["properties"], "status": "Closed"}
    side.outside.manager.resources.write({**found, "properties": closed})

    told = await acknowledged(responder)
    await responder.apply(replace(told, key="0" * 32, reference=guid))

    assert incidents(side)[0]["properties"] == closed
    assert len(comments(side)) == 2


@pytest.mark.parametrize(("progress", "status"), [(True, "Active"), (False, "New")])
async def test_whoever_acknowledges_works_on_it(
    side: Azure, http: HttpClient, *, progress: bool, status: str
) -> None:
    """Where the policy says so."""
    responder = made(side.outside.url, http, progress=progress)
    (opened,) = await actions(responder, make_incident())
    guid = (await responder.apply(opened)).reference

    await responder.apply(replace(await acknowledged(responder), reference=guid))

    assert incidents(side)[0]["properties"]["status"] == status


async def test_it_says_exactly_what_it_needs(side: Azure, http: HttpClient) -> None:
    """With these rights and no other it opens, comments and closes."""
    needed = tuple(each.action for each in Sentinel.permissions)
    side.outside.rights.identity = Identity(actions=needed)
    responder = made(side.outside.url, http, close=True)
    ended = make_incident(status=IncidentStatus.RESOLVED)

    opened, closing = await actions(responder, ended)
    guid = (await responder.apply(opened)).reference
    await responder.apply(replace(closing, reference=guid))

    assert incidents(side)[0]["properties"]["status"] == "Closed"


async def test_what_was_never_opened_needs_no_end(
    side: Azure, http: HttpClient
) -> None:
    """Nothing is made to be closed."""
    responder = made(side.outside.url, http, close=True)
    _, closing = await actions(responder, make_incident(status=IncidentStatus.RESOLVED))

    assert (await responder.apply(closing)).reference == ""
    assert incidents(side) == []


async def test_a_race_with_somebody_is_run_again() -> None:
    """A portal and playbooks write at the same time: it is read anew."""
    found = b'{"etag":"1","properties":{"status":"New","title":"t"}}'
    http = FakeHttp(default=Reply(status=200, headers={}, body=found))
    responder = made("https://side.example", http)
    told = await acknowledged(responder)
    http.script += [
        Reply(status=200, headers={}, body=b"{}"),
        Reply(status=200, headers={}, body=found),
        Reply(status=409, headers={}, body=b"{}"),
    ]

    with pytest.raises(TransientFailure) as caught:
        await responder.apply(told)

    assert caught.value.reason is FailureReason.CONFLICT


async def test_what_is_no_incident_is_told() -> None:
    """And never taken for one."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b"[]"))
    responder = made("https://side.example", http)

    with pytest.raises(PermanentFailure):
        await responder.apply(await acknowledged(responder))


async def test_the_reason_that_somebody_gave_is_kept(
    side: Azure, http: HttpClient
) -> None:
    """Not the usual one."""
    verdict = Verdict(
        classification=Classification.FALSE_POSITIVE,
        reason=ClosingReason.INCORRECT_ALERT_LOGIC,
    )
    ended = make_incident(status=IncidentStatus.CLOSED, verdict=verdict)
    responder = made(side.outside.url, http, close=True)
    opened, closing = await actions(responder, ended)
    guid = (await responder.apply(opened)).reference

    await responder.apply(replace(closing, reference=guid))

    found = incidents(side)[0]["properties"]
    assert found["classificationReason"] == "IncorrectAlertLogic"


def test_it_is_only_told_over_https() -> None:
    """A token goes there."""
    with pytest.raises(SettingsError, match="url"):
        made("http://management.azure.com", FakeHttp())


@pytest.mark.parametrize(
    "settings",
    [
        {"workspace": WEB01},
        {"workspace": "law-soc"},
        {"labels": ["<b>"]},
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any]) -> None:
    """Each with its path."""
    with pytest.raises(SettingsError, match=r"responders\.soc\."):
        made("https://side.example", FakeHttp(), **settings)
