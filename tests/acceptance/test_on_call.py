"""On call from the alert to the answer: real storage, real senders, and a clock to step."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from devhost.outside import Fault, Outside
from devhost.storage import Azurite
from shared import settings as environment
from shared.bootstrap import App
from shared.model.incident import IncidentStatus
from shared.store import reading
from tests.acceptance.crowd import look
from tests.alerts import alert_id, defender_alert, event, vm
from tests.fakes.browser import ORIGIN, Browser
from tests.fakes.clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.model.event import Event
    from shared.model.incident import Incident
    from shared.store.ports import Table

MINUTE = timedelta(minutes=1)
POLICY = """
responders:
  room: {{use: pagerduty, routing_key: {{setting: KEY}}, url: {url}/pagerduty}}
  mail:
    use: email
    endpoint: {url}/email
    sender: firewatch@example.com
    to: [soc@example.com]
routes:
  - match: [severity=high]
    escalate: high
  - to: [room]
on_call:
  people:
    ana: {{contacts: {{mail: ana@example.com}}}}
    ben: {{contacts: {{mail: ben@example.com}}}}
    cho: {{contacts: {{mail: cho@example.com}}}}
  schedules:
    primary:
      time_zone: Europe/Oslo
      layers: [{{people: [ana, ben], starts: 2026-10-19T02:30, turn: 1d}}]
  escalations:
    high:
      steps:
        - {{to: [primary]}}
        - {{after: 5m, to: [cho]}}
        - {{after: 15m, to: [mail]}}
  fallback: [room]
storm: {{pages: 20, within: 10m}}
"""


class Stepped:
    """Real storage that is read by our clock: its own cannot be stepped."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self.now = clock

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a table has
        return getattr(self._table, name)


class World(NamedTuple):
    """One storage account, the outside, a clock, and whoever works on it."""

    outside: Outside
    clock: Clock
    settings: dict[str, str]
    queue: QueueClient

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[App]:
        """A process that remembers nothing."""
        app = App(environment.from_environment(self.settings), self.clock)
        ledger = (await app.storage()).ledger
        ledger.table = Stepped(ledger.table, self.clock)
        try:
            yield app
        finally:
            await app.close()

    async def tell(self, app: App, *events: Event) -> None:
        """Take events, and look at what came of them."""
        await (await app.ingest())(list(events))
        await self.settle(app)

    async def settle(self, app: App) -> None:
        """Do what the queue says until it says nothing."""
        while await look(app, self.queue):
            pass

    async def minutes(self, app: App, count: int) -> None:
        """Let time pass, a tick each minute."""
        for _ in range(count):
            self.clock.step(MINUTE)
            await (await app.tick())()
            await self.settle(app)

    def called(self) -> list[str]:
        """Who was mailed that there is an incident, in order."""
        return [
            mail.message["recipients"]["to"][0]["address"].partition("@")[0]
            for mail in self.outside.email.mails
            if not re.search(
                r"resolved|acknowledged", self._text(mail.message), re.IGNORECASE
            )
        ]

    def link(self, recipient: str) -> str:
        """The link that somebody was sent to acknowledge by."""
        for mail in self.outside.email.mails:
            if mail.message["recipients"]["to"][0]["address"].startswith(recipient):
                found = re.search(rf"{ORIGIN}/api/a\?t=\S+", self._text(mail.message))
                assert found is not None
                return found[0]
        raise AssertionError(f"{recipient} was sent nothing")

    @staticmethod
    def _text(message: dict[str, dict[str, str]]) -> str:
        return message["content"]["plainText"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Monday noon, and nothing happened yet."""
    with Azurite.start() as running:
        clock = Clock()
        async with Outside.start(clock=clock) as outside:
            policy = tmp_path / "policy.yaml"
            policy.write_text(POLICY.format(url=outside.url))
            settings = {
                "AzureWebJobsStorage": running.connection_string,
                "FIREWATCH_POLICY": str(policy),
                "FIREWATCH_LINK_KEY": "k" * 64,
                "FIREWATCH_PUBLIC_URL": ORIGIN,
                "KEY": "0123456789abcdef0123456789abcdef",
            }
            queue = QueueClient.from_connection_string(
                running.connection_string,
                "respond",
                message_decode_policy=TextBase64DecodePolicy(),
            )
            async with queue:
                yield World(outside, clock, settings, queue)


async def heads(app: App) -> list[Incident]:
    """Every incident there is."""
    return await reading.incidents((await app.storage()).ledger)


async def test_a_high_goes_from_one_to_the_next_until_a_link_is_answered(
    world: World,
) -> None:
    """The primary, the secondary at the minute the policy says, and then it stops."""
    async with world.worker() as app:
        await world.tell(app, event())
        assert world.called() == ["ben"]
        await world.minutes(app, 4)
        assert world.called() == ["ben"]
        await world.minutes(app, 1)
        assert world.called() == ["ben", "cho"]

        browser = Browser(app)
        link = world.link("cho")
        for _ in range(3):
            assert (await browser.ask("GET", link)).status == 200
        assert (await heads(app))[0].acknowledged is None
        answered = await browser.press(link)
        assert answered.status == 200
        again = await browser.ask("GET", link)
        assert again.status == 410
        assert "already" in again.seen.text.lower()
        await world.settle(app)
        await world.minutes(app, 60)

        [head] = await heads(app)
        assert head.acknowledged is not None
        assert head.acknowledged.by == "link:cho"
        assert world.called() == ["ben", "cho"]
        assert world.outside.pagerduty.pages() == []


async def test_a_side_that_is_down_at_first_kills_and_rivals_change_nothing(
    world: World,
) -> None:
    """Each is called once; what never got through goes to the next, and the fallback."""
    for side in ("email", "pagerduty"):
        world.outside.faults.add(Fault(side=side, status=503, times=2))
    async with world.worker() as app:
        await world.tell(app, event())
        assert world.called() == []
    # That process is gone; two others share what is to do.
    async with world.worker() as one, world.worker() as other:
        for minute in range(40):
            world.clock.step(MINUTE)
            await (await one.tick())()
            await (await other.tick())()
            await world.settle(other if minute % 2 else one)

    assert world.called() == ["ben", "cho", "soc"]
    [page] = world.outside.pagerduty.pages()
    assert page.opens == 1


async def test_the_nights_of_daylight_saving_call_exactly_one(world: World) -> None:
    """Before, at and after the minute of the hand-off."""
    nights = {
        # 02:30 never comes in Oslo: the hand-off is when the clock jumps.
        "2027-03-28T00:59:30Z": "ben",
        "2027-03-28T01:00:00Z": "ana",
        # 02:30 comes twice: the hand-off is at the first.
        "2027-10-31T00:29:30Z": "ana",
        "2027-10-31T00:30:00Z": "ben",
        "2027-10-31T01:30:00Z": "ben",
    }
    async with world.worker() as app:
        for number, at in enumerate(nights):
            moment = datetime.fromisoformat(at).astimezone(UTC)
            world.clock.step(moment - world.clock())
            body = defender_alert(
                SystemAlertId=alert_id(number, moment),
                AzureResourceId=vm(f"vm-{number}"),
                ResourceIdentifiers=[],
                Entities=[],
            )
            new = event(body, place=number, received_at=moment)
            await (await app.ingest())([new])
            await world.settle(app)

    assert world.called() == [*nights.values()]


@pytest.mark.parametrize("alerts", [1_000, pytest.param(5_000, marks=pytest.mark.soak)])
async def test_a_storm_pages_once_for_an_incident_and_sends_a_digest(
    world: World, alerts: int
) -> None:
    """Thousands about a hundred machines: those beyond the rate wait, and are listed."""
    bodies = [
        defender_alert(
            SystemAlertId=alert_id(number),
            AzureResourceId=vm(f"vm-{number % 100}"),
            ResourceIdentifiers=[],
            Entities=[],
            Severity="Medium",
        )
        for number in range(alerts)
    ]
    events = [event(body, place=place) for place, body in enumerate(bodies)]
    async with world.worker() as app:
        for start in range(0, alerts, 1_000):
            await (await app.ingest())(events[start : start + 1_000])
        await world.settle(app)
        await world.minutes(app, 1)
        found = [h for h in await heads(app) if h.status is IncidentStatus.OPEN]
        told = world.outside.pagerduty.pages()
        assert len(found) == 101
        assert len(told) == 20
        # What Firewatch says itself is High here, and calls somebody.
        [digest] = world.outside.email.mails
        assert digest.message["content"]["plainText"].count(" UTC: Medium: ") == 20

        await world.minutes(app, 45)

        # Nobody answered what Firewatch said itself, so the room heard of it too.
        pages = world.outside.pagerduty.pages()
        assert len(pages) == 101
        assert sum("Alert storm" in page.summary for page in pages) == 1
        assert {page.opens for page in pages} == {1}
