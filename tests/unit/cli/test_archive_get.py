"""`firewatch archive get` and `list`."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import timedelta

import msgspec
import pytest

from shared.commands import Order
from shared.model.errors import ArchiveBroken
from shared.store import reading
from tests.alerts import NOON, alert_id, defender_alert, event, stamp
from tests.fakes.firewatch import KEEP
from tests.unit.cli.archive_kit import Command, feed, over, put, row_of

ORDER = Order("ada", "over")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, where the account named is a world."""
    return over(monkeypatch)


class TestGet:
    """The bytes that an alert came in."""

    def test_they_are_those_that_came(self, command: Command) -> None:
        """Of this alert and no other, by its id in any case."""
        odd = '{"é": "é\\u0000", "SystemAlertId": "x"}'.encode()
        one, other, _ = feed(
            command, defender_alert(), defender_alert(SystemAlertId="B-2"), odd
        )

        assert command.get(alert_id()) == one
        assert command.get("b-2") == other

    def test_of_many_no_more_than_its_part_is_read(self, command: Command) -> None:
        """One request for a blob, and a range of it."""
        bodies = [defender_alert(SystemAlertId=alert_id(n)) for n in range(100)]
        found = feed(command, *bodies)
        row = row_of(command, alert_id(70))
        assert row.spot is not None
        assert row.spot.length
        command.world.faults.calls.clear()

        assert command.get(alert_id(70)) == found[70]

        assert command.world.faults.calls["blobs.get"] == 1

    def test_they_are_those_of_the_version_that_counts(self, command: Command) -> None:
        """An update brings bytes of its own."""
        feed(command, defender_alert())
        later = stamp(NOON + timedelta(hours=1))
        (newer,) = feed(command, defender_alert(ProcessingEndTime=later), first=9)

        assert command.get(alert_id()) == newer

    @pytest.mark.parametrize("is_named", [True, False])
    def test_they_are_found_long_after(
        self, command: Command, *, is_named: bool
    ) -> None:
        """From history: by the incident at once, else wherever it is."""
        (body,) = feed(command, defender_alert())
        world = command.world
        head = asyncio.run(world.head())
        asyncio.run(world.worker.commands.resolve(head.id, ORDER))
        asyncio.run(world.settle())
        world.clock.step(KEEP + timedelta(days=400))
        asyncio.run(world.worker.retention())
        assert asyncio.run(reading.alert(world.ledger, alert_id())) is None

        hint = ["--incident", head.id] if is_named else []
        assert command.get(alert_id(), *hint) == body

    def test_on_a_terminal_they_do_nothing(self, command: Command) -> None:
        """Indented, and what would control it is no control any more."""
        feed(command, defender_alert(AlertDisplayName="a\x9b31m\u202eb"))

        shown = command.get(alert_id(), "--pretty").decode()

        assert '\n  "AlertType": "VM_WebShellDetected"' in shown
        assert "a\ufffd31m\ufffdb" in shown

    def test_an_alert_of_before_is_found_in_its_blob(self, command: Command) -> None:
        """Rows of 0.1 name a blob of another form, and no spot in it."""
        one, other = feed(
            command, defender_alert(), defender_alert(SystemAlertId="B-2")
        )
        former = "archive/hub/alerts/0/1-2.ndjson.gz"
        lines = [{"place": "1", "received_at": NOON, "body": one.decode()}]
        lines += [{"place": "2", "received_at": NOON, "body": other.decode()}]
        packed = gzip.compress(b"".join(msgspec.json.encode(x) + b"\n" for x in lines))
        command.world.blobs.blobs = {former: packed}
        row = msgspec.structs.replace(row_of(command, "B-2"), archived=former)
        put(command, msgspec.structs.replace(row, spot=None))

        assert command.get("B-2") == other

    def test_other_bytes_are_not_given(self, command: Command) -> None:
        """Whoever changed the archive is not believed."""
        feed(command, defender_alert())
        row = row_of(command, alert_id())
        text = gzip.decompress(command.world.blobs.blobs[row.archived])
        forged = text.replace(b"web shell", b"nothing!!")
        command.world.blobs.blobs[row.archived] = gzip.compress(forged)

        found = command("get", alert_id())

        assert isinstance(found.exception, ArchiveBroken)
        assert found.stdout == ""

    def test_what_came_from_nowhere_is_said_to(self, command: Command) -> None:
        """No alert of that id; and an alert that is Firewatch's own."""
        feed(command, defender_alert())
        put(
            command,
            msgspec.structs.replace(
                row_of(command, alert_id()), archived="", spot=None
            ),
        )

        assert isinstance(command("get", alert_id()).exception, ArchiveBroken)
        unknown = command("get", "\x1b[1mx")
        assert unknown.exit_code == 1
        assert "\x1b" not in unknown.stderr


DAY = timedelta(days=1)


def test_the_list_is_by_day_and_source(command: Command) -> None:
    """How many batches, and how large."""
    feed(command, b"a", b"b")
    feed(command, b"c", first=3)
    late = event(b"c", place=9, received_at=NOON + DAY)._replace(source="http/portal")
    asyncio.run(command.world.worker.ingest([late]))

    everything = command("list", "--json")
    one = command("list", "--to", "2026-11-23")

    sizes = {n: len(data) for n, data in command.world.blobs.blobs.items()}
    assert [x | {"bytes": 0} for x in json.loads(everything.stdout)] == [
        {"day": "2026-11-23", "source": "hub/alerts/0", "batches": 2, "bytes": 0},
        {"day": "2026-11-24", "source": "http/portal", "batches": 1, "bytes": 0},
    ]
    listed = sum(x["bytes"] for x in json.loads(everything.stdout))
    assert listed == sum(v for n, v in sizes.items() if n.startswith("archive/"))
    assert "2 batches" in one.stdout
    assert "portal" not in one.stdout
