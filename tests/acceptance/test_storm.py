"""A storm of alerts about a few hundred things, through the app into real storage."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from devhost.outside import Outside
from devhost.storage import Azurite
from shared import settings as environment
from shared.bootstrap import App
from shared.explain import answer
from shared.explain.case import Ruleset
from shared.model.incident import OWN, IncidentStatus
from shared.model.storm import STORM
from shared.store import reading
from tests.acceptance.crowd import look
from tests.alerts import alert_id, defender_alert, event, stamp, vm
from tests.factories import NOON

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model.event import Event
    from shared.model.incident import Incident

KEY = "0123456789abcdef0123456789abcdef"
THINGS = 200
ALERTS_EACH = 25
VERSIONS = 2
COPIES = 10
BATCH = 1_000
# One thing in five is in trouble.
HIGH_ONES = 5

# Time cannot be bent for real storage, so the storm is over in a minute or two here.
POLICY = """
responders:
  on-call: {{use: pagerduty, routing_key: {{setting: KEY}}, url: {url}/pagerduty}}
routes:
  - to: [on-call]
storm: {{pages: 40, within: 20s}}
correlate: {{quiet: 30d}}
"""


def _bodies() -> list[dict[str, object]]:
    """10,000 distinct versions of 5,000 alerts about 200 machines of 8 subscriptions."""
    found = []
    for number in range(THINGS * ALERTS_EACH):
        thing = number % THINGS
        subscription = f"0b1f6471-1bf0-4dda-aec3-{thing % 8:012d}"
        for version in range(VERSIONS):
            at = stamp(NOON.replace(minute=version, second=number % 60))
            found.append(
                defender_alert(
                    SystemAlertId=alert_id(number),
                    AlertType=f"VM_Kind{number // THINGS % 10}",
                    AzureResourceId=vm(f"vm-{thing}", subscription),
                    ResourceIdentifiers=[],
                    Entities=[],
                    ProcessingEndTime=at,
                    Severity="High" if thing % HIGH_ONES == 0 else "Medium",
                )
            )
    return found


def _events() -> list[Event]:
    """100,000 events: each version comes ten times, in any order."""
    bodies = [body for body in _bodies() for _ in range(COPIES)]
    random.Random(7).shuffle(bodies)
    return [event(body, place=place) for place, body in enumerate(bodies)]


@pytest.mark.soak
async def test_a_storm_is_a_few_incidents_and_a_page_each(
    tmp_path: Path,
) -> None:
    """And one page says that there is a storm; every alert can be explained."""
    policy = tmp_path / "policy.yaml"
    with Azurite.start() as storage:
        async with Outside.start() as outside:
            policy.write_text(POLICY.format(url=outside.url))
            app = App(
                environment.from_environment(
                    {
                        "AzureWebJobsStorage": storage.connection_string,
                        "FIREWATCH_POLICY": str(policy),
                        "KEY": KEY,
                    }
                )
            )
            try:
                await _tell(app, storage.connection_string, _events())
                await _check(app, outside)
            finally:
                await app.close()


async def _tell(app: App, connection: str, events: list[Event]) -> None:
    queue = QueueClient.from_connection_string(
        connection, "respond", message_decode_policy=TextBase64DecodePolicy()
    )
    ingest = await app.ingest()
    async with queue:
        for start in range(0, len(events), BATCH):
            await ingest(events[start : start + BATCH])
            await look(app, queue)
            await (await app.tick())()
        deadline = time.monotonic() + 600
        while await _is_busy(app):
            assert time.monotonic() < deadline
            await (await app.tick())()
            await look(app, queue)


async def _is_busy(app: App) -> bool:
    heads = await _heads(app)
    own = [head for head in heads if OWN in head.sources]
    is_over = own and all(head.status is IncidentStatus.RESOLVED for head in own)
    return not is_over or any(head.is_dirty or head.hold for head in heads)


async def _heads(app: App) -> list[Incident]:
    ledger = (await app.storage()).ledger
    found = await reading.incidents(ledger)
    return [head for head in found if head.status is not IncidentStatus.MERGED]


async def _check(app: App, outside: Outside) -> None:
    heads = await _heads(app)
    things = [head for head in heads if OWN not in head.sources]
    assert len(things) == THINGS
    assert Counter(head.alerts for head in things) == {ALERTS_EACH: THINGS}
    held = [head for head in things if STORM in head.hidden_by]
    assert held
    assert not any(head.severity == "high" for head in held)
    pages = outside.pagerduty.pages()
    assert len(pages) == THINGS + 1
    assert {page.opens for page in pages} == {1}
    (notice,) = [page for page in pages if "Alert storm" in page.summary]
    assert notice.resolved
    ledger = (await app.storage()).ledger
    assert (await reading.books(ledger)).stored == THINGS * ALERTS_EACH
    policy = await app.policy()
    rules = Ruleset(routes=policy.routes, silences=(), quiet=policy.correlate.quiet)
    for row in await reading.alerts(ledger):
        explained = await answer.of_alert(ledger, row, rules)
        assert explained.lines
        assert explained.about is not None
        assert explained.joined is not None
