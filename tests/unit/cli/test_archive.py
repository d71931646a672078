"""`firewatch archive`, over fake storage."""

from __future__ import annotations

import asyncio
import gzip
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from typer.testing import CliRunner

from cli import incidents, main
from shared.commands import Order
from shared.model.errors import ArchiveBroken
from shared.store import reading, rows
from shared.store.ports import Put
from tests.alerts import NOON, alert_id, batch, defender_alert, stamp
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from typer.testing import Result

    from shared.clouds.storage import Storage
    from shared.model.alert import AlertRow

ORDER = Order("ada", "over")


class Command:
    """The command on an account that is a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, *arguments: str) -> Result:
        """Run it."""
        return CliRunner().invoke(
            main.app, ["archive", *arguments, "--account", "fake"]
        )

    def get(self, alert: str, *arguments: str) -> bytes:
        """What it gives of an alert."""
        found = self("get", alert, *arguments)
        assert found.exit_code == 0, found.output
        return found.stdout_bytes


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, where the account named is a world."""
    world = World()

    async def opened(_: str) -> Storage:
        async def close() -> None:
            return None

        worker = world.new_worker()
        found = SimpleNamespace(
            ledger=worker.ledger,
            history=world.history,
            archive=worker.archive,
            blobs=world.blobs,
            close=close,
        )
        return cast("Storage", found)

    monkeypatch.setattr(incidents, "open_account", opened)
    return Command(world)


def feed(command: Command, *bodies: object, first: int = 1) -> list[bytes]:
    """Give the app a batch; the bytes of each event."""
    events = batch(*bodies, first=first)  # type: ignore[arg-type]
    asyncio.run(command.world.feed(events))
    return [each.body for each in events]


def row_of(command: Command, identity: str) -> AlertRow:
    """The row of an alert."""
    found = asyncio.run(reading.alert(command.world.ledger, identity))
    assert found is not None
    return found


def put(command: Command, row: AlertRow) -> None:
    """Replace the row of an alert."""
    world, key = command.world, rows.alert(row.id)
    partition = rows.partition_of_incident(row.incident)
    etag = world.table._rows[partition, key].etag
    asyncio.run(world.table.commit(partition, [Put(key, rows.encode(row), etag)]))


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
