"""HTTP requests, and the answers their senders get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.store import reading
from shared.triggers import webhook
from shared.triggers.webhook import Receiver
from tests.alerts import defender_alert
from tests.fakes.app import KEY, FakeApp

if TYPE_CHECKING:
    from pathlib import Path

    from shared.triggers.answer import Answer

BODY = msgspec.json.encode(defender_alert())


@pytest.fixture
def app(tmp_path: Path) -> FakeApp:
    """An app with one sender."""
    return FakeApp(tmp_path)


@pytest.fixture
def receiver(app: FakeApp) -> Receiver:
    """What takes its requests."""
    return Receiver(app)


async def post(receiver: Receiver, body: bytes = BODY, key: str = KEY) -> Answer:
    """A request of the sender."""
    return await receiver(headers={"x-firewatch-key": key}, query={}, body=body)


async def test_alerts_are_stored_before_they_are_accepted(
    app: FakeApp, receiver: Receiver
) -> None:
    """202 with the books of the request."""
    answer = await post(receiver)

    assert answer.status == 202
    assert answer.content is not None
    assert (answer.content["received"], answer.content["stored"]) == (1, 1)
    (alert,) = await reading.alerts(app.world.ledger)
    assert alert.archived.startswith("archive/2026-11-23/http/portal/")


async def test_the_same_request_again_is_a_duplicate(
    app: FakeApp, receiver: Receiver
) -> None:
    """Senders that heard no answer send again; that is accepted too."""
    await post(receiver)

    answer = await post(receiver)

    assert answer.status == 202
    assert answer.content is not None
    assert answer.content["duplicate"] == 1
    assert (await app.world.head()).alerts == 1


async def test_a_stranger_learns_nothing(app: FakeApp, receiver: Receiver) -> None:
    """401 without a body, and nothing is kept."""
    answer = await post(receiver, key="wrong")

    assert (answer.status, answer.content) == (401, None)
    assert app.world.blobs.blobs == {}


@pytest.mark.parametrize("body", [b"", b"junk", b"<xml/>", b'{"a": NaN}'])
async def test_a_malformed_body_is_said_and_kept(
    app: FakeApp, receiver: Receiver, body: bytes
) -> None:
    """400 with what is wrong and where, and a dead letter."""
    answer = await post(receiver, body)

    assert answer.status == 400
    assert answer.content is not None
    assert answer.content["problems"][0]["path"] == "$"
    (letter,) = [x async for _, x in app.world.worker.archive.letters()]
    assert letter.raw == body
    assert letter.source == "http/portal"


async def test_json_that_is_no_alert_is_accepted_and_kept(
    app: FakeApp, receiver: Receiver
) -> None:
    """The sender cannot mend it: 202, counted as a dead letter."""
    answer = await post(receiver, b'[{"hello": 1}]')

    assert answer.status == 202
    assert answer.content is not None
    assert answer.content["dead_lettered"] == 1
    assert len([x async for x in app.world.worker.archive.letters()]) == 1


async def test_a_body_too_long_is_refused_unread(
    app: FakeApp, receiver: Receiver
) -> None:
    """Before anybody is asked who sent it."""
    answer = await post(receiver, b"x" * (webhook.LONGEST_BODY + 1), key="wrong")

    assert answer.status == 413
    assert app.world.faults.total == 0


async def test_while_the_store_is_down_senders_are_put_off(
    app: FakeApp, receiver: Receiver
) -> None:
    """503 with a time to come back; a 401 or 500 would lose the alert."""
    app.world.faults.go_down()

    answer = await post(receiver)

    assert answer.status == 503
    assert answer.headers["retry-after"]
    app.world.faults.heal()
    assert (await post(receiver)).status == 202


async def test_while_the_settings_are_wrong_senders_are_put_off(
    tmp_path: Path,
) -> None:
    """A missing secret is ours to mend; the alert must come again."""
    app = FakeApp(tmp_path, changes={"PORTAL_KEY": ""})

    answer = await post(Receiver(app))

    assert (answer.status, answer.content) == (503, None)


async def test_a_flood_of_rejected_bodies_is_stopped_for_an_hour(
    app: FakeApp, receiver: Receiver
) -> None:
    """Good requests are stopped with it; then the sender starts anew."""
    junk = b"x" * webhook.LONGEST_BODY
    for _ in range(webhook.REJECTED_BYTES_AN_HOUR // webhook.LONGEST_BODY + 1):
        assert (await post(receiver, junk)).status == 400

    assert (await post(receiver)).status == 429
    app.world.clock.step(webhook.HOUR)
    assert (await post(receiver)).status == 202
