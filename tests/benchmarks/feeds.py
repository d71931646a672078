"""What is told: a storm of repeats, and alerts of which no two are alike.

A feed is written to a file once and read from there, so that the process that is
measured holds nothing of it but the batch at hand.
"""

from __future__ import annotations

import os
import random
import uuid
from array import array
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.clouds.storage import PARTITIONS
from shared.store import rows
from tests.alerts import NOON
from tests.benchmarks.alerts import TYPES, body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

# The storm: that many machines are in trouble, each an incident.
MACHINES = 500
STORM_SUBSCRIPTIONS = 8
DISTINCT_SUBSCRIPTIONS = 64

# Of ten events of a storm: one new problem, one new alert of a known problem, and
# eight that came before, byte for byte.
FRESH, REPEATS, OF = 1, 1, 10


class Feed(NamedTuple):
    """Bodies, and the order in which they come; some more than once."""

    bodies: list[bytes]
    order: list[int]


def storm(events: int) -> Feed:
    """80 % exact redeliveries of what came before, 10 % new alerts of a known problem.

    They are spread evenly: a shuffle would bring nearly everything that is new at the
    start.
    """
    pick = random.Random(7)
    where = subscriptions(STORM_SUBSCRIPTIONS)
    bodies: list[bytes] = []
    order: list[int] = []
    problems = 0
    for place in range(events):
        turn = place % OF
        if turn < FRESH + REPEATS or not bodies:
            is_fresh = turn < FRESH or not problems
            problem = problems if is_fresh else pick.randrange(problems)
            problems += is_fresh
            machine = problem % MACHINES
            order.append(len(bodies))
            bodies.append(
                body(
                    len(bodies),
                    machine=machine,
                    kind=problem // MACHINES % TYPES,
                    subscription=where[machine % len(where)],
                    # Within an hour, so that no machine has more than one incident.
                    started_at=NOON
                    + timedelta(milliseconds=3_600_000 * place // events),
                )
            )
        else:
            order.append(pick.randrange(len(bodies)))
    return Feed(bodies, order)


def distinct(events: int, *, first: int = 0) -> Feed:
    """Alerts of machines that have nothing in common: each is an incident of its own."""
    where = subscriptions(DISTINCT_SUBSCRIPTIONS)
    bodies = [
        body(number, machine=number, subscription=where[number % len(where)])
        for number in range(first, first + events)
    ]
    return Feed(bodies, list(range(events)))


def subscriptions(count: int) -> list[str]:
    """Ids of subscriptions that spread evenly over the partitions."""
    wanted = -(-count // PARTITIONS)
    by_partition: dict[str, list[str]] = {}
    number = 0
    while sum(map(len, by_partition.values())) < count:
        number += 1
        found = str(uuid.UUID(int=number, version=4))
        mates = by_partition.setdefault(rows.partition_of(found, PARTITIONS), [])
        if len(mates) < wanted:
            mates.append(found)
    return sorted(each for mates in by_partition.values() for each in mates)


class _Index(msgspec.Struct):
    ends: list[int]
    order: list[int]


def write(feed: Feed, path: Path) -> None:
    """Put a feed into a file, and its order into one beside it."""
    ends, end = [], 0
    with path.open("wb") as file:
        for each in feed.bodies:
            end += file.write(each)
            ends.append(end)
    index = _Index(ends=ends, order=feed.order)
    path.with_suffix(".index").write_bytes(msgspec.json.encode(index))


class Reader:
    """A feed in a file, as batches; a context manager."""

    def __init__(self, path: Path) -> None:
        index = msgspec.json.decode(
            path.with_suffix(".index").read_bytes(), type=_Index
        )
        self._ends = array("Q", [0, *index.ends])
        self._order = array("L", index.order)
        self._file = path.open("rb")

    def __len__(self) -> int:
        return len(self._order)

    def batches(
        self, size: int, places: range | None = None
    ) -> Iterator[list[tuple[int, bytes]]]:
        """Batches of places and bodies, in order; of some places or of all."""
        chosen = range(len(self)) if places is None else places
        for start in range(0, len(chosen), size):
            yield [
                (place, self._body(self._order[place]))
                for place in chosen[start : start + size]
            ]

    def _body(self, number: int) -> bytes:
        start, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._file.fileno(), end - start, start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
