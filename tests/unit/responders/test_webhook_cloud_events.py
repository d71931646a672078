"""Signed notices as CloudEvents."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devhost.outside import Outside
from shared.clouds.http import HttpClient
from shared.model.errors import SettingsError
from shared.sources import cloud_events
from shared.sources.fields import Fields
from shared.sources.framing import units
from tests.conformance.kit import (
    CASES,
    HOSTILE,
    hostile_evidence,
    hostile_incident,
    request_problems,
)
from tests.factories import (
    NOON,
    make_incident,
)
from tests.fakes.http import FakeHttp
from tests.unit.responders.hooks import SECRET, make_webhook, planned, signed


async def test_a_notice_can_be_a_cloud_event() -> None:
    """The same data, in an envelope of CloudEvents 1.0, signed as ever."""
    http = FakeHttp()
    webhook = make_webhook(http, format="cloudevents", source="https://fw.example/")
    [action] = await planned(webhook, make_incident())

    await webhook.apply(action)
    await make_webhook(http).apply(action)

    event, standard = (sent.json for sent in http.sent)
    sent = http.sent[0]
    assert event == {
        "specversion": "1.0",
        "id": action.key,
        "source": "https://fw.example/",
        "type": "io.firewatch.incident.opened",
        "subject": "inc-1",
        "time": "2026-11-23T12:00:00.000Z",
        "datacontenttype": "application/json",
        "data": standard["data"],
    }
    assert sent.headers["content-type"] == (
        "application/cloudevents+json; charset=utf-8"
    )
    assert sent.headers["webhook-id"] == action.key
    assert sent.headers["webhook-signature"] == signed(sent, b"n" * 32)


async def test_our_own_reader_takes_the_cloud_event_for_one() -> None:
    """What reads events of others finds our data in it, and a type that is ours."""
    http = FakeHttp()
    webhook = make_webhook(http, format="cloudevents")
    [action] = await planned(webhook, make_incident())

    await webhook.apply(action)

    [unit] = units(http.sent[0].body)
    assert unit.fields is not None
    fields = Fields(unit.fields, unit.path)
    assert cloud_events.recognises(fields)
    found = cloud_events.read(fields, received_at=NOON)
    assert isinstance(found, Fields)
    assert found.text("dedup_key") == action.dedup_key
    assert found.path == "$.data"
    # The attributes that the standard asks for, each a text that is not empty.
    for name in ("specversion", "id", "source", "type"):
        assert fields.text(name)


async def test_a_strict_receiver_takes_the_cloud_event() -> None:
    """Signature and attributes, over a socket; the same again is a repeat."""
    http = HttpClient()
    async with Outside.start(clock=lambda: NOON) as outside:
        outside.webhook.trust("portal", SECRET)
        url = f"{outside.url}/webhook/portal"
        webhook = make_webhook(http, url=url, format="cloudevents")
        [action] = await planned(webhook, make_incident())

        for _ in range(2):
            await webhook.apply(action)

        [delivery] = outside.webhook.deliveries
        assert (delivery.body["id"], delivery.repeats) == (action.key, 1)
        assert outside.webhook.refused == []
    await http.close()


async def test_a_repeat_is_the_same_event_at_another_time() -> None:
    """Receivers tell events by source and id."""
    http = FakeHttp()
    webhook = make_webhook(http, format="cloudevents")
    [action] = await planned(webhook, make_incident())

    await webhook.apply(action)
    webhook._clock = lambda: NOON + timedelta(minutes=1)
    await webhook.apply(action)

    first, again = (sent.json for sent in http.sent)
    assert (first["source"], first["id"]) == (again["source"], again["id"])
    assert again["time"] == "2026-11-23T12:01:00.000Z"


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_stays_in_the_data(text: str) -> None:
    """Nothing of an alert is in an attribute but its incident's id."""
    http = FakeHttp()
    webhook = make_webhook(http, format="cloudevents")
    [action, *_] = await planned(
        webhook, hostile_incident(text), hostile_evidence(text)
    )

    await webhook.apply(action)

    [sent] = http.sent
    assert request_problems(sent, CASES["webhook"]) == []
    assert sent.json["subject"] == "inc-1"


@pytest.mark.parametrize("source", ["", "a b", "\u00e9", "x" * 201, "a\n", '"'])
def test_a_source_that_is_no_uri_is_said_at_start(source: str) -> None:
    """Receivers refuse such events, each with words of its own."""
    with pytest.raises(SettingsError, match=r"responders\.portal\.source "):
        make_webhook(FakeHttp(), source=source)
