from __future__ import annotations

from datetime import timedelta

import pytest

from devhost.eventhub.amqp import LinkError
from devhost.eventhub.encoder import encode_described
from devhost.eventhub.log import PartitionLog, Retention
from devhost.eventhub.message import SectionCode, decode_sections

MESSAGE = encode_described(SectionCode.DATA, b"alert")


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self, now_s: float = 1_000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def make_log(
    *, retention: Retention | None = None, clock: Clock | None = None, events: int = 0
) -> PartitionLog:
    log = PartitionLog(retention=retention or Retention(), clock=clock or Clock())
    for _ in range(events):
        log.append(MESSAGE)
    return log


def offset_of(log: PartitionLog, number: int) -> str:
    found = log.read(number)
    assert found is not None
    annotations = decode_sections(found[0], SectionCode.MESSAGE_ANNOTATIONS)
    values = annotations[SectionCode.MESSAGE_ANNOTATIONS]
    assert isinstance(values, dict)
    return str(values["x-opt-offset"])


def test_append_annotates_the_event() -> None:
    """A stored event carries its number, its offset as text, and its time in ms."""
    log = make_log(events=1)

    found = log.read(0)

    assert found is not None
    message, following = found
    assert following == 1
    assert decode_sections(message, *SectionCode) == {
        SectionCode.MESSAGE_ANNOTATIONS: {
            "x-opt-sequence-number": 0,
            "x-opt-offset": "0",
            "x-opt-enqueued-time": 1_000_000,
        },
        SectionCode.DATA: b"alert",
    }


def test_read_at_the_end_waits() -> None:
    """There is nothing to read at the end, nor beyond it."""
    log = make_log(events=2)

    assert log.read(2) is None
    assert log.read(7) is None


@pytest.mark.parametrize(
    ("selector", "position"),
    [
        (None, 0),
        ("amqp.annotation.x-opt-offset > '-1'", 0),
        ("amqp.annotation.x-opt-offset > '@latest'", 5),
        ("amqp.annotation.x-opt-sequence-number > '2'", 3),
        ("amqp.annotation.x-opt-sequence-number >= '2'", 2),
        ("amqp.annotation.x-opt-sequence-number > '-1'", 0),
        ("amqp.annotation.x-opt-sequence-number > '99'", 5),
        ("amqp.annotation.x-opt-offset > '999999'", 5),
        ("amqp.annotation.x-opt-enqueued-time > '0'", 0),
        ("amqp.annotation.x-opt-enqueued-time >= '1000000'", 0),
        ("amqp.annotation.x-opt-enqueued-time > '1000000'", 5),
    ],
)
def test_selector_gives_the_position(selector: str | None, position: int) -> None:
    """Each form of selector that clients write is understood."""
    log = make_log(events=5)

    assert log.position(selector) == position


@pytest.mark.parametrize(("operator", "position"), [(">", 4), (">=", 3)])
def test_selector_by_offset(operator: str, position: int) -> None:
    """An event's own offset selects what follows it, or it too if inclusive."""
    log = make_log(events=5)
    offset = offset_of(log, 3)

    found = log.position(f"amqp.annotation.x-opt-offset {operator} '{offset}'")

    assert found == position


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "true",
        "amqp.annotation.x-opt-offset > 'abc'",
        "amqp.annotation.x-opt-offset > '1' OR 1 = 1",
        f"amqp.annotation.x-opt-offset > '{'9' * 5000}'",
    ],
)
def test_unknown_selector_is_refused(selector: str) -> None:
    """A selector that Event Hubs does not have is an error of the link."""
    log = make_log(events=1)

    with pytest.raises(LinkError):
        log.position(selector)


def test_retention_by_count_moves_the_beginning() -> None:
    """Over the count the oldest go, and numbers go on as if they were there."""
    log = make_log(retention=Retention(events=3), events=10)

    assert (log.begin, log.end) == (7, 10)
    assert log.read(7) is not None


def test_retention_by_octets_keeps_at_least_the_newest() -> None:
    """Over the octets the oldest go, but an event too large for the limit stays."""
    size = len(make_log(events=5).newest.message)

    two = make_log(retention=Retention(octets=2 * size), events=5)
    one = make_log(retention=Retention(octets=1), events=5)

    assert (two.begin, two.end) == (3, 5)
    assert (one.begin, one.end) == (4, 5)


def test_retention_by_age_empties_the_log() -> None:
    """Events of a given age go even if nothing is appended, and numbers go on."""
    clock = Clock()
    log = make_log(retention=Retention(age=timedelta(minutes=1)), clock=clock, events=3)

    clock.now_s += 61

    assert log.read(0) is None
    assert (log.begin, log.end) == (3, 3)
    log.append(MESSAGE)
    assert log.read(0) is not None
    assert (log.begin, log.end) == (3, 4)


def test_reader_of_a_dropped_position_continues_at_the_oldest() -> None:
    """A position that was dropped reads the oldest event kept, then goes on from it."""
    log = make_log(retention=Retention(events=2), events=6)

    found = log.read(1)

    assert found is not None
    assert found[1] == 5


def test_clock_set_back_keeps_times_sorted() -> None:
    """Enqueued times never fall, so that a search by time stays right."""
    clock = Clock()
    log = make_log(clock=clock, events=1)

    clock.now_s -= 500
    log.append(MESSAGE)

    assert log.newest.enqueued_ms == 1_000_000


def test_retention_is_shared_by_the_partitions() -> None:
    """A hub's limits are split evenly, and never to nothing."""
    whole = Retention(events=10, octets=3, age=timedelta(days=1))

    share = whole.shared_by(4)

    assert share == Retention(events=2, octets=1, age=timedelta(days=1))
