"""What goes into the archive comes out: every byte of every event, each once."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from hypothesis import given
from hypothesis import strategies as st

from cli.archive import period
from cli.archive.export import export
from cli.archive.period import Period
from shared.store.archive import Archive
from tests.alerts import NOON, event
from tests.fakes.store import FakeBlobs

if TYPE_CHECKING:
    from shared.model.event import Event
    from shared.store.batches import Line

MOST = 12


class Taken:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write(self, line: Line) -> None:
        """Take one event."""
        self.events.append((line.source, line.place, line.raw))


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]]]:
    """Events of a partition in order, and the batches in which a hub may give them.

    Each comes at least once; some again, in batches that are cut otherwise.
    """
    bodies = draw(st.lists(st.binary(max_size=30), min_size=1, max_size=MOST))
    hours = draw(st.lists(st.integers(0, 40), min_size=MOST, max_size=MOST))
    events = [
        event(body, place=n, received_at=NOON + timedelta(hours=sum(hours[:n])))
        for n, body in enumerate(bodies)
    ]
    ends = st.integers(0, len(events))
    cuts = sorted({0, len(events), *draw(st.lists(ends, max_size=3))})
    batches = [events[a:b] for a, b in itertools.pairwise(cuts)]
    for _ in range(draw(st.integers(0, 3))):
        first, last = sorted((draw(ends), draw(ends)))
        batches.append(events[first:last])
    return events, [batch for batch in batches if batch]


@given(deliveries())
async def test_each_event_comes_back_once_and_in_order(
    given_: tuple[list[Event], list[list[Event]]],
) -> None:
    """Whatever its bytes are, and however often and in whatever batches it came."""
    events, batches = given_
    blobs, out = FakeBlobs(), Taken()
    archive = Archive(blobs)
    for batch in batches:
        await archive.batch(batch)

    names = await period.sizes(blobs, Period())
    done = await export(archive, names, Period(), out, lambda _: None)

    assert out.events == [(e.source, e.place, e.body) for e in events]
    assert done.broken == []
    assert blobs.faults.calls["blobs.keep"] == len(batches)


@given(deliveries(), st.integers(0, 500), st.integers(1, 500))
async def test_a_time_is_given_and_nothing_else(
    given_: tuple[list[Event], list[list[Event]]], start: int, hours: int
) -> None:
    """Though names alone decide which blobs are read."""
    events, batches = given_
    blobs, out = FakeBlobs(), Taken()
    archive = Archive(blobs)
    for batch in batches:
        await archive.batch(batch)
    since = NOON + timedelta(hours=start - 24)
    asked = Period(since, since + timedelta(hours=hours))

    names = await period.sizes(blobs, asked)
    await export(archive, names, asked, out, lambda _: None)

    assert out.events == [
        (e.source, e.place, e.body) for e in events if asked.has(e.received_at)
    ]
