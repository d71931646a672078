"""The status of Defender's alerts: only forward, only its own, and only by people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from devhost.outside.azure.rights import Identity
from responders.alert_status import AlertStatus
from shared.actions.rendering import message, telling
from shared.clouds.http import HttpClient
from shared.model.action import Occasion, Verb
from shared.model.errors import SettingsError
from shared.model.incident import (
    QUIET,
    SOURCE,
    Classification,
    IncidentStatus,
    Mark,
    Verdict,
)
from tests.conformance.cases.alert_status import STORED, alerts
from tests.factories import NOON, make_incident
from tests.fakes.azure import Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.model.action import Action
    from shared.model.alert import AlertRow
    from shared.model.incident import Incident

ADA = Mark(by="entra:ada", at=NOON)


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        side.outside.manager.resources.write(STORED)
        yield side


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


def made(url: str, http: Any, rows: Any = alerts, **settings: Any) -> AlertStatus:  # noqa: ANN401
    config = msgspec.convert({"url": f"{url}/arm"} | settings, AlertStatus.Config)
    return AlertStatus("it", config, make_ports(http, {})._replace(alerts=rows))


async def action(responder: AlertStatus, incident: Incident, verb: Verb) -> Action:
    """The notice of that verb, as the core sends it."""
    plan = await responder.plan(incident)
    found = next(a for a in plan if a.verb is verb or verb is Verb.ACKNOWLEDGE)
    return telling(replace(found, verb=verb), message(incident, ()))


def status(side: Azure) -> str:
    found = side.outside.manager.resources.find(STORED["id"]) or {}
    return str(found["properties"]["status"])


def set_to(side: Azure, said: str) -> None:
    properties = {**STORED["properties"], "status": said}
    side.outside.manager.resources.write({**STORED, "properties": properties})


@pytest.mark.parametrize(
    ("progress", "verb", "after"),
    [
        ("never", Verb.TRIGGER, "Active"),
        ("never", Verb.ACKNOWLEDGE, "Active"),
        ("acknowledged", Verb.TRIGGER, "Active"),
        ("acknowledged", Verb.ACKNOWLEDGE, "InProgress"),
        ("opened", Verb.TRIGGER, "InProgress"),
        ("opened", Verb.ACKNOWLEDGE, "InProgress"),
    ],
)
async def test_it_is_in_progress_when_the_policy_says(
    side: Azure, http: HttpClient, progress: str, verb: Verb, after: str
) -> None:
    """A custom role cannot name that right, so nothing is tried unless asked for."""
    responder = made(side.outside.url, http, progress=progress)

    await responder.apply(await action(responder, make_incident(), verb))

    assert status(side) == after


@pytest.mark.parametrize(
    ("by", "classification", "after"),
    [
        ("entra:ada", None, "Resolved"),
        ("entra:ada", Classification.TRUE_POSITIVE, "Resolved"),
        ("entra:ada", Classification.UNDETERMINED, "Resolved"),
        ("entra:ada", Classification.FALSE_POSITIVE, "Dismissed"),
        ("entra:ada", Classification.BENIGN_POSITIVE, "Dismissed"),
        (SOURCE, None, "Active"),
        (QUIET, None, "Active"),
    ],
)
async def test_a_person_who_ends_it_ends_its_alerts(
    side: Azure,
    http: HttpClient,
    by: str,
    classification: Classification | None,
    after: str,
) -> None:
    """What ended by itself says nothing of them."""
    responder = made(side.outside.url, http)
    ended = make_incident(
        status=IncidentStatus.CLOSED if classification else IncidentStatus.RESOLVED,
        resolved=Mark(by=by, at=NOON),
        verdict=Verdict(classification=classification) if classification else None,
    )

    await responder.apply(await action(responder, ended, Verb.RESOLVE))

    assert status(side) == after


async def test_a_merged_incident_is_not_over(side: Azure, http: HttpClient) -> None:
    """Its alerts go on in another."""
    responder = made(side.outside.url, http)
    merged = make_incident(status=IncidentStatus.MERGED, resolved=ADA)
    told = await action(responder, merged, Verb.RESOLVE)

    assert told.occasion is Occasion.MERGED
    await responder.apply(told)
    assert status(side) == "Active"


@pytest.mark.parametrize("said", ["Resolved", "Dismissed", "SomethingNew"])
async def test_what_people_set_there_stays(
    side: Azure, http: HttpClient, said: str
) -> None:
    """And what nobody here knows."""
    set_to(side, said)
    responder = made(side.outside.url, http, progress="opened")
    ended = make_incident(status=IncidentStatus.RESOLVED, resolved=ADA)

    for verb in (Verb.TRIGGER, Verb.RESOLVE):
        await responder.apply(await action(responder, ended, verb))

    assert status(side) == said
    assert side.outside.manager.changes == []


@pytest.mark.parametrize(
    "classification", [Classification.TRUE_POSITIVE, Classification.FALSE_POSITIVE]
)
async def test_it_says_exactly_what_it_needs(
    side: Azure, http: HttpClient, classification: Classification
) -> None:
    """With these rights and no other it ends alerts, either way."""
    actions = tuple(each.action for each in AlertStatus.permissions)
    side.outside.rights.identity = Identity(actions=actions)
    verdict = Verdict(classification=classification)
    ended = make_incident(status=IncidentStatus.CLOSED, resolved=ADA, verdict=verdict)
    responder = made(side.outside.url, http)

    await responder.apply(await action(responder, ended, Verb.RESOLVE))

    assert status(side) != "Active"


async def test_alerts_of_others_are_not_its(side: Azure, http: HttpClient) -> None:
    """Whoever names one of Defender's alerts in a format of their own does not end it."""

    async def forged(incident: str) -> Sequence[AlertRow]:
        return [replace(row, kind="graph") for row in await alerts(incident)]

    responder = made(side.outside.url, http, forged)
    ended = make_incident(status=IncidentStatus.RESOLVED, resolved=ADA)

    await responder.apply(await action(responder, ended, Verb.RESOLVE))

    assert status(side) == "Active"


async def test_one_beside_groups_is_found_as_well(
    side: Azure, http: HttpClient
) -> None:
    """Where it is kept, its own link does not say."""
    resources = side.outside.manager.resources
    resources.remove(STORED["id"])
    subscription, _, rest = STORED["id"].partition("/resourceGroups/")
    beside = f"{subscription}/providers/{rest.partition('/providers/')[2]}"
    resources.write({**STORED, "id": beside})
    responder = made(side.outside.url, http)
    ended = make_incident(status=IncidentStatus.RESOLVED, resolved=ADA)

    await responder.apply(await action(responder, ended, Verb.RESOLVE))

    assert (resources.find(beside) or {})["properties"]["status"] == "Resolved"


async def test_what_it_does_not_end_it_does_not_ask_for() -> None:
    """Without `ends` nothing is sent."""
    http = FakeHttp()
    responder = made("https://side.example", http, ends=False)
    ended = make_incident(status=IncidentStatus.RESOLVED, resolved=ADA)

    await responder.apply(await action(responder, ended, Verb.RESOLVE))

    assert http.sent == []


def test_it_is_only_asked_over_https() -> None:
    """A token goes there."""
    with pytest.raises(SettingsError, match="url"):
        made("http://management.azure.com", FakeHttp())
