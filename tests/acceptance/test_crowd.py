"""Real workers, real storage, all at once: nothing is torn, lost or told twice."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from devhost.outside import Outside
from devhost.storage import Azurite
from shared import settings as environment
from shared import timeline
from shared.bootstrap import App
from shared.model.action import ActionStatus
from shared.model.correlation import OpenKey
from shared.model.incident import IncidentStatus
from shared.store import reading, rows
from tests.acceptance.crowd import THINGS, VERSIONS, feed
from tests.acceptance.world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model.incident import Incident
    from shared.store.ledger import Ledger

KEY = "0123456789abcdef0123456789abcdef"
WORKERS = 8

POLICY = """
responders:
  on-call: {{use: pagerduty, routing_key: {{setting: KEY}}, url: {url}/pagerduty}}
routes:
  - to: [on-call]
storm: {{pages: 1000, within: 10m}}
"""


@pytest.mark.parametrize("alerts", [24, pytest.param(400, marks=pytest.mark.soak)])
async def test_eight_processes_on_one_account_act_as_one(
    tmp_path: Path, alerts: int
) -> None:
    """Each is given every alert twice, in an order of its own."""
    with Azurite.start() as storage:
        async with Outside.start() as outside:
            given = _settings(tmp_path, storage.connection_string, outside.url)
            await _run(tmp_path, given, alerts)

            app = App(environment.from_environment(given))
            try:
                await (await app.tick())()
                ledger = (await app.storage()).ledger
                await _check(ledger, alerts)
            finally:
                await app.close()
            pages = outside.pagerduty.pages()
            assert len(pages) == THINGS
            assert [page.opens for page in pages] == [1] * THINGS


def _settings(folder: Path, connection: str, url: str) -> dict[str, str]:
    policy = folder / "policy.yaml"
    policy.write_text(POLICY.format(url=url))
    given = {
        "AzureWebJobsStorage": connection,
        "FIREWATCH_POLICY": str(policy),
        "KEY": KEY,
    }
    (folder / "settings.json").write_text(json.dumps(given))
    return given


async def _run(folder: Path, given: dict[str, str], alerts: int) -> None:
    # The account is made by one of them; at its very first start there is one app.
    app = App(environment.from_environment(given))
    await app.storage()
    await app.close()
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.acceptance.crowd", str(folder / "settings.json")),
            *(str(seed), str(alerts)),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )
        for seed in range(WORKERS)
    ]
    for worker, (_, said) in zip(
        workers,
        await asyncio.gather(*(worker.communicate() for worker in workers)),
        strict=True,
    ):
        assert worker.returncode == 0, said.decode()[-3_000:]


async def _check(ledger: Ledger, alerts: int) -> None:
    heads = {head.id: head for head in await reading.incidents(ledger)}
    live = [h for h in heads.values() if h.status is not IncidentStatus.MERGED]
    stored = await reading.alerts(ledger)
    assert len(live) == THINGS
    assert len({alert.id for alert in stored}) == len(stored) == alerts
    on = Counter(_live(heads, alert.incident) for alert in stored)
    assert on == {head.id: head.alerts for head in live}
    for partition in rows.all_partitions(ledger.partitions):
        for row in await ledger.scan(partition, "k"):
            key = rows.decode(row, OpenKey)
            owners = {_live(heads, i.incident) for i in key.intervals}
            assert len(owners) == 1, "an open key with two incidents"
    for head in heads.values():
        partition = rows.partition_of_incident(head.id)
        proof = timeline.prove(head, await ledger.scan(partition, f"t|{head.id}"))
        assert proof.verified, proof
        assert not head.is_dirty
    books = await reading.books(ledger)
    assert books.is_balanced
    assert books.received == WORKERS * 2 * len(feed(alerts))
    assert books.stored == alerts
    assert books.stored + books.updated <= alerts * VERSIONS
    actions = await reading.actions(ledger)
    assert {action.status for action in actions} <= {
        ActionStatus.APPLIED,
        ActionStatus.DROPPED,
    }


def _live(heads: dict[str, Incident], incident: str) -> str:
    while (into := heads[incident].merged_into) is not None:
        incident = into
    return incident
