"""What the benchmarks tell is what they say it is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared import sources
from shared.clouds.storage import PARTITIONS
from shared.model.alert import Alert
from shared.store import rows
from shared.triage.fingerprint import fingerprint
from shared.triage.keys import keys
from tests.alerts import NOON
from tests.benchmarks import feeds
from tests.benchmarks.alerts import body

if TYPE_CHECKING:
    from pathlib import Path


def read(raw: bytes) -> Alert:
    """The one alert of a body."""
    (found,) = sources.read(raw, received_at=NOON)
    assert isinstance(found, Alert)
    return found


def test_alerts_are_of_the_size_that_defender_sends() -> None:
    """3.5 to 4 KB, five entities, nothing about them in doubt."""
    for number in (0, 1, 99_999):
        raw = body(number)
        assert 3_500 <= len(raw) <= 4_096
        assert len(read(raw).entities) >= 5
        assert not read(raw).warnings


def test_a_storm_is_mostly_repeats() -> None:
    """Eighty in a hundred came before, ten are new alerts of a known problem."""
    feed = feeds.storm(1_000)

    seen: set[int] = set()
    known: set[str] = set()
    kinds: Counter[str] = Counter()
    for number in feed.order:
        problem = fingerprint(read(feed.bodies[number]))
        if number in seen:
            kinds["copy"] += 1
        else:
            kinds["repeat" if problem in known else "fresh"] += 1
        seen.add(number)
        known.add(problem)
    assert kinds == {"copy": 800, "repeat": 100, "fresh": 100}


def test_distinct_alerts_share_nothing() -> None:
    """No key of one is a key of another."""
    found = [
        key.digest for raw in feeds.distinct(200).bodies for key in keys(read(raw))
    ]

    assert len(set(found)) == len(found)


def test_subscriptions_spread_evenly() -> None:
    """No partition grows faster than another."""
    for count in (feeds.STORM_SUBSCRIPTIONS, feeds.DISTINCT_SUBSCRIPTIONS):
        found = feeds.subscriptions(count)
        in_each = Counter(rows.partition_of(each, PARTITIONS) for each in found)
        assert len(set(found)) == count
        assert max(in_each.values()) == -(-count // PARTITIONS)


def test_a_feed_in_a_file_is_the_feed(tmp_path: Path) -> None:
    """In order, in batches, and every other event where two share it."""
    feed = feeds.storm(50)
    path = tmp_path / "storm"
    feeds.write(feed, path)

    with feeds.Reader(path) as reader:
        told = [pair for batch in reader.batches(7) for pair in batch]
        half = [pair for batch in reader.batches(7, range(1, 50, 2)) for pair in batch]

    assert told == [(n, feed.bodies[at]) for n, at in enumerate(feed.order)]
    assert half == told[1::2]
