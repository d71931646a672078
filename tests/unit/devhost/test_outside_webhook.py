"""The receiver of signed webhooks on a development machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

from tests.unit.devhost.sending import SECRET, Sender, sending


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with sending() as made:
        yield made


async def test_a_signed_notice_is_taken_once(sender: Sender) -> None:
    """The same id again is a repeat, answered well and not delivered anew."""
    replies = [await sender.notify() for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 200]
    [delivery] = sender.outside.webhook.deliveries
    assert (delivery.id, delivery.repeats) == ("one", 2)
    assert delivery.body == {"type": "incident.opened"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"key": b"another"}, "signature"),
        ({"receiver": "stranger"}, "no secret"),
        ({"webhook-id": ""}, "webhook-id"),
        ({"webhook-id": "a.b"}, "webhook-id"),
        ({"webhook-timestamp": "noon"}, "webhook-timestamp"),
        ({"webhook-timestamp": "9" * 30}, "webhook-timestamp"),
        ({"webhook-timestamp": str(int(NOON.timestamp()) - 301)}, "five minutes"),
        ({"webhook-timestamp": str(int(NOON.timestamp()) + 301)}, "five minutes"),
        ({"webhook-signature": ""}, "signature"),
        ({"webhook-signature": "v1, garbage  v1a,x"}, "signature"),
    ],
)
async def test_what_nobody_signed_is_refused(
    sender: Sender, changes: dict[str, Any], problem: str
) -> None:
    """401, whatever is wrong with the signature, its time or its receiver."""
    reply = await sender.notify(**changes)

    assert reply.status_code == 401
    assert problem in reply.json()["error"]
    assert sender.outside.webhook.deliveries == []
    assert len(sender.outside.webhook.refused) == 1


EVENT = {"specversion": "1.0", "id": "1", "source": "/x", "type": "x.opened"}


async def test_a_cloud_event_is_taken(sender: Sender) -> None:
    """With the media type of one, and the attributes that each has."""
    reply = await sender.notify(
        body=json.dumps(EVENT).encode(),
        media_type="application/cloudevents+json; charset=utf-8",
    )

    assert reply.status_code == 200
    assert [each.body for each in sender.outside.webhook.deliveries] == [EVENT]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ([EVENT], "no object"),
        *(({**EVENT, name: None}, f"no {name}") for name in EVENT),
        ({**EVENT, "source": ""}, "no source"),
        ({**EVENT, "specversion": "0.3"}, "1.0"),
    ],
)
async def test_what_is_no_cloud_event_is_refused(
    sender: Sender, event: object, problem: str
) -> None:
    """However well it is signed."""
    reply = await sender.notify(
        body=json.dumps(event).encode(),
        media_type="application/cloudevents+json",
    )

    assert reply.status_code == 400
    assert problem in reply.json()["error"]
    assert sender.outside.webhook.deliveries == []


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", SECRET[6:], "whsec_QUJD"])
async def test_a_secret_that_is_none_is_refused(sender: Sender, secret: str) -> None:
    """Over the control API it is the request's fault."""
    with pytest.raises(ValueError, match="whsec_"):
        sender.outside.webhook.trust("other", secret)
    reply = await sender.control(
        "POST", "webhook-secret", json={"name": "other", "secret": secret}
    )

    assert reply.status_code == 400


async def test_a_secret_can_be_given_later(sender: Sender) -> None:
    """A receiver exists from the moment its secret is known."""
    before = await sender.notify(receiver="later")
    given = await sender.control(
        "POST", "webhook-secret", json={"name": "later", "secret": SECRET}
    )
    after = await sender.notify(receiver="later")

    assert (before.status_code, given.status_code, after.status_code) == (401, 204, 200)
