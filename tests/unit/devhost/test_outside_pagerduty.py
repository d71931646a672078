"""PagerDuty on a development machine."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

from tests.unit.devhost.sending import Sender, make_event, sending


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with sending() as made:
        yield made


async def test_a_trigger_opens_one_alert_however_often_it_comes(sender: Sender) -> None:
    """Repeats of a dedup_key count as triggers, and page nobody again."""
    for _ in range(3):
        reply = await sender.page()

    assert reply.status_code == 202
    assert reply.json()["dedup_key"] == "fw-1"
    [page] = sender.outside.pagerduty.pages()
    assert (page.opens, page.triggers, page.resolved) == (1, 3, False)
    assert len(sender.outside.pagerduty.events) == 3


async def test_a_trigger_after_the_resolve_opens_a_new_alert(sender: Sender) -> None:
    """A late retry pages again, as it would for real."""
    await sender.page()
    await sender.page("resolve")
    resolved = sender.outside.pagerduty.pages()[0].resolved
    sender.clock.step(minutes=1)
    await sender.page()

    [page] = sender.outside.pagerduty.pages()
    assert resolved
    assert (page.opens, page.resolved) == (2, False)
    assert page.opened_at == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("action", ["resolve", "acknowledge"])
async def test_what_has_no_open_alert_is_dropped_silently(
    sender: Sender, action: str
) -> None:
    """202, and nothing happens."""
    reply = await sender.page(action)

    assert reply.status_code == 202
    assert sender.outside.pagerduty.pages() == []


async def test_another_key_has_other_alerts(sender: Sender) -> None:
    """A dedup_key means something to one integration only."""
    await sender.page()
    await sender.page("resolve", routing_key="o" * 32)

    assert [page.resolved for page in sender.outside.pagerduty.pages()] == [False]


async def test_an_acknowledged_alert_is_still_open(sender: Sender) -> None:
    """A repeat of its trigger opens nothing."""
    await sender.page()
    await sender.page("acknowledge")
    await sender.page()

    [page] = sender.outside.pagerduty.pages()
    assert (page.acknowledged, page.resolved, page.opens) == (True, False, 1)


async def test_a_trigger_needs_no_dedup_key(sender: Sender) -> None:
    """PagerDuty makes one up and says it."""
    event = make_event()
    del event["dedup_key"]

    reply = await sender.client.post("/pagerduty/v2/enqueue", json=event)

    assert reply.status_code == 202
    assert reply.json()["dedup_key"]


def invalid_events() -> Iterator[tuple[str, dict[str, Any]]]:
    payload = make_event()["payload"]
    yield "routing_key", {"routing_key": "short"}
    yield "routing_key", {"routing_key": None}
    yield "event_action", {"event_action": "open"}
    yield "dedup_key", {"dedup_key": "x" * 256}
    yield "dedup_key", {"dedup_key": ""}
    yield "dedup_key", {"event_action": "resolve", "dedup_key": None}
    yield "payload", {"payload": None}
    yield "summary", {"payload": payload | {"summary": "x" * 1025}}
    yield "summary", {"payload": payload | {"summary": ""}}
    yield "source", {"payload": payload | {"source": None}}
    yield "severity", {"payload": payload | {"severity": "high"}}
    yield "timestamp", {"payload": payload | {"timestamp": "noon"}}
    yield "timestamp", {"payload": payload | {"timestamp": 5}}
    yield "class", {"payload": payload | {"class": ["x"]}}
    yield "custom_details", {"payload": payload | {"custom_details": "x"}}
    yield "links", {"links": [{"text": "no href"}]}
    yield "links", {"links": {}}
    yield "links", {"payload": payload | {"links": []}}
    yield "images", {"images": [{"href": "x"}]}


@pytest.mark.parametrize(("field", "changes"), list(invalid_events()))
async def test_an_invalid_event_is_refused(
    sender: Sender, field: str, changes: dict[str, Any]
) -> None:
    """400 with the field that is wrong, and nothing is kept of it."""
    reply = await sender.page(**changes)

    assert reply.status_code == 400
    assert reply.json()["status"] == "invalid event"
    assert [error for error in reply.json()["errors"] if field in error]
    assert sender.outside.pagerduty.events == []
    assert len(sender.outside.pagerduty.refused) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"x": "' + b"y" * 512 * 1024 + b'"}']
)
async def test_what_is_no_event_is_refused(sender: Sender, body: bytes) -> None:
    """JSON objects up to 512 KB only."""
    reply = await sender.client.post("/pagerduty/v2/enqueue", content=body)

    assert reply.status_code == 400
