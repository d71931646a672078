"""`firewatch archive verify`."""

from __future__ import annotations

import asyncio
import gzip
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.commands import Order
from shared.model.incident import Entry
from shared.store import rows
from shared.store.batches import sha256
from tests.alerts import NOON, alert_id, defender_alert, stamp
from tests.fakes.firewatch import KEEP
from tests.unit.cli.archive_kit import Command, feed, over, put, row_of, verified

if TYPE_CHECKING:
    from collections.abc import Callable


ORDER = Order("ada", "over")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, where the account named is a world."""
    return over(monkeypatch)


DAY = timedelta(days=1)


def rewritten(command: Command, name: str, old: bytes, new: bytes) -> None:
    """Change what a blob says, and nothing else of it."""
    text = gzip.decompress(command.world.blobs.blobs[name])
    assert old in text
    command.world.blobs.blobs[name] = gzip.compress(text.replace(old, new))


def renamed(command: Command, name: str, other: str) -> None:
    """Give a blob another name."""
    command.world.blobs.blobs[other] = command.world.blobs.blobs.pop(name)


def forge_timeline(command: Command) -> None:
    """Let a timeline say nothing of hashes, and its chain hold none the less."""
    table = command.world.table._rows
    head = asyncio.run(command.world.head())
    chain = ""
    for place in sorted(place for place in table if place[1].startswith("t|")):
        entry = rows.decode(table[place], Entry)
        facts = tuple(msgspec.structs.replace(f, sha256="") for f in entry.facts)
        doc = rows.encode(msgspec.structs.replace(entry, facts=facts, previous=chain))
        table[place] = table[place]._replace(doc=doc)
        chain = sha256(doc)
    place = rows.partition_of_incident(head.id), rows.incident(head.id)
    doc = rows.encode(msgspec.structs.replace(head, chain=chain))
    table[place] = table[place]._replace(doc=doc)


def forge_row(command: Command) -> None:
    """Have the row name an event that never was."""
    row = row_of(command, alert_id())
    assert row.spot is not None
    spot = msgspec.structs.replace(row.spot, sha256="0" * 64)
    put(command, msgspec.structs.replace(row, spot=spot))


class TestVerify:
    """Whether the archive is what was archived."""

    def test_what_was_left_alone_fits(self, command: Command) -> None:
        """Alerts, updates, splits, history: everything, and how much of it."""
        world = command.world
        feed(command, defender_alert(), defender_alert(SystemAlertId="B-2"), b"junk")
        feed(
            command,
            defender_alert(ProcessingEndTime=stamp(NOON + timedelta(hours=1))),
            first=9,
        )
        head = asyncio.run(world.head())
        asyncio.run(world.worker.regrouping.split(head.id, ["B-2"], ORDER))
        asyncio.run(world.settle())
        asyncio.run(world.worker.commands.resolve(head.id, ORDER))
        asyncio.run(world.settle())
        world.clock.step(KEEP + DAY)
        asyncio.run(world.worker.retention())
        assert world.past.keys

        found = verified(command)

        assert found == {
            "blobs": 2,
            "events": 4,
            "alerts": 2,
            "hashed": 2,
            "incidents": 2,
            "entries": found["entries"],
            "vouched": 3,
            "days": 0,
            "told": 0,
            "misfits": [],
        }
        shown = command("verify")
        assert shown.exit_code == 0
        assert "Everything fits" in shown.stdout

    def test_events_of_0_1_are_read_again(self, command: Command) -> None:
        """They have no hash anywhere: their alert must be in them."""
        (body,) = feed(command, defender_alert())
        row = row_of(command, alert_id())
        former = "archive/hub/alerts/0/1.ndjson.gz"
        line = {"place": "1", "received_at": NOON, "body": body.decode()}
        packed = gzip.compress(msgspec.json.encode(line) + b"\n")
        command.world.blobs.blobs = {former: packed}
        put(command, msgspec.structs.replace(row, archived=former, spot=None))
        forge_timeline(command)

        assert verified(command)["misfits"] == []
        assert verified(command)["hashed"] == 0

        rewritten(command, former, b"SystemAlertId", b"SystemAlertIx")
        assert [m["what"] for m in verified(command)["misfits"]] == ["alert"]

    @pytest.mark.parametrize(
        ("harm", "said"),
        [
            (lambda c, n: c.world.blobs.blobs.pop(n), {"blob", "timeline"}),
            (
                lambda c, n: rewritten(c, n, b"web shell", b"nothing!!"),
                {"blob", "alert", "timeline"},
            ),
            (lambda c, n: rewritten(c, n, b"T12:01:00Z", b"T13:00:00Z"), set()),
            (
                lambda c, n: rewritten(c, n, b"-11-23T12:01", b"-11-20T12:01"),
                {"blob"},
            ),
            (
                lambda c, n: renamed(c, n, n.replace("/0/", "/1/")),
                {"blob"},
            ),
            (lambda c, n: renamed(c, n, "archive/other"), {"blob", "timeline"}),
            (
                lambda c, n: c.world.blobs.blobs.update({n: b"x"}),
                {"blob", "timeline"},
            ),
            (lambda c, _: forge_timeline(c), {"alert"}),
            (lambda c, _: forge_row(c), {"alert"}),
        ],
        ids=[
            "gone",
            "changed",
            "received at another time of the day",
            "received on another day",
            "of another source",
            "of no name",
            "broken",
            "not in the timeline",
            "not in the row",
        ],
    )
    def test_what_was_done_to_it_shows(
        self,
        command: Command,
        harm: Callable[[Command, str], object],
        said: set[str],
    ) -> None:
        """To blob, row or timeline: two of the three tell of the third."""
        feed(command, defender_alert())
        (name,) = command.world.blobs.blobs

        harm(command, name)

        found = verified(command)
        assert {m["what"] for m in found["misfits"]} == said
        assert command("verify").exit_code == int(bool(said))

    def test_a_broken_chain_shows(self, command: Command) -> None:
        """As `incidents verify` shows it."""
        feed(command, defender_alert())
        world = command.world
        (place,) = (p for p in world.table._rows if p[1].endswith("|000001"))
        row = world.table._rows[place]
        world.table._rows[place] = row._replace(
            doc=row.doc.replace(b"ingest", b"nobody")
        )

        (misfit, *_) = verified(command)["misfits"]

        assert misfit["what"] == "timeline"

    def test_what_is_deleted_by_its_age_is_no_misfit(self, command: Command) -> None:
        """Where the deployment says so, and no younger than that."""
        feed(command, defender_alert())
        command.world.blobs.blobs.clear()
        command.world.clock.step(timedelta(days=200))

        assert verified(command, "--kept-days", "100")["misfits"] == []
        assert verified(command, "--kept-days", "300")["misfits"] != []
        assert "is not there" in command("verify").stdout
