"""A batch as one blob: its name, its members, its lines."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import ArchiveBroken
from shared.store import batches
from shared.store.batches import Named
from tests.alerts import NOON, batch, defender_alert, event

if TYPE_CHECKING:
    from shared.model.event import Event

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


def part_of(packed: batches.Batch, number: int) -> bytes:
    """What a ranged read of an event's member gives."""
    offset, length = packed.spots[number].offset, packed.spots[number].length
    return packed.data[offset : offset + length if length else None]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_what_goes_in_comes_out(found: list[bytes]) -> None:
    """Byte for byte and in order, whether it is text or not."""
    events = batch(*found)

    packed = batches.pack(events)
    lines = batches.unpack(packed.name, packed.data)

    assert [line.raw for line in lines] == found
    assert [line.place for line in lines] == [each.place for each in events]
    assert {line.source for line in lines} == {events[0].source}
    assert {line.received_at for line in lines} == {events[0].received_at}
    assert batches.name_of(lines) == packed.name


@given(st.lists(st.integers(0, 70_000), min_size=1, max_size=4), st.data())
def test_each_event_is_read_from_its_member_alone(
    sizes: list[int], data: st.DataObject
) -> None:
    """By offset and length; no member is larger than it need be."""
    filler = data.draw(st.sampled_from([b"a", b"\x00", b"\xff", "é".encode()]))
    found = [filler * (size // len(filler)) for size in sizes]

    packed = batches.pack(batch(*found))

    for number, spot in enumerate(packed.spots):
        lines = batches.unpack(packed.name, part_of(packed, number))
        assert lines[spot.line].raw == found[number]
        assert lines[spot.line].sha256 == spot.sha256
        text = gzip.decompress(part_of(packed, number))
        assert len(text) <= batches.MEMBER_BYTES or len(lines) == 1


def test_a_batch_that_fits_is_one_member() -> None:
    """It is found whatever its size is, for what is whole needs none."""
    packed = batches.pack(batch(b"a", b"b"))

    assert [(s.offset, s.length, s.line) for s in packed.spots] == [
        (0, 0, 0),
        (0, 0, 1),
    ]


def test_members_lie_side_by_side() -> None:
    """Together they are one stream that every tool reads."""
    found = [b"%d" % n * 40_000 for n in range(5)]

    packed = batches.pack(batch(*found))

    ends = {spot.offset + spot.length for spot in packed.spots}
    assert len(ends) > 1
    assert {0, *ends} == {*(spot.offset for spot in packed.spots), len(packed.data)}
    assert gzip.decompress(packed.data).count(b"\n") == 5


def named(events: list[Event]) -> str:
    """The name of a batch, without its hash."""
    name = batches.pack(events).name
    stem, _, rest = name.rpartition("/")[2].partition(".ndjson.gz")
    assert rest == ""
    return name.replace(stem, stem.replace(batches.pack(events).name[-26:-10], "HASH"))


def test_a_name_says_when_from_where_and_what() -> None:
    """The day it came, the source, the places."""
    events = batch(b"a", b"b", b"c", first=7)

    assert named(events) == (
        f"archive/2026-11-23/hub/alerts/0/{7:020d}-{9:020d}-HASH.ndjson.gz"
    )
    assert named(events[:1]) == (
        f"archive/2026-11-23/hub/alerts/0/{7:020d}-HASH.ndjson.gz"
    )


def test_a_name_is_by_the_day_in_utc() -> None:
    """Whatever zone the time was said in."""
    east = timezone(timedelta(hours=9))
    late = event(b"a", received_at=datetime(2026, 11, 24, 8, 59, tzinfo=east))

    assert batches.read_name(batches.pack([late]).name) == Named(
        late.source, late.place, date(2026, 11, 23), date(2026, 11, 23)
    )


def test_a_batch_over_midnight_says_until_when() -> None:
    """So that whoever looks for the second day finds it under the first."""
    before = event(b"a", place=1, received_at=MIDNIGHT - timedelta(seconds=1))
    after = event(b"b", place=2, received_at=MIDNIGHT + timedelta(days=1))
    packed = batches.pack([before, after])

    found = batches.read_name(packed.name)

    assert packed.name.endswith("-until-2026-11-25.ndjson.gz")
    assert found == Named(
        before.source,
        f"{before.place}-{after.place}",
        date(2026, 11, 23),
        date(2026, 11, 25),
    )


@pytest.mark.parametrize(
    "other",
    [
        batch(b"a", b"c"),
        batch(b"a", b"b", first=2),
        batch(b"a", b"b", b"c"),
        [each._replace(source="hub/alerts/1") for each in batch(b"a", b"b")],
    ],
)
def test_another_batch_has_another_name(other: list[Event]) -> None:
    """A hub that was made anew counts from 0 again: what it says tells them apart."""
    assert batches.pack(other).name != batches.pack(batch(b"a", b"b")).name


def test_the_same_batch_has_the_same_blob() -> None:
    """Nothing of when and by whom it is packed is in it."""
    assert batches.pack(batch(defender_alert())) == batches.pack(
        batch(defender_alert())
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            f"archive/hub/alerts/0/{7:020d}-{9:020d}.ndjson.gz",
            Named("hub/alerts/0", f"{7:020d}-{9:020d}"),
        ),
        ("archive/http/portal/ab12.ndjson.gz", Named("http/portal", "ab12")),
        ("archive/audit/2026-11-23.json", None),
        ("archive/2026-13-01/http/p/ab-0123456789abcdef.ndjson.gz", None),
        ("dead-letter/http/portal/ab12.json", None),
    ],
)
def test_names_of_before_are_read(name: str, expected: Named | None) -> None:
    """Those of 0.1 have no day; what is no batch has no name of one."""
    assert batches.read_name(name) == expected


def test_lines_of_before_have_the_source_of_their_name() -> None:
    """Blobs of 0.1 are one stream, and their lines do not say it."""
    line = b'{"place":"9","received_at":"2026-11-23T12:00:00Z","base64":"/w=="}\n'

    (found,) = batches.unpack("archive/http/portal/9.ndjson.gz", gzip.compress(line))

    assert (found.source, found.place, found.raw) == ("http/portal", "9", b"\xff")
    assert found.received_at == NOON


@pytest.mark.parametrize(
    "data",
    [
        b"",
        gzip.compress(b"", mtime=0),
        b"no gzip",
        gzip.compress(b"{}\n", mtime=0)[:-1],
        gzip.compress(b"not JSON\n", mtime=0),
        gzip.compress(b'{"place":"9"}\n', mtime=0),
        gzip.compress(b"{}\n", mtime=0) + b"more",
    ],
)
def test_what_is_broken_says_so(data: bytes) -> None:
    """No other error, and no line of it."""
    with pytest.raises(ArchiveBroken, match=r"archive/http/p/9\.ndjson\.gz"):
        batches.unpack("archive/http/p/9.ndjson.gz", data)
