"""The bytes as they came."""

from __future__ import annotations

import gzip
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.store.archive import Archive, DeadLetter, Problem, content_place
from tests.alerts import NOON, batch, defender_alert, event
from tests.fakes.store import FakeBlobs

PROBLEM = Problem(path="$", problem="not JSON")


@pytest.fixture
def blobs() -> FakeBlobs:
    """An empty container."""
    return FakeBlobs()


async def test_a_batch_is_one_blob_named_by_its_places(blobs: FakeBlobs) -> None:
    """Hub, partition, first and last sequence number; every event in order."""
    events = batch(defender_alert(), b"\xff junk", b'{"a": 1}', first=7)

    name = await Archive(blobs).batch(events)

    assert name == f"archive/hub/alerts/0/{7:020d}-{9:020d}.ndjson.gz"
    lines = gzip.decompress(blobs.blobs[name]).splitlines()
    found = [msgspec.json.decode(line) for line in lines]
    assert [line["place"] for line in found] == [e.place for e in events]
    assert found[0]["body"].encode() == events[0].body
    assert "base64" in found[1]


async def test_one_event_is_named_by_its_place(blobs: FakeBlobs) -> None:
    """As an HTTP body is, by its hash."""
    only = event()._replace(source="http/portal", place=content_place(b"x"))

    name = await Archive(blobs).batch([only])

    assert name == f"archive/http/portal/{only.place}.ndjson.gz"


async def test_writing_again_overwrites_a_blob_with_itself(blobs: FakeBlobs) -> None:
    """A redelivered batch leaves the same bytes."""
    archive = Archive(blobs)
    await archive.batch(batch(defender_alert()))
    before = dict(blobs.blobs)

    await archive.batch(batch(defender_alert()))

    assert blobs.blobs == before


@given(st.binary(max_size=300))
async def test_a_dead_letter_holds_every_byte(body: bytes) -> None:
    """Text is kept readable, anything else is kept all the same."""
    archive = Archive(FakeBlobs())
    dead = event(body)

    await archive.dead_letters({dead: [PROBLEM]})

    ((name, letter),) = [pair async for pair in archive.letters()]
    assert name == f"dead-letter/hub/alerts/0/{dead.place}.json"
    assert letter.raw == body
    assert letter.problems == (PROBLEM,)
    assert (letter.source, letter.place) == (dead.source, dead.place)
    assert letter.received_at == dead.received_at


async def test_dead_letters_are_listed_in_order(blobs: FakeBlobs) -> None:
    """By source and place, the archive left aside."""
    archive = Archive(blobs)
    events = batch(b"a", b"b", b"c")
    await archive.batch(events)

    await archive.dead_letters({e: [PROBLEM] for e in reversed(events)})

    assert [letter.body async for _, letter in archive.letters()] == ["a", "b", "c"]


async def test_a_replayed_letter_says_when(blobs: FakeBlobs) -> None:
    """And is otherwise what it was."""
    archive = Archive(blobs)
    await archive.dead_letters({event(b"a"): [PROBLEM]})
    ((name, letter),) = [pair async for pair in archive.letters()]
    at = NOON + timedelta(days=1)

    await archive.mark_replayed(name, letter, at)

    found = await archive.letter(name)
    assert found == msgspec.structs.replace(letter, replayed_at=at)


async def test_there_may_be_no_such_letter(blobs: FakeBlobs) -> None:
    """A name somebody mistyped is no failure."""
    assert await Archive(blobs).letter("dead-letter/x.json") is None


def test_a_letter_of_base64_is_its_bytes() -> None:
    """Whoever reads it need not know how it was kept."""
    letter = DeadLetter(
        source="a", place="b", received_at=NOON, problems=(), base64="/w=="
    )

    assert letter.raw == b"\xff"
