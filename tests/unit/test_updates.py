"""What is told again of an incident that somebody knows of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.actions.routing import Route
from shared.commands import Order
from shared.model.action import Change
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.fakes.firewatch import World

EVERY = timedelta(minutes=30)


def _more(number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """Another alert on the same machine."""
    at = stamp(NOON + timedelta(minutes=number))
    given = {
        "SystemAlertId": alert_id(number),
        "AlertType": f"VM_Other{number}",
        "ProcessingEndTime": at,
        "Severity": "Low",
    }
    return defender_alert(**(given | changes))


@pytest.fixture
async def world() -> World:
    """An app with one incident of low severity that was paged."""
    world = World()
    await world.feed([event(_more(1))])
    return world


def _heard(world: World) -> list[tuple[str, str]]:
    return [(sent.verb, sent.occasion) for sent in world.pager.sent]


OPENED = ("trigger", "opened")


async def test_nothing_new_is_not_told_again(world: World) -> None:
    """Another alert of the same kind, place and severity is only counted."""
    await world.feed([event(_more(2), place=2)])

    assert _heard(world) == [OPENED]


async def test_a_raised_severity_is_told_at_once(world: World) -> None:
    """Under the key of the page that is open, so it is the same one."""
    await world.worker.ingest([event(_more(2, Severity="High"), place=2)])
    await world.deliver()

    assert _heard(world) == [OPENED, ("update", "severity_raised")]
    assert len({sent.dedup_key for sent in world.pager.sent}) == 1
    await world.settle()
    await world.check_rested()


async def test_a_lowered_severity_is_not(world: World) -> None:
    """An incident only widens (decision 0004)."""
    await world.feed([event(_more(2, Severity="High"), place=2)])
    await world.feed([event(_more(3, Severity="Informational"), place=3)])

    assert _heard(world) == [OPENED, ("update", "severity_raised")]


async def test_a_new_tactic_waits_for_the_interval(world: World) -> None:
    """And is then one notice, however many came."""
    for number, tactic in enumerate(["Execution", "Impact"], start=2):
        await world.worker.ingest([event(_more(number, Intent=tactic), place=number)])
        await world.deliver()
    assert _heard(world) == [OPENED]

    await world.settle()

    assert _heard(world) == [OPENED, ("update", "new_tactic")]
    assert world.clock() - NOON >= EVERY
    await world.check_rested()


async def test_a_new_resource_is_a_reason_of_its_own(world: World) -> None:
    """A part of the same machine that was not named before."""
    part = vm() + "/extensions/agent"
    await world.feed([event(_more(2, AzureResourceId=part), place=2)])

    assert _heard(world) == [OPENED, ("update", "new_resource")]


async def test_a_route_says_what_is_told_again(world: World) -> None:
    """What it leaves out is not."""
    world.again = Route(to=("pager",), again=(Change.NEW_RESOURCE,))

    await world.feed([event(_more(2, Severity="High"), place=2)])

    assert _heard(world) == [OPENED]


async def test_an_update_that_fails_is_tried_again_until_it_is_overtaken(
    world: World,
) -> None:
    """What is told is always what is true when it is told."""
    world.pager.failures = [TransientFailure(FailureReason.UNAVAILABLE, "down")]
    await world.worker.ingest([event(_more(2, Severity="Medium"), place=2)])
    await world.deliver()
    await world.worker.ingest([event(_more(3, Severity="High"), place=3)])

    await world.settle()

    assert _heard(world) == [OPENED, ("update", "severity_raised")]
    statuses = [row.status for row in await world.actions()]
    assert sorted(statuses) == ["applied", "applied", "dropped"]
    await world.check_rested()


async def test_an_update_that_is_refused_is_not_sent_for_ever(world: World) -> None:
    """The page stands; the next news is tried."""
    world.pager.failures = [PermanentFailure(FailureReason.INVALID, "never")]
    await world.feed([event(_more(2, Severity="Medium"), place=2)])
    await world.feed([event(_more(3, Severity="High"), place=3)])

    assert _heard(world) == [OPENED, ("update", "severity_raised")]


async def test_an_ended_incident_is_not_updated(world: World) -> None:
    """The end is told, and that is all."""
    await world.worker.ingest([event(_more(2, Intent="Impact"), place=2)])
    await world.deliver()
    await world.worker.commands.resolve((await world.head()).id, Order("ada"))

    await world.settle()

    assert _heard(world) == [OPENED, ("resolve", "resolved")]


async def test_rows_of_an_older_version_tell_of_no_news(world: World) -> None:
    """What they said is not on record; an upgrade must not ring."""
    (row,) = await world.actions()
    ledger = world.worker.ledger
    head = await world.head()
    key = f"x|{head.id}|{row.key}"
    stored = (await ledger.table.get(head.id[:2], [key]))[key]

    await ledger.transact(
        head.id[:2],
        lambda draft: draft.put_action(replace(row, told=None), stored.etag),
        by="test",
    )
    await world.feed([event(_more(2, Severity="High"), place=2)])

    assert _heard(world) == [OPENED]
