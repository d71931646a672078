"""What Splunk's event collector is sent."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING

import pytest

from devhost.outside import Outside
from responders.forwards.records import records
from responders.splunk import Splunk
from shared.clouds.http import HttpClient
from shared.model.errors import PermanentFailure, SettingsError, TransientFailure
from shared.model.http import Reply
from shared.model.secret import SecretRef
from tests.conformance.kit import (
    NASTY,
    OutsideWorld,
    dossier_of,
    hostile_evidence,
    hostile_incident,
    outside_world,
    planned,
)
from tests.factories import NOON, make_incident
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = Reply(status=200, headers={}, body=b'{"text":"Success","code":0}')


def make_splunk(http: FakeHttp, **changes: str) -> Splunk:
    """A collector at an address."""
    config = Splunk.Config(
        **{"url": "https://splunk.example:8088"} | changes,
        token=SecretRef("TOKEN"),
    )
    return Splunk("siem", config, make_ports(http, {"TOKEN": "t0ken"}))


class OneWorld:
    """What `planned` asks of a world."""

    def __init__(self, responder: Splunk) -> None:
        self.responder = responder


class _Far(FakeHttp):
    """An answer takes a turn of the loop."""

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
        await asyncio.sleep(0)
        return await super().post(url, headers=headers, body=body)


async def forward(responder: Splunk, number: int = 1) -> None:
    """Forward an incident."""
    incident = make_incident(id=f"inc-{number}")
    [action] = await planned(OneWorld(responder), incident)  # type: ignore[arg-type]
    await responder.apply(action)


async def test_an_event_for_each_record_in_seconds_and_by_its_kind() -> None:
    """As the collector wants it: objects one after another, compressed."""
    http = FakeHttp(default=OK)

    await forward(make_splunk(http, index="sec"))

    [sent] = http.sent
    assert sent.url == "https://splunk.example:8088/services/collector/event"
    assert sent.headers["authorization"] == "Splunk t0ken"
    events = [json.loads(line) for line in gzip.decompress(sent.body).splitlines()]
    assert [each["sourcetype"] for each in events] == [
        "firewatch:incident",
        "firewatch:action",
        "firewatch:audit",
        "firewatch:audit",
    ]
    assert events[0]["time"] == NOON.timestamp()
    assert {each["index"] for each in events} == {"sec"}
    assert events[0]["event"]["title"] == "Possible web shell detected"


async def test_without_an_index_the_token_says_which() -> None:
    """Splunk's default."""
    http = FakeHttp(default=OK)

    await forward(make_splunk(http))

    assert b'"index"' not in gzip.decompress(http.sent[0].body)


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"<html>Welcome</html>", TransientFailure),
        (b"[]", TransientFailure),
        (b'{"text":"Incorrect index","code":7}', PermanentFailure),
    ],
)
async def test_what_answers_200_and_did_not_take_it_failed(
    body: bytes, failure: type[Exception]
) -> None:
    """A proxy's page is no receipt."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=body))

    with pytest.raises(failure):
        await forward(make_splunk(http))


async def test_incidents_of_one_message_go_together() -> None:
    """One call for the first, one for all that came meanwhile."""
    http = _Far(default=OK)
    splunk = make_splunk(http)

    await asyncio.gather(*(forward(splunk, number) for number in range(8)))

    assert len(http.sent) <= 2
    assert splunk.traffic.records == 8 * 4
    assert splunk.traffic.bytes == sum(len(sent.body) for sent in http.sent)


def test_a_url_that_is_none_is_refused() -> None:
    """At start."""
    with pytest.raises(SettingsError, match=r"responders\.siem\.url"):
        make_splunk(FakeHttp(), url="http://splunk.example:8088")


async def test_an_index_that_the_token_may_not_write_is_final() -> None:
    """The other side says so; nothing is indexed."""
    async with Outside.start(clock=lambda: NOON) as outside:
        http = HttpClient()
        config = Splunk.Config(
            url=f"{outside.url}/splunk", token=SecretRef("T"), index="other"
        )
        splunk = Splunk("siem", config, make_ports(http, {"T": "t"}))
        with pytest.raises(PermanentFailure):
            await forward(splunk)
        await http.close()

    assert outside.splunk.refused == [7]
    assert outside.splunk.events == []


async def test_nasty_texts_arrive_as_they_were_sent() -> None:
    """Over a real socket, what the receiver parsed is what the records say."""
    async with outside_world("splunk") as world:
        assert isinstance(world, OutsideWorld)
        texts = [text for text in NASTY if len(text) < 200]
        for start in range(0, len(texts), 60):
            some = texts[start : start + 60]
            incident, evidence = hostile_incident(*some), hostile_evidence(*some)
            [action] = await planned(world, incident, evidence)
            await world.responder.apply(action)
            expected = [r.flat for r in records(action, dossier_of(incident, evidence))]

            side = world._outside.splunk
            assert [each["event"] for each in side.events] == expected
            side.events.clear()
