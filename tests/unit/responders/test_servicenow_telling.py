"""News and ends of an incident are written into ServiceNow's, and move it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devhost.outside import Outside
from shared.clouds.http import HttpClient
from shared.model.action import Outcome
from tests.fakes.clock import Clock
from tests.unit.responders.tickets import (
    acknowledging,
    ending,
    opening,
    telling_news,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from responders.tickets import Goal

from tests.unit.responders.servicenow import Instance

CLOSES: dict[str, Any] = {"close": True, "close_code": "Solution provided"}


@pytest.fixture
async def there() -> AsyncIterator[Instance]:
    clock, http = Clock(), HttpClient()
    async with Outside.start(clock=clock) as outside:
        try:
            yield Instance(outside, http, clock)
        finally:
            await http.close()


async def test_news_is_a_work_note_once(there: Instance) -> None:
    """A notice that is sent again finds the note that it made."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    news = await telling_news(servicenow, opened.reference)

    await servicenow.apply(news)
    await servicenow.apply(news)

    [note] = there.notes
    assert "- New resource: vm-web-02" in note
    assert there.incident.changes == 1


async def test_the_end_of_what_was_never_opened_is_nothing(there: Instance) -> None:
    """No incident is made to be closed."""
    servicenow = there.servicenow(**CLOSES)

    assert await servicenow.apply(await ending(servicenow, "")) == Outcome()
    assert there.outside.servicenow.incidents == {}


@pytest.mark.parametrize(("progress", "state"), [(False, "1"), (True, "2"), ("3", "3")])
async def test_an_acknowledgement_sets_the_state_of_the_policy(
    there: Instance, progress: Goal, state: str
) -> None:
    """And says who works on it in any case."""
    servicenow = there.servicenow(progress=progress)
    opened = await servicenow.apply(await opening(servicenow))

    await servicenow.apply(await acknowledging(servicenow, opened.reference))

    [note] = there.notes
    assert "Acknowledged by ada at 2026-11-23T12:00:00.000Z: looking" in note
    assert there.incident.fields["state"] == state


async def test_work_that_is_on_hold_stays_so(there: Instance) -> None:
    """True asks for any state of work."""
    servicenow = there.servicenow(progress=True)
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(state="3")

    await servicenow.apply(await acknowledging(servicenow, opened.reference))

    assert there.incident.fields["state"] == "3"


@pytest.mark.parametrize(("close", "state"), [(True, "6"), ("7", "7")])
async def test_the_end_closes_with_what_the_data_policy_asks_for(
    there: Instance, close: Goal, state: str
) -> None:
    """Code and notes; the note says who ended it. Once, however often it is sent."""
    servicenow = there.servicenow(close=close, close_code="Solution provided")
    opened = await servicenow.apply(await opening(servicenow))
    end = await ending(servicenow, opened.reference)

    await servicenow.apply(end)
    await servicenow.apply(end)

    fields = there.incident.fields
    assert (fields["state"], fields["close_code"]) == (state, "Solution provided")
    assert "Resolved by ada" in fields["close_notes"]
    assert len(there.notes) == 1


async def test_what_people_closed_stays_as_they_left_it(there: Instance) -> None:
    """Neither an acknowledgement nor an end of ours changes its state."""
    servicenow = there.servicenow(progress=True, **CLOSES)
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(state="8")

    await servicenow.apply(await acknowledging(servicenow, opened.reference))
    await servicenow.apply(await ending(servicenow, opened.reference))

    assert there.incident.fields["state"] == "8"
