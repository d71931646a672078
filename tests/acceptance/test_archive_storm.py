"""A storm through ingest into real storage, and out of its archive again."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import msgspec
import pytest

from cli.archive import period
from cli.archive.export import export
from cli.archive.period import Period
from cli.archive.verifying import Verification
from devhost.storage import Azurite
from shared.clouds.storage import Storage
from shared.ingest import Ingest
from shared.model.correlation import Correlation
from shared.model.event import Event
from shared.settings import from_environment
from shared.store import finding
from shared.store.archive import Archive
from shared.wiring.parts import utc_now
from tests.alerts import NOON
from tests.benchmarks import feeds
from tests.benchmarks.counting import CountedBlobs, Requests

if TYPE_CHECKING:
    from shared.store.batches import Line

BATCH = 100
RECEIVED = NOON + timedelta(hours=1)


class Bodies:
    """A sink that keeps the hash of each body in order; a storm is half a gigabyte."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write(self, line: Line) -> None:
        """Take one event."""
        self.hashes.append(hashlib.sha256(line.raw).digest())


@pytest.mark.parametrize("events", [400, pytest.param(100_000, marks=pytest.mark.soak)])
async def test_a_storm_comes_back_byte_for_byte(events: int) -> None:
    """Every event in order, for one write of a blob for each batch, and it all fits."""
    feed = feeds.storm(events)
    with Azurite.start() as azurite:
        settings = from_environment({"AzureWebJobsStorage": azurite.connection_string})
        storage = await Storage(settings, utc_now).open()
        requests = Requests()
        archive = Archive(CountedBlobs(storage.blobs, requests))
        ingest = Ingest(storage.ledger, archive, storage.queue, Correlation())
        began = time.monotonic()
        for first in range(0, events, BATCH):
            await ingest(
                [
                    Event(feed.bodies[n], "hub/alerts/0", f"{place:020d}", RECEIVED)
                    for place, n in enumerate(feed.order[first : first + BATCH], first)
                ]
            )
        ingested = time.monotonic()

        sizes = await period.sizes(storage.blobs, Period())
        out = Bodies()
        done = await export(storage.archive, sizes, Period(), out, lambda _: None)
        exported = time.monotonic()
        look = Verification(
            storage.ledger,
            storage.history,
            storage.archive,
            kept_since=None,
            tell=lambda _: None,
        )
        await look.rows()
        await look.blobs(sizes)
        found = look.close()
        verified = time.monotonic()
        row = await finding.alert(
            storage.ledger, storage.history, _id_of(feed.bodies[-1])
        )
        assert row is not None
        assert row.spot is not None
        line = await storage.archive.line(row.archived, row.spot)
        await storage.close()

    assert out.hashes == [hashlib.sha256(feed.bodies[n]).digest() for n in feed.order]
    assert requests.blobs == len(sizes) == events // BATCH
    assert (done.events, done.broken) == (events, [])
    assert line.raw == feed.bodies[-1]
    assert found.misfits == []
    assert (found.events, found.alerts, found.hashed) == (
        events,
        len(feed.bodies),
        len(feed.bodies),
    )
    print(
        f"{events:,} events, {done.bytes / 1e6:.0f} MB: {len(sizes)} blobs,"
        f" {sum(sizes.values()) / 1e6:.1f} MB; ingest {ingested - began:.1f} s,"
        f" export {exported - ingested:.1f} s, verify {verified - exported:.1f} s"
    )


def _id_of(body: bytes) -> str:
    """The alert's id in a body of a feed."""
    found: dict[str, str] = msgspec.json.decode(body)
    return found["SystemAlertId"]
