"""Law 1: nothing that came in is unaccounted for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.books import Books
from shared.model.errors import StoreError
from shared.store import reading
from tests.alerts import defender_alert
from tests.fakes.firewatch import World
from tests.property.feeds import SHORT, SOAK, WIDE, arriving, cuts, feeds, memories

OTHERS = (
    b"no JSON",
    b"[]",
    b'[1, {"a": 2}]',
    b'{"type": "Microsoft.Security/assessments"}',
    b'{"SystemAlertId": "x"}',
)


async def _conserves(data: st.DataObject) -> None:
    bodies: list[Any] = list(data.draw(feeds()))
    bodies += data.draw(st.lists(st.sampled_from(OTHERS), max_size=4))
    bodies = data.draw(st.permutations(bodies))
    world = World(caps=WIDE, memory=data.draw(memories(least=0)))
    total = Books()
    fatal = data.draw(st.one_of(st.none(), st.integers(1, 30)))
    events = arriving(bodies)

    for part in data.draw(cuts(len(events))):
        if fatal is not None:
            took_effect = data.draw(st.booleans())
            world.faults.fail_after(fatal, took_effect=took_effect)
        for _ in range(3):
            try:
                books = (await world.worker.ingest(events[part])).books
            except StoreError:
                continue
            assert books.is_balanced
            total += books
            break

    kept = await reading.books(world.ledger)
    assert kept.is_balanced
    # A commit whose answer was lost is counted again as what it then is: duplicates.
    assert kept.received >= total.received
    assert kept.received == total.received or world.faults.failed
    ids = {b["SystemAlertId"].lower() for b in bodies if isinstance(b, dict)}
    assert {alert.id for alert in await reading.alerts(world.ledger)} == ids
    await world.check()


@SHORT
@given(st.data())
async def test_every_attempt_balances_and_no_alert_is_lost(data: st.DataObject) -> None:
    """Received is the sum of the seven, and each alert fed is on one incident."""
    await _conserves(data)


@pytest.mark.soak
@SOAK
@given(st.data())
async def test_every_attempt_balances_and_no_alert_is_lost_at_length(
    data: st.DataObject,
) -> None:
    """The same, for minutes."""
    await _conserves(data)


async def test_the_books_of_a_batch_say_what_became_of_each_unit() -> None:
    """New, newer, same, older, ignored and hopeless units are told apart."""
    world = World()
    newer = {"ProcessingEndTime": "2026-11-23T12:05:00.0000000Z"}
    events = arriving(
        [
            defender_alert(),
            defender_alert(**newer, Severity="Low"),
            defender_alert(**newer, Severity="Low"),
            defender_alert(),
            b'{"type": "Microsoft.Security/assessments"}',
            b"[{}, 1]",
        ]
    )

    taken = await world.worker.ingest(events)

    assert taken.books == Books(
        received=7,
        stored=1,
        updated=1,
        duplicate=1,
        stale=1,
        ignored=1,
        dead_lettered=2,
    )
    assert await reading.books(world.ledger) == taken.books
