"""Calls of other sides, from their bytes to what comes of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import azure.functions as func
import pytest

from shared.model.link import button
from shared.triggers import health
from shared.triggers.answers import callback
from shared.triggers.callbacks import LONGEST_BODY, Callbacks
from tests.alerts import event
from tests.fakes import calls
from tests.fakes.app import FakeApp
from tests.fakes.calls import SECRET, encoded

if TYPE_CHECKING:
    from pathlib import Path

    from shared.triggers.answer import Answer

POLICY = """
responders:
  on-call:
    use: pagerduty
    routing_key: {setting: ROUTING_KEY}
    callback_secret: {setting: CALLBACK}
  silent: {use: pagerduty, routing_key: {setting: ROUTING_KEY}}
routes:
  - to: [on-call]
"""
SETTINGS = {"CALLBACK": SECRET, "ROUTING_KEY": "r" * 32}


class House:
    """An app whose pager is PagerDuty, with one open incident that was told."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.app = FakeApp(folder, policy=POLICY, changes=SETTINGS | settings)
        self.app.world.responders["on-call"] = self.app.world.responders.pop("pager")
        self.app.world.pager.name = "on-call"
        self.app.world.route = lambda _: ("on-call",)
        self.callbacks = Callbacks(self.app)

    @property
    def key(self) -> str:
        """The key of the notice."""
        return self.app.world.pager.sent[0].dedup_key

    async def post(
        self, body: bytes, headers: dict[str, str] | None = None, name: str = "on-call"
    ) -> Answer:
        """A call, signed as it should be."""
        given = calls.pagerduty(body) if headers is None else headers
        return await self.callbacks(name, headers=given, body=body)


@pytest.fixture
async def house(tmp_path: Path) -> House:
    """With everything in order."""
    made = House(tmp_path)
    await made.app.world.feed([event()])
    return made


def acknowledged(house: House, **changes: str) -> bytes:
    """What PagerDuty says now."""
    at = house.app.clock()
    return encoded(calls.incident(key=house.key, at=at, **changes))


async def test_pagerduty_acknowledges(house: House) -> None:
    """202, once it is written."""
    answer = await house.post(acknowledged(house))

    head = await house.app.world.head()
    assert (answer.status, answer.content) == (202, None)
    assert head.acknowledged is not None
    assert head.acknowledged.by == "pagerduty:on-call (Ana Example)"


async def test_a_repeat_is_heard_and_changes_nothing(house: House) -> None:
    """Sides try again when an answer got lost."""
    body = acknowledged(house)
    await house.post(body)
    rows = dict(house.app.world.table._rows)

    assert (await house.post(body)).status == 202
    assert dict(house.app.world.table._rows) == rows


async def test_strangers_learn_nothing(house: House) -> None:
    """401 and an empty body: not signed, a responder that is not called back, or none."""
    body = acknowledged(house)
    answers = [
        await house.post(body, {}),
        await house.post(body, calls.pagerduty(body, "another-secret-entirely")),
        await house.post(body, calls.jsm(body)),
        await house.post(body, name="silent"),
        await house.post(body, name="nobody"),
        await house.post(body, name=""),
    ]

    assert {(answer.status, answer.content) for answer in answers} == {(401, None)}
    assert (await house.app.world.head()).acknowledged is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"\xff", b"[" * 5_000, encoded({"event": {"id": 7}})],
)
async def test_what_is_odd_and_signed_is_heard(house: House, body: bytes) -> None:
    """202: PagerDuty gives up on an address that refuses three times (1.2)."""
    assert (await house.post(body)).status == 202


async def test_what_we_do_not_know_is_heard_and_told(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Of another incident of that service: no error of theirs, and a line for us."""
    with caplog.at_level(logging.WARNING):
        answer = await house.post(encoded(calls.incident(at=house.app.clock())))

    assert answer.status == 202
    assert "callback.odd" in caplog.text
    assert "unknown" in caplog.text


async def test_while_storage_is_away_it_is_to_be_said_again(house: House) -> None:
    """503, and nothing is half done; the repeat is taken."""
    body = acknowledged(house)
    house.app.world.faults.go_down()

    answer = await house.post(body)

    assert (answer.status, answer.headers) == (503, {"retry-after": "5"})
    house.app.world.faults.heal()
    assert (await house.post(body)).status == 202
    assert (await house.app.world.head()).acknowledged is not None


async def test_a_body_is_bounded(house: House) -> None:
    """Before anything is reckoned with it."""
    assert (await house.post(b" " * (LONGEST_BODY + 1), {})).status == 413


async def test_a_missing_secret_is_said_by_health(tmp_path: Path) -> None:
    """Nobody is heard by it meanwhile."""
    house = House(tmp_path, CALLBACK="")

    answer = await health.report(house.app)

    assert answer.content is not None
    said = "responders.on-call.callback_secret: setting CALLBACK is missing or empty"
    assert said in answer.content["problems"]
    assert (await house.post(b"{}")).status == 401


async def test_slack_wants_200(tmp_path: Path) -> None:
    """And sends a form."""
    house = House(tmp_path)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("use: pagerduty", "use: slack", 1))
    await house.app.world.feed([event()])
    body = calls.button(button("acknowledge", house.key))

    answer = await house.post(body, calls.slack(body, at=house.app.clock()))

    assert answer.status == 200
    head = await house.app.world.head()
    assert head.acknowledged is not None
    assert head.acknowledged.by == "slack:on-call (U123 ana)"


async def test_the_trigger_takes_the_request_apart(house: House) -> None:
    """Names of headers in any case, and the responder from the route."""
    body = acknowledged(house)
    headers = {"X-PagerDuty-Signature": calls.pagerduty(body)["x-pagerduty-signature"]}
    request = func.HttpRequest(
        method="POST",
        url="https://firewatch.example.com/api/callbacks/on-call",
        headers=headers,
        params={},
        route_params={"responder": "on-call"},
        body=body,
    )

    answer = await callback(house.app)(request)

    assert (answer.status_code, answer.get_body()) == (202, b"")
    assert answer.headers["cache-control"] == "no-store"
