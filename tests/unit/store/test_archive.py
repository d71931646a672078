"""The bytes as they came."""

from __future__ import annotations

import gzip
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import ArchiveBroken, StoreConflict
from shared.store.archive import Archive, DeadLetter, Problem
from tests.alerts import NOON, batch, defender_alert, event
from tests.fakes.store import FakeBlobs

PROBLEM = Problem(path="$", problem="not JSON")


@pytest.fixture
def blobs() -> FakeBlobs:
    """An empty container."""
    return FakeBlobs()


async def test_a_batch_is_one_blob(blobs: FakeBlobs) -> None:
    """Every event in order, and where each of them is."""
    events = batch(defender_alert(), b"\xff junk", b'{"a": 1}', first=7)

    kept = await Archive(blobs).batch(events)

    assert [*blobs.blobs] == [kept.name]
    lines = gzip.decompress(blobs.blobs[kept.name]).splitlines()
    found = [msgspec.json.decode(line) for line in lines]
    assert [line["place"] for line in found] == [e.place for e in events]
    assert found[0]["body"].encode() == events[0].body
    assert "base64" in found[1]
    assert len(kept.spots) == 3


async def test_a_batch_is_written_once(blobs: FakeBlobs) -> None:
    """One that is given again finds its blob, though nobody may change it."""
    archive = Archive(blobs)
    first = await archive.batch(batch(defender_alert()))
    before = dict(blobs.blobs)
    blobs.is_immutable = True

    again = await archive.batch(batch(defender_alert()))

    assert again == first
    assert blobs.blobs == before
    assert blobs.faults.calls == {"blobs.keep": 2}


async def test_an_event_is_one_ranged_read(blobs: FakeBlobs) -> None:
    """Of many, no more is read than its member."""
    archive = Archive(blobs)
    found = [b"%d" % n * 40_000 for n in range(5)]
    kept = await archive.batch(batch(*found))
    blobs.faults.calls.clear()

    lines = [await archive.line(kept.name, spot) for spot in kept.spots]

    assert [line.raw for line in lines] == found
    assert blobs.faults.calls == {"blobs.get": 5}


async def test_an_event_is_found_where_the_blob_was_packed_otherwise(
    blobs: FakeBlobs,
) -> None:
    """A worker with another zlib may have written it first: its hash tells it."""
    archive = Archive(blobs)
    found = [b"%d" % n * 40_000 for n in range(5)]
    kept = await archive.batch(batch(*found))
    text = gzip.decompress(blobs.blobs[kept.name])
    blobs.blobs[kept.name] = gzip.compress(text, 9)

    lines = [await archive.line(kept.name, spot) for spot in kept.spots]

    assert [line.raw for line in lines] == found


@pytest.mark.parametrize("harm", ["gone", "cut", "changed"])
async def test_an_event_that_is_not_as_it_was_is_not_given(
    blobs: FakeBlobs, harm: str
) -> None:
    """Whoever asks is told, and gets no other bytes."""
    archive = Archive(blobs)
    kept = await archive.batch(batch(b"as it came"))
    text = gzip.decompress(blobs.blobs[kept.name])
    blobs.blobs[kept.name] = {
        "gone": b"",
        "cut": blobs.blobs[kept.name][:-9],
        "changed": gzip.compress(text.replace(b"came", b"went")),
    }[harm]
    if harm == "gone":
        del blobs.blobs[kept.name]

    with pytest.raises(ArchiveBroken, match=kept.name):
        await archive.line(kept.name, kept.spots[0])


async def test_no_blob_has_no_lines(blobs: FakeBlobs) -> None:
    """It may have been deleted by its age."""
    assert await Archive(blobs).lines("archive/http/p/9.ndjson.gz") is None


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


async def test_a_letter_that_nobody_may_change_stays_as_it_came(
    blobs: FakeBlobs,
) -> None:
    """Its batch is taken all the same; that it was replayed cannot be noted."""
    archive = Archive(blobs)
    await archive.dead_letters({event(b"a"): [PROBLEM]})
    ((name, letter),) = [pair async for pair in archive.letters()]
    blobs.is_immutable = True

    await archive.dead_letters({event(b"a"): [PROBLEM, PROBLEM]})

    assert await archive.letter(name) == letter
    with pytest.raises(StoreConflict):
        await archive.mark_replayed(name, letter, NOON)


async def test_there_may_be_no_such_letter(blobs: FakeBlobs) -> None:
    """A name somebody mistyped is no failure."""
    assert await Archive(blobs).letter("dead-letter/x.json") is None


def test_a_letter_of_base64_is_its_bytes() -> None:
    """Whoever reads it need not know how it was kept."""
    letter = DeadLetter(
        source="a", place="b", received_at=NOON, problems=(), base64="/w=="
    )

    assert letter.raw == b"\xff"
