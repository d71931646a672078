"""Whatever comes in, there is an answer to why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions.routing import Route
from shared.commands import Order
from shared.explain import answer
from shared.explain.case import Ruleset
from shared.explain.report import ExplainedAlert, ExplainedIncident
from shared.model.incident import Classification, Verdict
from shared.model.silence import Mode, Silence
from shared.model.storm import Storm
from shared.store import reading
from tests.fakes.firewatch import World
from tests.property.feeds import ARRIVAL, SHORT, SOAK, WIDE, arriving, cuts, feeds

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS = ("", "fine", "two\nlines", "x\x1b[2J\u202e\u2028", "long " * 60, "\x7f|`<b>")
MATCHERS = (
    "severity>=medium",
    "severity=low",
    "alert_type=VM_WebShellDetected",
    "sample=true",
    "tag.owner=ops",
    'title!~"nothing.*"',
)


@st.composite
def _routes(draw: st.DrawFn) -> tuple[Route, ...]:
    return tuple(
        Route(to=("pager",), match=tuple(match), goes_on=draw(st.booleans()))
        for match in draw(
            st.lists(st.lists(st.sampled_from(MATCHERS), max_size=2), max_size=3)
        )
    )


@st.composite
def _silences(draw: st.DrawFn) -> list[Silence]:
    return [
        Silence(
            name=f"s{number}",
            match=(draw(st.sampled_from(MATCHERS)),),
            break_through=draw(st.sampled_from([(), ("severity=high",)])),
            reason=draw(st.sampled_from(TEXTS)),
            owner="ops",
            until=ARRIVAL + timedelta(days=draw(st.integers(-9, 9))),
            mode=draw(st.sampled_from(Mode)),
        )
        for number in range(draw(st.integers(0, 2)))
    ]


async def _say(data: st.DataObject, world: World) -> None:
    """Some commands of people, as they would come between."""
    commands = world.worker.commands
    for head in await world.heads():
        order = Order("ada", data.draw(st.sampled_from(TEXTS))[:100])
        match data.draw(st.integers(0, 5)):
            case 0:
                await commands.acknowledge(head.id, order)
            case 1:
                verdict = Verdict(classification=Classification.FALSE_POSITIVE)
                await commands.resolve(head.id, order, verdict)
            case 2:
                await commands.resolve(head.id, order)
                await commands.reopen(head.id, order)


async def _answers(data: st.DataObject) -> None:
    bodies: Sequence[dict[str, object]] = data.draw(feeds())
    for body in bodies:
        body["AlertDisplayName"] = data.draw(st.sampled_from(TEXTS))
    silences = data.draw(_silences())
    storm = Storm(pages=data.draw(st.integers(1, 3)), within=timedelta(hours=1))
    world = World(caps=WIDE, suppress=silences, storm=storm)
    rules = Ruleset(data.draw(_routes()), silences, quiet=timedelta(days=1))
    events = arriving(bodies)
    for part in data.draw(cuts(len(events))):
        await world.worker.ingest(events[part])
        if data.draw(st.booleans()):
            await world.deliver()
        await _say(data, world)

    await _check_all(world, rules)


async def _check_all(world: World, rules: Ruleset) -> None:
    """Each alert and each incident has an answer that goes on the wire and back."""
    ledger = world.ledger
    going_on = {head.id for head in await world.heads()}
    for row in await reading.alerts(ledger):
        why = await answer.of_alert(ledger, row, rules)
        assert why.incident in going_on
        assert why.about is not None
        assert why.lines
        _check_lines(why.lines + why.about.lines + why.otherwise)
        raw = msgspec.json.encode(why)
        assert msgspec.json.decode(raw, type=ExplainedAlert) == why
    for head in await reading.incidents(ledger):
        found = await answer.of_incident(ledger, head.id, rules)
        assert found is not None
        assert found.asked == head.id
        assert found.incident in going_on
        _check_lines(found.lines + found.otherwise)
        raw = msgspec.json.encode(found)
        assert msgspec.json.decode(raw, type=ExplainedIncident) == found


def _check_lines(lines: Sequence[str]) -> None:
    for line in lines:
        assert line.isprintable(), line
        assert line.endswith("."), line


@SHORT
@given(st.data())
async def test_every_alert_and_incident_has_an_answer(data: st.DataObject) -> None:
    """At any moment, under any policy, with silences, storms and people in between."""
    await _answers(data)


@pytest.mark.soak
@SOAK
@given(st.data())
async def test_every_alert_and_incident_has_an_answer_at_length(
    data: st.DataObject,
) -> None:
    """The same, for minutes."""
    await _answers(data)
